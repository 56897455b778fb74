import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import type { AssistantRequest } from '../../services/assistant/types.js';
import { release, takeOver } from '../../services/record/ownership.js';
import { createStateRecord } from '../../services/record/state.js';
import type { OrganizationId } from '../../services/types.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { until } from '../support/until.js';
import { type ContextStage, contextStage } from './_contextStage.js';

const MEDIA = [{ url: 'https://example.test/a.jpg', contentType: 'image/jpeg' }];
const bodies = ({ conversation }: AssistantRequest) => conversation.messages.map(({ body }) => body);

describeEachEngine("Changes of the assistant's context", (engine) => {
  let test: TestDatabase;
  const stages: ContextStage[] = [];
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterEach(async () => {
    await Promise.all(stages.splice(0).map((stage) => stage.close()));
  });
  afterAll(() => test.close());

  async function newStage(answer?: Parameters<typeof contextStage>[1], isRunning = true) {
    const stage = await contextStage(test.database, answer);
    stages.push(stage);
    if (isRunning) await stage.runner.start();
    return stage;
  }

  const learned = async (stage: ContextStage) => {
    const [row] = await test.database.query<{ slots: unknown; summary: string }>(
      sql`select slots, summary from conversations where id = ${(await stage.conversation()).id}`,
    );
    return row;
  };
  const retractedOf = async (stage: ContextStage) =>
    (
      await test.database.query<{ seq: number }>(
        sql`select seq from messages where conversation_id = ${(await stage.conversation()).id} and retracted order by seq`,
      )
    ).map(({ seq }) => seq);

  it('takes the last message out, with what was learned since, and keeps it for people', async () => {
    const stage = await newStage();
    await stage.talk('one');
    await stage.talk('two');
    expect(await learned(stage)).toMatchObject({ slots: { vehicle: 'one two' } });
    const { state, organizationId } = stage;
    const by = await stage.by();
    expect(await state.retractLast(organizationId, by, 1)).toMatchObject({ seqs: [4] });
    // The text itself stays and was answered from what the assistant knew before.
    expect(await learned(stage)).toEqual({ slots: { vehicle: 'one' }, summary: 'Heard: one' });
    const history = await state.getConversationHistory(organizationId, by.leadId);
    expect(history?.map(({ body, retracted }) => [body, retracted])).toEqual([
      ['one', false],
      ['reply to 1', false],
      ['two', false],
      ['reply to 3', true],
    ]);
    await stage.talk('three');
    const request = stage.requests.at(-1) as AssistantRequest;
    expect(bodies(request)).toEqual(['one', 'reply to 1', 'two', 'three']);
    expect(request.conversation.slots).toEqual({ vehicle: 'one' });
  });

  it('takes the last two out: a question and its answer are as if they had not been', async () => {
    const stage = await newStage();
    await stage.talk('one');
    await stage.talk('secret');
    const { state, organizationId } = stage;
    expect(await state.retractLast(organizationId, await stage.by(), 2)).toMatchObject({ seqs: [3, 4] });
    await stage.talk('three');
    expect(JSON.stringify(stage.requests.at(-1)?.conversation)).not.toContain('secret');
    expect(await learned(stage)).toEqual({ slots: { vehicle: 'one three' }, summary: 'Heard: one three' });
  });

  it('does not bring back with a later retraction what an earlier one took out', async () => {
    const stage = await newStage();
    await stage.say('photo', { media: MEDIA, numMedia: 1 });
    await stage.talk('one');
    await stage.talk('two');
    const { state, organizationId } = stage;
    const by = await stage.by();
    await state.retractLastWithMedia(organizationId, by);
    await state.retractLast(organizationId, by, 1);
    expect(JSON.stringify(await learned(stage))).not.toContain('photo');
  });

  it('goes back further when asked again, and stops when nothing is left', async () => {
    const stage = await newStage();
    await stage.talk('one');
    await stage.talk('two');
    const { state, organizationId } = stage;
    const by = await stage.by();
    const seqs = [];
    for (let n = 0; n < 4; n += 1) seqs.push((await state.retractLast(organizationId, by, 2))?.seqs);
    expect(seqs).toEqual([[3, 4], [1, 2], [], []]);
    expect(await learned(stage)).toEqual({ slots: {}, summary: '' });
    expect(await state.getLastMessage(organizationId, by.leadId)).toBeUndefined();
  });

  it('does not commit a reply that is being written from what was taken out, and answers what is left', async () => {
    let let_go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      let_go = resolve;
    });
    const stage = await newStage(async ({ conversation }) => {
      if (conversation.lastSeq === 2 && conversation.messages.length === 2) await held;
      return `knows ${conversation.messages.map(({ body }) => body).join(' ')}`;
    }, false);
    await stage.say('one');
    await stage.say('secret');
    await stage.runner.start();
    await until(() => stage.requests.length === 1, { what: 'the turn' });
    expect(bodies(stage.requests[0] as AssistantRequest)).toEqual(['one', 'secret']);
    await stage.state.retractLast(stage.organizationId, await stage.by(), 1);
    let_go();
    await until(async () => (await stage.texts()).length === 3, { what: 'the answer to what is left' });
    await stage.runner.stop();
    expect((await stage.texts()).slice(2).map(({ body }) => body)).toEqual(['knows one']);
    expect(JSON.stringify(await learned(stage))).not.toContain('secret');
  });

  it('takes back the turn of a text that is no longer there, and does not answer it', async () => {
    let let_go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      let_go = resolve;
    });
    const stage = await newStage(async () => {
      await held;
      return 'too late';
    });
    await stage.say('one');
    await until(() => stage.requests.length === 1, { what: 'the turn' });
    await stage.state.retractLast(stage.organizationId, await stage.by(), 1);
    expect(await stage.conversation()).toMatchObject({ isDue: false, isLeased: false });
    let_go();
    await stage.runner.stop();
    expect((await stage.texts()).map(({ body }) => body)).toEqual(['one']);
  });

  it('does not make the assistant speak when its own reply is taken out', async () => {
    const stage = await newStage();
    await stage.talk('one');
    await stage.state.retractLast(stage.organizationId, await stage.by(), 1);
    stage.runner.wake();
    await stage.runner.stop();
    expect(await stage.texts()).toHaveLength(2);
    expect(await stage.conversation()).toMatchObject({ isDue: false });
  });

  it('does not answer a text that was taken out when a person gives the conversation back', async () => {
    const stage = await newStage(undefined, false);
    await stage.say('one');
    const at = { organizationId: stage.organizationId, ...(await stage.by()) };
    await takeOver(test.database, { ...at, ownerName: 'Pat' });
    await stage.state.retractLast(stage.organizationId, at, 1);
    await release(test.database, at);
    expect(await stage.conversation()).toMatchObject({ isDue: false });
    await stage.say('two');
    expect(await stage.conversation()).toMatchObject({ isDue: true });
  });

  it('makes every cached copy a miss, also one that is stored late', async () => {
    const stage = await newStage();
    await stage.talk('secret');
    const { state, organizationId } = stage;
    const { id: conversationId, baseRev } = await stage.conversation();
    const rev = baseRev as NonNullable<AssistantRequest['conversation']>['rev'];
    const { snapshot, source } = await state.getConversationSnapshot(organizationId, {
      conversationId,
      baseRev: rev,
    });
    expect(source).toBe('cache');
    await state.retractLast(organizationId, await stage.by(), 2);
    expect((await stage.conversation()).baseRev).not.toBe(baseRev);
    if (snapshot) await state.storeConversationSnapshot(organizationId, snapshot);
    await stage.talk('two');
    expect(bodies(stage.requests.at(-1) as AssistantRequest)).toEqual(['two']);
  });

  it('makes a copy a miss that was warmed from the record with texts after the base', async () => {
    const stage = await newStage(undefined, false);
    await stage.say('one');
    await stage.say('secret');
    const { id } = await stage.conversation();
    const warmed = await createStateRecord(test.database).readSnapshot(stage.organizationId, id);
    if (!warmed) throw new Error('no snapshot');
    await stage.state.retractLast(stage.organizationId, await stage.by(), 1);
    await stage.state.storeConversationSnapshot(stage.organizationId, warmed);
    await stage.runner.start();
    await until(async () => (await stage.texts()).length === 3, { what: 'the answer' });
    expect(stage.requests.map(bodies)).toEqual([['one']]);
  });

  it.each([
    ['a text that waits', 2],
    ['a text in the base', 1],
  ])('renews the base when %s is marked by hand, and when the mark is taken away', async (_name, seq) => {
    const stage = await newStage(undefined, false);
    await stage.say('one');
    const { id } = await stage.conversation();
    await test.database.orm.execute(sql`update conversations set summary = 'base' where id = ${id}`);
    await stage.say('two');
    const before = await stage.conversation();
    expect(before.baseSeq).toBe(1);
    const mark = (isRetracted: boolean) =>
      test.database.orm.execute(
        sql`update messages set retracted = ${isRetracted} where conversation_id = ${id} and seq = ${seq}`,
      );
    await mark(true);
    const marked = await stage.conversation();
    expect(marked.baseRev).not.toBe(before.baseRev);
    expect(marked.baseSeq).toBe(2);
    await mark(false);
    expect((await stage.conversation()).baseRev).not.toBe(marked.baseRev);
  });

  it('begins anew after a reset, and keeps everything for people', async () => {
    const stage = await newStage();
    await stage.talk('secret one');
    await stage.talk('secret two');
    const { state, organizationId } = stage;
    const by = await stage.by();
    expect(await state.resetConversation(organizationId, by)).toMatchObject({ seqs: [1, 2, 3, 4] });
    expect(await learned(stage)).toEqual({ slots: {}, summary: '' });
    await stage.talk('three');
    const { conversation } = stage.requests.at(-1) as AssistantRequest;
    expect(JSON.stringify(conversation)).not.toContain('secret');
    expect(conversation).toMatchObject({ lastSeq: 5, slots: {}, summary: '' });
    expect(await state.getConversationHistory(organizationId, by.leadId)).toHaveLength(6);
    expect(await state.resetConversation(organizationId, by)).toMatchObject({ seqs: [5, 6] });
    expect(await state.resetConversation(organizationId, by)).toMatchObject({ seqs: [] });
  });

  it('forgets what was learned when nothing says what was known before', async () => {
    const stage = await newStage();
    await stage.talk('one');
    await stage.talk('two');
    await test.database.orm.execute(sql`update messages set context_before = null`);
    await stage.state.retractLast(stage.organizationId, await stage.by(), 1);
    expect(await learned(stage)).toEqual({ slots: {}, summary: '' });
  });

  it('takes the last message with media out, and counts', async () => {
    const stage = await newStage(undefined, false);
    await stage.say('one', { media: MEDIA, numMedia: 1 });
    await stage.say('two', { media: MEDIA, numMedia: 1 });
    await stage.say('three');
    const { state, organizationId } = stage;
    const by = await stage.by();
    const count = () => state.countMessages(organizationId, by.leadId);
    expect(await count()).toEqual({
      all: 3,
      withMedia: 2,
      retracted: 0,
      archived: 0,
      bySender: { lead: 3, assistant: 0, staff: 0, system: 0 },
    });
    expect(await state.retractLastWithMedia(organizationId, by)).toMatchObject({ seqs: [2] });
    expect(await count()).toMatchObject({ all: 2, withMedia: 1, retracted: 1 });
    expect(await state.retractLastWithMedia(organizationId, by)).toMatchObject({ seqs: [1] });
    expect(await state.retractLastWithMedia(organizationId, by)).toMatchObject({ seqs: [] });
    expect((await state.getFirstMessage(organizationId, by.leadId))?.seq).toBe(3);
    expect((await state.getLastMessage(organizationId, by.leadId))?.body).toBe('three');
    // The one that is left still waits for its answer.
    expect(await stage.conversation()).toMatchObject({ isDue: true });
  });

  it('appends what the assistant said elsewhere in order, sends nothing, and shows it to the assistant', async () => {
    const stage = await newStage();
    await stage.talk('one');
    const { state, organizationId } = stage;
    const by = await stage.by();
    const stored = await state.appendAssistantMessages(organizationId, by, [
      { body: 'said elsewhere', createdAt: new Date('2026-01-02T03:04:05.000Z') },
      { body: 'and this' },
    ]);
    expect(stored).toMatchObject([
      { seq: 3, body: 'said elsewhere', status: 'delivered', createdAt: '2026-01-02T03:04:05.000Z' },
      { seq: 4, body: 'and this', sender: 'assistant', direction: 'outbound' },
    ]);
    const queued = await test.database.query(
      sql`select 1 from outbox where conversation_id = ${(await stage.conversation()).id} and seq > 2`,
    );
    expect(queued).toEqual([]);
    await stage.talk('two');
    expect(bodies(stage.requests.at(-1) as AssistantRequest)).toEqual([
      'one',
      'reply to 1',
      'said elsewhere',
      'and this',
      'two',
    ]);
    expect(await state.appendAssistantMessages(organizationId, by, [])).toEqual([]);
  });

  it.each<[string, Parameters<ContextStage['state']['appendAssistantMessages']>[2]]>([
    ['an empty text', [{ body: ' ' }]],
    ['a long text', [{ body: 'x'.repeat(1_601) }]],
    ['no moment', [{ body: 'x', createdAt: new Date(Number.NaN) }]],
    ['too many', Array.from({ length: 501 }, () => ({ body: 'x' }))],
  ])('appends nothing for %s', async (_name, messages) => {
    const stage = await newStage();
    await stage.talk('one');
    await expect(
      stage.state.appendAssistantMessages(stage.organizationId, await stage.by(), messages),
    ).rejects.toMatchObject({ code: 'E_INPUT_INVALID' });
    expect(await stage.texts()).toHaveLength(2);
  });

  it('appends nothing between a text and its reply', async () => {
    const stage = await newStage(undefined, false);
    await stage.say('one');
    await expect(
      stage.state.appendAssistantMessages(stage.organizationId, await stage.by(), [{ body: 'x' }]),
    ).rejects.toMatchObject({ code: 'E_CONFLICT' });
  });

  it('changes nothing for another organization (P3)', async () => {
    const [own, other] = [await newStage(), await newStage()];
    await own.talk('one');
    const by = await own.by();
    const { state } = own;
    const stranger: OrganizationId = other.organizationId;
    const before = await own.conversation();
    expect(await state.retractLast(stranger, by, 1)).toBeUndefined();
    expect(await state.retractLastWithMedia(stranger, by)).toBeUndefined();
    expect(await state.resetConversation(stranger, by)).toBeUndefined();
    expect(await state.appendAssistantMessages(stranger, by, [{ body: 'x' }])).toBeUndefined();
    expect(await state.countMessages(stranger, by.leadId)).toBeUndefined();
    expect(await state.getFirstMessage(stranger, by.leadId)).toBeUndefined();
    expect(await state.getLastMessage(stranger, by.leadId)).toBeUndefined();
    expect(await own.conversation()).toEqual(before);
    expect(await retractedOf(own)).toEqual([]);
  });

  it('leaves a trail without words or phones, and an event for whoever looks', async () => {
    const stage = await newStage();
    await stage.talk('one');
    const { state, organizationId } = stage;
    const by = await stage.by();
    await state.retractLast(organizationId, by, 2);
    await state.resetConversation(organizationId, by);
    await state.appendAssistantMessages(organizationId, by, [{ body: 'x' }]);
    const trail = await test.database.query<{
      action: string;
      actor: string;
      subject: string;
      details: object;
    }>(
      sql`select action, actor, subject, details from audit where organization_id = ${organizationId} order by id`,
    );
    expect(trail.map(({ action, details }) => [action, details])).toEqual([
      ['conversation.retract', { messages: 2, firstSeq: 1 }],
      ['conversation.reset', { messages: 0 }],
      ['conversation.append', { messages: 1, firstSeq: 3 }],
    ]);
    expect(new Set(trail.map(({ actor, subject }) => `${actor} ${subject}`))).toEqual(
      new Set([`key:test ${by.leadId}`]),
    );
    const told = await test.database.query(
      sql`select 1 from feed_events where organization_id = ${organizationId} and type = 'conversation.changed'`,
    );
    expect(told).toHaveLength(2);
  });

  describe('in any order with texts and replies', () => {
    type Operation = 'text' | 'photo' | 'retract 1' | 'retract 2' | 'retract photo' | 'reset' | 'append';
    const operations = fc.array(
      fc.constantFrom<Operation>(
        'text',
        'text',
        'text',
        'photo',
        'retract 1',
        'retract 2',
        'retract photo',
        'reset',
        'append',
      ),
      { minLength: 3, maxLength: 10 },
    );

    it('never shows the assistant a message that was taken out, nor anything learned from it', async () => {
      await fc.assert(
        fc.asyncProperty(operations, async (list) => {
          const gone = new Set<string>();
          const leaks = new Map<string, string>();
          let asked = 0;
          const stage = await contextStage(test.database, ({ conversation }) => {
            const reply = `<r${asked++}>`;
            const seen = JSON.stringify(conversation);
            for (const word of gone) if (seen.includes(word)) leaks.set(reply, word);
            return reply;
          });
          await stage.runner.start();
          await stage.say('<t0>');
          let n = 1;
          for (const operation of list) {
            await play(stage, operation, n);
            n += 1;
            for (const { seq, body } of await stage.texts()) {
              if ((await retractedOf(stage)).includes(seq)) gone.add(body);
            }
          }
          await stage.say('<last>');
          await until(async () => !(await stage.conversation()).isDue, { what: 'the last answer' });
          await stage.close();
          const texts = await stage.texts();
          // A turn may have been at work when something was taken out; then its reply must not be there.
          expect(texts.filter(({ body }) => leaks.has(body))).toEqual([]);
          expect(texts.filter(({ body }) => gone.has(body))).toHaveLength(gone.size);
        }),
        { numRuns: engine === 'pglite' ? 15 : 40 },
      );
    }, 60_000);

    async function play(stage: ContextStage, operation: Operation, n: number): Promise<void> {
      const { state, organizationId } = stage;
      const by = await stage.by();
      if (operation === 'text') await stage.say(`<t${n}>`);
      else if (operation === 'photo') await stage.say(`<t${n}>`, { media: MEDIA, numMedia: 1 });
      else if (operation === 'retract 1') await state.retractLast(organizationId, by, 1);
      else if (operation === 'retract 2') await state.retractLast(organizationId, by, 2);
      else if (operation === 'retract photo') await state.retractLastWithMedia(organizationId, by);
      else if (operation === 'reset') await state.resetConversation(organizationId, by);
      else {
        await until(async () => !(await stage.conversation()).isDue, { what: 'the answer' });
        await state.appendAssistantMessages(organizationId, by, [{ body: `<a${n}>` }]);
      }
    }
  });
});
