import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SQL, sql } from 'drizzle-orm';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createSecrets } from '../../services/secrets.js';
import { conversationOf, inboundText, newOrganization, newPhone } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('The revision rule in the record', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function twoTexts() {
    const { database } = test;
    const organization = await newOrganization(database);
    const phone = newPhone();
    const receiver = createInboundReceiver({
      database,
      secrets: createSecrets('a test secret that is long'),
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });
    await receiver.receive(inboundText(organization.number, phone));
    await receiver.receive(inboundText(organization.number, phone));
    const read = () => conversationOf(database, organization.id, phone);
    const before = await read();
    return { database, organization, phone, receiver, read, before, id: before.id };
  }

  async function change(make: (id: string) => SQL) {
    const conversation = await twoTexts();
    await conversation.database.orm.execute(make(conversation.id));
    return { ...conversation, after: await conversation.read() };
  }

  it('keeps the base when a text comes, and renews rev', async () => {
    const { receiver, organization, phone, read, before } = await twoTexts();
    await receiver.receive(inboundText(organization.number, phone));
    const after = await read();
    expect(after).toMatchObject({ lastSeq: 3, baseSeq: before.baseSeq, baseRev: before.baseRev });
    expect(after.rev).not.toBe(before.rev);
  });

  it('keeps both when only a lease changes', async () => {
    const { before, after } = await change(
      (id) =>
        sql`update conversations set fence = fence + 1, lease_until = clock_timestamp() where id = ${id}`,
    );
    expect(after).toMatchObject({ rev: before.rev, baseRev: before.baseRev });
  });

  it('keeps the base when a delivery status changes, and renews rev', async () => {
    const { before, after } = await change(
      (id) => sql`update messages set status = 'delivered', error_code = 1 where conversation_id = ${id}`,
    );
    expect(after.baseRev).toBe(before.baseRev);
    expect(after.rev).not.toBe(before.rev);
  });

  const content: [string, (id: string) => SQL][] = [
    ['the owner', (id) => sql`update conversations set owner = 'human' where id = ${id}`],
    ['an opt-out', (id) => sql`update conversations set opted_out = true where id = ${id}`],
    ['the summary', (id) => sql`update conversations set summary = 'x' where id = ${id}`],
    ['the slots', (id) => sql`update conversations set slots = '{"name":"Dana"}' where id = ${id}`],
  ];
  it.each(content)(
    'renews the base when %s changes, and takes the texts so far into it',
    async (_name, make) => {
      const { before, after } = await change(make);
      expect(after.baseRev).not.toBe(before.baseRev);
      expect(after).toMatchObject({ baseRev: after.rev, baseSeq: 2 });
    },
  );

  describe('for messages that a snapshot may hold', () => {
    async function afterBase(make: (id: string) => SQL) {
      const conversation = await twoTexts();
      const { database, id, read } = conversation;
      await database.orm.execute(sql`update conversations set summary = 'base' where id = ${id}`);
      const before = await read();
      await database.orm.execute(make(id));
      return { before, after: await read() };
    }

    const edits: [string, (id: string) => SQL][] = [
      [
        'a redaction',
        (id) => sql`update messages set body = '[removed]' where conversation_id = ${id} and seq = 1`,
      ],
      ['a deletion', (id) => sql`delete from messages where conversation_id = ${id} and seq = 1`],
      ['a renumbering', (id) => sql`update messages set seq = 7 where conversation_id = ${id} and seq = 2`],
    ];
    it.each(edits)('renews the base on %s', async (_name, make) => {
      const { before, after } = await afterBase(make);
      expect(after.baseRev).not.toBe(before.baseRev);
      expect(after.baseSeq).toBe(2);
    });

    it.each([
      [
        'changed',
        (id: string) => sql`update messages set body = '[removed]' where conversation_id = ${id} and seq = 2`,
      ],
      ['deleted', (id: string) => sql`delete from messages where conversation_id = ${id} and seq = 2`],
    ])('renews the base when a text that came after it is %s', async (_what, make) => {
      const { before, after } = await change(make);
      expect(before.baseSeq).toBeLessThan(2);
      expect(after.baseRev).not.toBe(before.baseRev);
      expect(after.baseSeq).toBe(2);
    });

    it('renews the base on a message put in by hand below it', async () => {
      const { before, after } = await afterBase(
        (
          id,
        ) => sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding,
            segments, status)
          select gen_random_uuid(), organization_id, id, 0, 'inbound', 'lead', 'late', 'GSM-7', 1, 'received'
          from conversations where id = ${id}`,
      );
      expect(after.baseRev).not.toBe(before.baseRev);
    });
  });

  it('returns the rev that stays after the transaction, although messages are written in it', async () => {
    const { database, id, read } = await twoTexts();
    const returned = await database.transaction(async (tx) => {
      const [row] = await database.query<{ rev: string }>(
        sql`update conversations set last_seq = 3, last_outbound_seq = 3 where id = ${id} returning rev`,
        tx,
      );
      await tx.execute(
        sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding,
            segments, status)
          select gen_random_uuid(), organization_id, id, 3, 'outbound', 'assistant', 'Yes', 'GSM-7', 1, 'queued'
          from conversations where id = ${id}`,
      );
      return row?.rev;
    });
    expect(await read()).toMatchObject({ rev: returned, baseRev: returned, baseSeq: 3 });
  });

  it('renews the rev of an organization when its inventory or numbers change', async () => {
    const { database, organization } = await twoTexts();
    const rev = async () =>
      (
        await database.query<{ rev: string }>(
          sql`select rev from organizations where id = ${organization.id}`,
        )
      )[0]?.rev;
    const revs = [await rev()];
    await database.orm.execute(
      sql`insert into vehicles (organization_id, stock_number, condition, year, make, model, currency)
        values (${organization.id}, 'P1', 'used', 2021, 'Honda', 'Civic', 'CAD')`,
    );
    revs.push(await rev());
    await database.orm.execute(sql`update vehicles set price = 1 where organization_id = ${organization.id}`);
    revs.push(await rev());
    await database.orm.execute(
      sql`insert into phone_numbers (account, phone_number, organization_id) values ('default', ${newPhone()}, ${organization.id})`,
    );
    revs.push(await rev());
    expect(new Set(revs).size).toBe(4);
  });
});
