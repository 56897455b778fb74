import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { Assistant } from '../../../services/assistant/types.js';
import type { LiveEvent } from '../../../services/events.js';
import type { E164, OrganizationId } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

describeEachEngine('Conversations over HTTP', (engine) => {
  let jack: TestApp;
  let client: Client;
  /** Holds replies back while a test looks at what happens before them. */
  let held: Promise<void> | undefined;

  beforeAll(async () => {
    const assistant: Assistant = {
      name: 'echo',
      reply: async ({ conversation }) => {
        const last = conversation.messages.at(-1)?.body ?? '';
        await held;
        return { body: `You said: ${last}`, slots: { name: 'Dana' }, summary: 'They talked.' };
      },
    };
    jack = await buildApp({ engine, assistant });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  async function dealership() {
    const { organization, apiKey } = await jack.createOrganization();
    const number = organization.phoneNumbers[0] as E164;
    const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
      client.call(name, { ...options, key: apiKey });
    const text = (phone: E164, body: string) =>
      jack.ctx.receiver.receive(inboundText(number, phone, { body }));
    const leadIdOf = (phone: E164) => jack.ctx.state.getLeadIdByPhone(organization.id, phone);
    const shopper = async (...bodies: string[]) => {
      const phone = newPhone();
      for (const body of bodies) await text(phone, body);
      return { phone, leadId: (await leadIdOf(phone)) ?? '' };
    };
    const detail = async (leadId: string, query?: Record<string, string>) =>
      (await call('GET /api/conversations/{leadId}', { params: { leadId }, ...(query ? { query } : {}) }))
        .body;
    const steer = (leadId: string, how: string, body?: object) =>
      call(`POST /api/conversations/{leadId}/${how}`, { params: { leadId }, body });
    return { id: organization.id as OrganizationId, call, text, shopper, detail, steer };
  }

  const bodies = (messages: { body: string }[]) => messages.map(({ body }) => body);
  const answered = (detail: () => Promise<{ lastSeq: number }>, lastSeq: number) =>
    until(async () => (await detail()).lastSeq >= lastSeq, { what: `message ${lastSeq}` });

  describe('A conversation', () => {
    it('When it is read, then it has its state and its messages, oldest first', async () => {
      const { shopper, detail } = await dealership();
      const { phone, leadId } = await shopper('Hello');
      await answered(() => detail(leadId), 2);
      expect(await detail(leadId)).toMatchObject({
        lead: { id: leadId, phone, source: 'sms' },
        owner: 'assistant',
        ownerName: null,
        optedOut: false,
        lastSeq: 2,
        summary: 'They talked.',
        slots: { name: 'Dana' },
        messages: [
          {
            seq: 1,
            direction: 'inbound',
            sender: 'lead',
            body: 'Hello',
            status: 'received',
            errorCode: null,
          },
          { seq: 2, direction: 'outbound', sender: 'assistant', body: 'You said: Hello', segments: 1 },
        ],
      });
    });

    it('When it is read backwards in pages, then nothing is missed and nothing comes twice', async () => {
      const { shopper, detail, steer, text } = await dealership();
      const { phone, leadId } = await shopper('text 1');
      await steer(leadId, 'takeover', { name: 'Pat' });
      for (let n = 2; n <= 7; n += 1) await text(phone, `text ${n}`);
      const read: number[] = [];
      for (let before = 1_000; before > 1; ) {
        const { messages } = await detail(leadId, { limit: '3', before: String(before) });
        read.unshift(...messages.map(({ seq }: { seq: number }) => seq));
        before = messages[0]?.seq ?? 1;
      }
      expect(read).toEqual(Array.from({ length: (await detail(leadId)).lastSeq }, (_, n) => n + 1));
      expect((await detail(leadId, { before: '1' })).messages).toEqual([]);
    });
  });

  describe('The inbox', () => {
    it('When conversations move, then the newest is first, and filters tell them apart', async () => {
      const { call, shopper, steer, detail } = await dealership();
      const a = await shopper('from a');
      await answered(() => detail(a.leadId), 2);
      const b = await shopper('from b');
      await answered(() => detail(b.leadId), 2);
      await steer(a.leadId, 'takeover', { name: 'Pat' });
      await steer(b.leadId, 'opt-out');
      const ids = async (query: Record<string, string> = {}) =>
        (await call('GET /api/conversations', { query })).body.items.map(
          (item: { lead: { id: string } }) => item.lead.id,
        );
      expect(await ids()).toEqual([b.leadId, a.leadId]);
      expect(await ids({ owner: 'human' })).toEqual([a.leadId]);
      expect(await ids({ owner: 'assistant' })).toEqual([b.leadId]);
      expect(await ids({ optedOut: 'true' })).toEqual([b.leadId]);
      expect(await ids({ optedOut: 'false' })).toEqual([a.leadId]);
      expect(await ids({ waiting: 'true' })).toEqual([]);
      const { body } = await call('GET /api/conversations', { query: { limit: '1' } });
      expect(body.items[0]).toMatchObject({
        lead: { id: b.leadId, phone: b.phone, name: null },
        optedOut: true,
        lastSeq: 2,
        lastMessage: { body: 'You said: from b', direction: 'outbound' },
      });
      expect(await ids({ cursor: body.nextCursor })).toEqual([a.leadId]);
    });

    it('When a person owns the conversation and the shopper spoke last, then it is waiting', async () => {
      const { call, shopper, steer, text, detail } = await dealership();
      const { phone, leadId } = await shopper('Hello');
      await answered(() => detail(leadId), 2);
      await steer(leadId, 'takeover', { name: 'Pat' });
      await text(phone, 'Anybody there?');
      const waiting = async () =>
        (await call('GET /api/conversations', { query: { waiting: 'true' } })).body.items;
      expect(await waiting()).toHaveLength(1);
      await steer(leadId, 'messages', { body: 'Pat here.' });
      expect(await waiting()).toEqual([]);
    });
  });

  describe('Staff speak', () => {
    it('When staff send a text, then it is the next message and reaches the handset', async () => {
      const { shopper, steer, detail, call } = await dealership();
      const { leadId } = await shopper('Hello');
      await answered(() => detail(leadId), 2);
      const { status, body } = await call('POST /api/conversations/{leadId}/messages', {
        params: { leadId },
        body: { body: 'We close at six.' },
      });
      expect(status).toBe(202);
      expect(body.message).toMatchObject({
        seq: 3,
        direction: 'outbound',
        sender: 'staff',
        body: 'We close at six.',
      });
      await until(async () => (await detail(leadId)).messages[2].status === 'delivered', {
        what: 'the delivery',
      });
      expect((await steer(leadId, 'messages', { body: 'x'.repeat(1600) })).status).toBe(202);
    });

    it('When the person has opted out, then it is 409 with the code, and nothing is stored', async () => {
      const { shopper, steer, detail } = await dealership();
      const { leadId } = await shopper('STOP');
      const { status, body } = await steer(leadId, 'messages', { body: 'But wait' });
      expect([status, body.code]).toEqual([409, 'E_OPTED_OUT']);
      expect((await detail(leadId)).lastSeq).toBe(1);
    });

    it('When the organization has no number, then it is 409', async () => {
      const { organization, apiKey } = await jack.createOrganization({ phoneNumbers: [] });
      expect(organization.phoneNumbers).toEqual([]);
      const lead = await client.call('POST /api/leads', { body: { phone: newPhone() }, key: apiKey });
      const { status, body } = await client.call('POST /api/conversations/{leadId}/messages', {
        params: { leadId: lead.body.id },
        body: { body: 'Hello' },
        key: apiKey,
      });
      expect([status, body.code]).toEqual([409, 'E_CONFLICT']);
    });
  });

  describe('Who speaks', () => {
    it('When a person takes over while a reply is being written, then that reply does not leave', async () => {
      const { shopper, steer, detail, id } = await dealership();
      let letGo = (): void => undefined;
      held = new Promise((resolve) => {
        letGo = resolve;
      });
      const { leadId } = await shopper('Hello');
      await until(() => jack.ctx.turns.activeCount > 0, { what: 'the turn' });
      const events: LiveEvent[] = [];
      const unsubscribe = jack.ctx.events.subscribe(id, (event) => events.push(event));
      const { body } = await steer(leadId, 'takeover', { name: 'Pat' });
      expect(body).toMatchObject({ lead: { id: leadId }, owner: 'human', ownerName: 'Pat', lastSeq: 1 });
      letGo();
      held = undefined;
      await until(() => jack.ctx.turns.activeCount === 0, { what: 'the end of the turn' });
      unsubscribe();
      expect((await detail(leadId)).lastSeq).toBe(1);
      expect(events).toContainEqual(expect.objectContaining({ type: 'conversation.changed', leadId }));
    });

    it('When it is given back with a text unanswered, then the assistant answers at once', async () => {
      const { shopper, steer, detail, text } = await dealership();
      const { phone, leadId } = await shopper('Hello');
      await answered(() => detail(leadId), 2);
      await steer(leadId, 'takeover', { name: 'Pat' });
      await text(phone, 'Still there?');
      expect((await detail(leadId)).lastSeq).toBe(3);
      const { body } = await steer(leadId, 'release');
      expect(body).toMatchObject({ owner: 'assistant', ownerName: null });
      await answered(() => detail(leadId), 4);
      expect(bodies((await detail(leadId)).messages).at(-1)).toBe('You said: Still there?');
    });

    it('When it is given back and everything is answered, or twice, then nobody speaks', async () => {
      const { shopper, steer, detail, text } = await dealership();
      const { phone, leadId } = await shopper('Hello');
      await answered(() => detail(leadId), 2);
      const isDue = async () =>
        (
          await jack.ctx.database.query(
            sql`select 1 from conversations where lead_id = ${leadId} and reply_due_at is not null`,
          )
        ).length > 0;
      await steer(leadId, 'takeover', { name: 'Pat' });
      await text(phone, 'Thanks');
      await steer(leadId, 'messages', { body: 'You are welcome.' });
      await steer(leadId, 'release');
      expect(await isDue()).toBe(false);
      await text(phone, 'HELP');
      await steer(leadId, 'release');
      expect(await isDue()).toBe(false);
    });

    it('When it is given back after an opt-out, then nobody speaks', async () => {
      const { shopper, steer } = await dealership();
      const { leadId } = await shopper('STOP');
      await steer(leadId, 'takeover', { name: 'Pat' });
      expect((await steer(leadId, 'release')).body).toMatchObject({ owner: 'assistant', optedOut: true });
      const due = await jack.ctx.database.query(
        sql`select 1 from conversations where lead_id = ${leadId} and reply_due_at is not null`,
      );
      expect(due).toEqual([]);
    });

    it('When staff mark an opt-out, then a due reply is dropped, queued texts are taken back, and it is kept once', async () => {
      const { shopper, steer, detail } = await dealership();
      let letGo = (): void => undefined;
      held = new Promise((resolve) => {
        letGo = resolve;
      });
      const { leadId } = await shopper('Hello');
      await until(() => jack.ctx.turns.activeCount > 0, { what: 'the turn' });
      expect((await steer(leadId, 'opt-out')).body).toMatchObject({ optedOut: true });
      expect((await steer(leadId, 'opt-out')).body).toMatchObject({ optedOut: true });
      letGo();
      held = undefined;
      await until(() => jack.ctx.turns.activeCount === 0, { what: 'the end of the turn' });
      expect((await detail(leadId)).lastSeq).toBe(1);
      const events = await jack.ctx.database.query(
        sql`select kind, method from consent_events where lead_id = ${leadId} and kind <> 'consent'`,
      );
      expect(events).toEqual([{ kind: 'opt_out', method: 'staff' }]);
    });

    it('When somebody steers, then the audit trail says which key did what', async () => {
      const { shopper, steer, id } = await dealership();
      const { leadId } = await shopper('Hello');
      await steer(leadId, 'takeover', { name: 'Pat' });
      await steer(leadId, 'release');
      const entries = await jack.ctx.database.query<{ actor: string; action: string; subject: string }>(
        sql`select actor, action, subject from audit where organization_id = ${id} and actor <> 'administrator' order by id`,
      );
      expect(entries.map(({ action }) => action)).toEqual(['conversation.takeover', 'conversation.release']);
      expect(
        entries.every(({ actor, subject }) => /^key:[a-z0-9]{8}$/.test(actor) && subject === leadId),
      ).toBe(true);
    });
  });
});
