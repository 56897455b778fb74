import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { openBlock } from '../../services/archive/block.js';
import { moveQuiet } from '../../services/archive/move.js';
import type { MoverLimits } from '../../services/archive/mover.js';
import { type Archive, createArchive } from '../../services/archive.js';
import { JackError } from '../../services/errors.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { readBlocksBefore } from '../../services/record/archiveReads.js';
import { eraseOrganization } from '../../services/record/organizations.js';
import { createStateRecord } from '../../services/record/state.js';
import { createSecrets } from '../../services/secrets.js';
import type { ConversationId, LeadId, Message } from '../../services/types.js';
import {
  conversationOf,
  inboundText,
  newMessageSid,
  newOrganization,
  newPhone,
  TEST_ACCOUNT_SID,
  type TestOrganization,
  textsOf,
} from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';
import { until } from '../support/until.js';

const DAY_MS = 86_400_000;

describeEachEngine('The archive', (engine) => {
  let test: TestDatabase;
  let archive: Archive;
  let dropped: string[];
  let organization: TestOrganization;

  beforeAll(async () => {
    test = await openTestDatabase(engine);
    archive = newArchive();
  });
  beforeEach(async () => {
    dropped = [];
    organization = await newOrganization(test.database);
  });
  afterAll(async () => {
    await archive.mover.stop();
    await test.close();
  });

  const newArchive = (limits: Partial<MoverLimits> = {}, afterDays = 90) =>
    createArchive({
      database: test.database,
      state: {
        dropConversation: async (_organizationId, { conversationId }) => {
          dropped.push(conversationId);
        },
      },
      logger: silentLogger,
      random: () => 0.5,
      afterDays,
      limits: { pauseMs: 0, ...limits },
    });

  const receiver = () =>
    createInboundReceiver({
      database: test.database,
      secrets: createSecrets('a test secret that is long'),
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });

  /** A conversation of `count` texts, each answered, whose last word is `daysAgo` old. */
  async function conversation(count: number, daysAgo = 100, phone = newPhone()) {
    const { database } = test;
    const texts = Array.from({ length: count }, (_, n) =>
      inboundText(organization.number, phone, {
        body: `text ${n}: how much is it? 🚗`,
        messageSid: newMessageSid(),
      }),
    );
    for (const text of texts) await receiver().receive(text);
    const { id, leadId, lastSeq } = await conversationOf(database, organization.id, phone);
    await database.orm.execute(
      sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          account_sid, message_sid, status)
        select gen_random_uuid(), organization_id, id, ${lastSeq + 1}, 'outbound', 'assistant', 'An answer', 'GSM-7', 1,
          ${TEST_ACCOUNT_SID}, ${newMessageSid()}, 'delivered' from conversations where id = ${id}`,
    );
    await database.orm.execute(
      sql`insert into outbox (message_id, organization_id, conversation_id, seq, account, from_number, to_number, state)
        select id, organization_id, conversation_id, seq, 'default', ${organization.number}, ${phone}, 'accepted'
        from messages where conversation_id = ${id} and direction = 'outbound'`,
    );
    await database.orm.execute(
      sql`insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason)
        select organization_id, conversation_id, id, 'assistant', 'commit', true, 'reply_to_own_text'
        from messages where conversation_id = ${id} and direction = 'outbound'`,
    );
    await database.orm.execute(
      sql`update conversations set last_seq = ${lastSeq + 1}, last_outbound_seq = ${lastSeq + 1}, summary = 'Wants a Civic',
          slots = '{"vehicle":"Civic"}', reply_due_at = null, reply_waiting_since = null where id = ${id}`,
    );
    await age(id, daysAgo);
    return { phone, id, leadId, lastSeq: lastSeq + 1, texts };
  }

  const age = (id: ConversationId, days: number) =>
    test.database.orm.execute(
      sql`update conversations set last_message_at = clock_timestamp() - make_interval(days => ${days}) where id = ${id}`,
    );
  const run = () => archive.mover.run({ afterMs: 90 * DAY_MS, organizationId: organization.id });
  const count = async (table: string, id: ConversationId) =>
    (
      await test.database.query<{ n: number }>(
        sql`select count(*)::int as n from ${sql.raw(table)} where conversation_id = ${id}`,
      )
    )[0]?.n;
  const hot = (id: ConversationId) =>
    Promise.all(['messages', 'outbox', 'gate_decisions'].map((table) => count(table, id)));
  const read = async (leadId: LeadId, limit = 100, before?: number) =>
    (await archive.readConversation(organization.id, leadId, { before, limit }))?.messages ?? [];
  const exported = async (leadId: LeadId) => {
    const lines: Message[] = [];
    for await (const line of (await archive.exportMessages(organization.id, leadId)) ?? []) lines.push(line);
    return lines;
  };
  const seqs = (messages: readonly Message[]) => messages.map(({ seq }) => seq);
  const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1);

  it('moves a quiet conversation out of the hot tables and leaves a newer one alone', async () => {
    const old = await conversation(3);
    const recent = await conversation(3, 89);

    const report = await run();

    expect(report).toMatchObject({ conversations: 1, messages: 4, blocks: 1, failed: 0 });
    expect(await hot(old.id)).toEqual([0, 0, 0]);
    expect(await hot(recent.id)).toEqual([4, 1, 1]);
    expect(dropped).toEqual([old.id]);
  });

  it('shows the same messages before and after, whole and in pages, and exports them', async () => {
    const { leadId, lastSeq } = await conversation(6);
    const before = await read(leadId);
    expect(before).toHaveLength(lastSeq);
    await run();
    expect(await read(leadId)).toEqual(before);
    expect(await exported(leadId)).toEqual(before);
    const pages: Message[] = [];
    for (let at: number | undefined; ; at = pages[0]?.seq) {
      const page = await read(leadId, 3, at);
      if (page.length === 0) break;
      pages.unshift(...page);
    }
    expect(pages).toEqual(before);
  });

  it('keeps with a message what the hot tables knew of it', async () => {
    const { id, phone } = await conversation(1);
    await run();
    const [block] = await readBlocksBefore(
      test.database,
      { organizationId: organization.id, conversationId: id },
      99,
      9,
    );
    const content = openBlock(block!);
    expect(content.messages[0]).toMatchObject({
      direction: 'inbound',
      accountSid: TEST_ACCOUNT_SID,
      sent: null,
    });
    expect(content.messages[1]).toMatchObject({
      status: 'delivered',
      encoding: 'GSM-7',
      sent: { account: 'default', from: organization.number, to: phone, state: 'accepted' },
    });
    expect(content.decisions).toMatchObject([{ allowed: true, messageId: content.messages[1]?.id }]);
  });

  it('keeps state, consent and what the assistant learned, and shows it an empty history', async () => {
    const { id, lastSeq } = await conversation(2);
    await run();
    const snapshot = await createStateRecord(test.database).readSnapshot(organization.id, id);
    expect(snapshot).toMatchObject({
      lastSeq,
      summary: 'Wants a Civic',
      slots: { vehicle: 'Civic' },
      messages: [],
    });
  });

  it('renews rev and base, so that no cached copy from before is usable', async () => {
    const { phone } = await conversation(2);
    const state = () => conversationOf(test.database, organization.id, phone);
    const before = await state();
    await run();
    const after = await state();
    expect(after.rev).not.toBe(before.rev);
    expect(after).toMatchObject({ baseRev: after.rev, baseSeq: before.lastSeq, lastSeq: before.lastSeq });
  });

  it('knows a text that the carrier repeats after it was archived, and changes nothing', async () => {
    const { texts, id, phone } = await conversation(2);
    await run();
    const before = await conversationOf(test.database, organization.id, phone);
    for (const text of texts) expect((await receiver().receive(text)).outcome).toBe('duplicate');
    expect(await hot(id)).toEqual([0, 0, 0]);
    expect(await conversationOf(test.database, organization.id, phone)).toEqual(before);
    // The same id of another account is another text.
    const other = { ...texts[0]!, accountSid: `AC${'2'.repeat(32)}` };
    expect((await receiver().receive(other)).outcome).toBe('stored');
  });

  it('goes on counting when the shopper writes again, and archives that too', async () => {
    const { leadId, id, phone, lastSeq } = await conversation(2);
    await run();
    await receiver().receive(inboundText(organization.number, phone, { body: 'Me again' }));
    expect(await textsOf(test.database, organization.id, phone)).toMatchObject([
      { seq: lastSeq + 1, body: 'Me again' },
    ]);
    expect(seqs(await read(leadId))).toEqual(upTo(lastSeq + 1));
    expect(seqs(await read(leadId, 2))).toEqual([lastSeq, lastSeq + 1]);
    expect(seqs(await exported(leadId))).toEqual(upTo(lastSeq + 1));
    await test.database.orm.execute(sql`update conversations set reply_due_at = null where id = ${id}`);
    await age(id, 100);
    await run();
    expect(await count('messages', id)).toBe(0);
    expect(await count('archived_messages', id)).toBe(2);
    expect(seqs(await read(leadId))).toEqual(upTo(lastSeq + 1));
    expect(seqs(await exported(leadId))).toEqual(upTo(lastSeq + 1));
  });

  it.each([
    ['a reply is due', sql`reply_due_at = clock_timestamp()`],
    ['a turn is under way', sql`lease_until = clock_timestamp() + interval '1 minute'`],
  ])('leaves a conversation alone while %s', async (_name, change) => {
    const { id } = await conversation(1);
    await test.database.orm.execute(sql`update conversations set ${change} where id = ${id}`);
    expect(await run()).toMatchObject({ conversations: 0 });
    expect(await moveQuiet(test.database, [id], 90 * DAY_MS)).toEqual([]);
    expect(await count('messages', id)).toBe(2);
  });

  it.each(['queued', 'sending', 'unknown'])(
    'leaves a conversation alone while a text of it is %s',
    async (state) => {
      const { id } = await conversation(1);
      await test.database.orm.execute(sql`update outbox set state = ${state} where conversation_id = ${id}`);
      expect(await run()).toMatchObject({ conversations: 0 });
      expect(await moveQuiet(test.database, [id], 90 * DAY_MS)).toEqual([]);
      expect(await count('messages', id)).toBe(2);
    },
  );

  it('takes a long conversation in parts and blocks, and reads it as one', async () => {
    const { id, leadId, phone } = await conversation(1);
    const total = 1_450;
    await test.database.orm.execute(
      sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          status)
        select gen_random_uuid(), ${organization.id}, ${id}, n, 'inbound', 'lead', 'text ' || n, 'GSM-7', 1, 'received'
        from generate_series(3, ${total}) n`,
    );
    await test.database.orm.execute(sql`update conversations set last_seq = ${total} where id = ${id}`);
    expect(await moveQuiet(test.database, [id], 90 * DAY_MS)).toMatchObject([
      { messages: 1_000, hasMore: true },
    ]);
    expect(seqs(await read(leadId, 100, 1_020))).toEqual(upTo(1_019).slice(-100));
    expect(seqs(await exported(leadId))).toEqual(upTo(total));
    expect(await run()).toMatchObject({ conversations: 1, messages: total - 1_000, blocks: 3 });
    expect(await count('archived_messages', id)).toBe(8);
    expect(seqs(await read(leadId, 100))).toEqual(upTo(total).slice(-100));
    expect(seqs(await read(leadId, 100, 250))).toEqual(upTo(249).slice(-100));
    expect(seqs(await exported(leadId))).toEqual(upTo(total));
    expect((await conversationOf(test.database, organization.id, phone)).lastSeq).toBe(total);
  });

  it('lets two movers and a shopper at it at once, without losing or doubling a message', async () => {
    const all = [];
    for (let n = 0; n < 12; n += 1) all.push(await conversation(2));
    const back = all[7]!;
    const [first, second] = await Promise.all([
      archive.mover.run({ afterMs: 90 * DAY_MS, organizationId: organization.id }),
      newArchive().mover.run({ afterMs: 90 * DAY_MS, organizationId: organization.id }),
      receiver().receive(inboundText(organization.number, back.phone, { body: 'Hello again' })),
    ]);
    const moved = first.conversations + second.conversations;
    expect([11, 12]).toContain(moved);
    expect(first.failed + second.failed).toBe(0);
    for (const { leadId, phone } of all) {
      const { lastSeq } = await conversationOf(test.database, organization.id, phone);
      expect(lastSeq).toBe(leadId === back.leadId ? 4 : 3);
      expect(seqs(await read(leadId))).toEqual(upTo(lastSeq));
      expect(seqs(await exported(leadId))).toEqual(upTo(lastSeq));
    }
  });

  it('passes over one conversation that cannot be moved, and moves the others', async () => {
    const [bad, good] = [await conversation(1), await conversation(1)];
    // A block of that name is there already, as after a restore that went wrong.
    await test.database.orm.execute(
      sql`insert into archived_messages (conversation_id, first_seq, last_seq, organization_id, message_count, first_at,
          last_at, digest, content, carrier_keys)
        values (${bad.id}, 1, 1, ${organization.id}, 1, clock_timestamp(), clock_timestamp(), '', '', '{}')`,
    );
    expect(await run()).toMatchObject({ conversations: 1, failed: 1 });
    expect([await count('messages', bad.id), await count('messages', good.id)]).toEqual([2, 0]);
  });

  const damages: [string, ReturnType<typeof sql>][] = [
    ['a changed byte', sql`content = set_byte(content, 20, 255 - get_byte(content, 20))`],
    ['a changed version', sql`content = set_byte(content, 0, 9), digest = sha256(set_byte(content, 0, 9))`],
    [
      'a cut',
      sql`content = substring(content from 1 for 40), digest = sha256(substring(content from 1 for 40))`,
    ],
    ['another count', sql`message_count = 99`],
  ];
  it.each(damages)('says of %s which block it is, and still shows what is hot', async (_name, damage) => {
    const { id, leadId, phone, lastSeq } = await conversation(2);
    await run();
    await receiver().receive(inboundText(organization.number, phone, { body: 'Me again' }));
    await test.database.orm.execute(
      sql`update archived_messages set ${damage} where conversation_id = ${id}`,
    );
    await expect(read(leadId)).rejects.toMatchObject({
      code: 'E_ARCHIVE_DAMAGED',
      message: expect.stringContaining(`messages 1 to ${lastSeq} of conversation ${id}`),
    });
    await expect(exported(leadId)).rejects.toMatchObject({ code: 'E_ARCHIVE_DAMAGED' });
    expect(seqs(await read(leadId, 1))).toEqual([lastSeq + 1]);
  });

  it('does not show a block that lies under another conversation', async () => {
    const [mine, yours] = [await conversation(1), await conversation(2)];
    await run();
    await test.database.orm.execute(
      sql`update archived_messages a set content = b.content, digest = b.digest, message_count = b.message_count
        from archived_messages b where a.conversation_id = ${mine.id} and b.conversation_id = ${yours.id}`,
    );
    await expect(read(mine.leadId)).rejects.toMatchObject({
      code: 'E_ARCHIVE_DAMAGED',
      message: expect.stringContaining('another conversation'),
    });
  });

  it('shows the inbox with the last words of archived conversations, and without those that are damaged', async () => {
    const [old, broken, fresh] = [
      await conversation(1, 120),
      await conversation(1, 110),
      await conversation(1, 1),
    ];
    await run();
    await test.database.orm.execute(
      sql`update archived_messages set digest = '' where conversation_id = ${broken.id}`,
    );
    const inbox = (archived?: boolean) =>
      archive
        .listConversations(organization.id, { limit: 10, after: undefined, archived })
        .then(({ items }) => items.map(({ lead, lastMessage }) => [lead.id, lastMessage?.body]));
    const all = [
      [fresh.leadId, 'An answer'],
      [broken.leadId, undefined],
      [old.leadId, 'An answer'],
    ];
    expect(await inbox()).toEqual(all);
    expect(await inbox(true)).toEqual(all.slice(1));
    expect(await inbox(false)).toEqual(all.slice(0, 1));
  });

  it("shows nothing of another organization's archive", async () => {
    const { leadId, id } = await conversation(1);
    await run();
    const other = await newOrganization(test.database);
    expect(await archive.readConversation(other.id, leadId, { before: undefined, limit: 9 })).toBeUndefined();
    expect(await archive.exportMessages(other.id, leadId)).toBeUndefined();
    expect(
      await readBlocksBefore(test.database, { organizationId: other.id, conversationId: id }, 99, 9),
    ).toEqual([]);
  });

  it('is erased with its organization', async () => {
    const { id } = await conversation(1);
    await run();
    expect(await count('archived_messages', id)).toBe(1);
    await eraseOrganization(test.database, organization.id, 'administrator');
    expect(await count('archived_messages', id)).toBe(0);
  });

  it('begins by itself after the start, and ends with stop', async () => {
    const { id } = await conversation(1);
    const timed = newArchive({ firstSweepMs: 5, sweepMs: 5 });
    timed.mover.start();
    await until(async () => (await count('messages', id)) === 0, { what: 'the sweep' });
    await timed.mover.stop();
    const later = await conversation(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await count('messages', later.id)).toBe(2);
  });

  it('never begins when retention is for ever', async () => {
    const { id } = await conversation(1, 10_000);
    const never = newArchive({ firstSweepMs: 1, sweepMs: 1 }, 0);
    never.mover.start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await never.mover.stop();
    expect(await count('messages', id)).toBe(2);
  });

  it('counts what it moved although a copy could not be dropped: no rev makes that one usable', async () => {
    await conversation(1);
    const unlucky = createArchive({
      database: test.database,
      state: {
        dropConversation: async () => {
          throw new JackError('E_CACHE_UNAVAILABLE', 'away');
        },
      },
      logger: silentLogger,
      random: () => 0,
      afterDays: 90,
      limits: { pauseMs: 0 },
    });
    const request = { afterMs: 90 * DAY_MS, organizationId: organization.id };
    expect(await unlucky.mover.run(request)).toMatchObject({ conversations: 1, failed: 0 });
  });

  it('stops between transactions, and begins where it ended', async () => {
    for (let n = 0; n < 3; n += 1) await conversation(1);
    const one = newArchive();
    const limited = createArchive({
      database: test.database,
      state: { dropConversation: async () => undefined },
      logger: silentLogger,
      random: () => 0,
      afterDays: 90,
      limits: { batch: 1, pauseMs: 0 },
    });
    const request = { afterMs: 90 * DAY_MS, organizationId: organization.id };
    let stopped: Promise<void> | undefined;
    const report = await limited.mover.run({
      ...request,
      onProgress: () => {
        stopped ??= limited.mover.stop();
      },
    });
    await stopped;
    expect(report.conversations).toBe(1);
    expect(await one.mover.run(request)).toMatchObject({ conversations: 2 });
  });
});
