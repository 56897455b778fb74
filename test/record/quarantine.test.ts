import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLiveEvents } from '../../services/events.js';
import { createQuarantineDesk } from '../../services/inbound/quarantine.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { discardQuarantined, listQuarantine } from '../../services/record/quarantine.js';
import { createSecrets } from '../../services/secrets.js';
import type { InboundSms } from '../../services/twilio/webhook.js';
import type { E164, OrganizationId } from '../../services/types.js';
import {
  conversationOf,
  inboundText,
  newOrganization,
  newPhone,
  TEST_ACCOUNT_SID,
  textsOf,
} from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('The quarantine', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  function newDesk() {
    const receiver = createInboundReceiver({
      database: test.database,
      secrets: createSecrets('a test secret that is long'),
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: TEST_ACCOUNT_SID,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });
    return { receiver, desk: createQuarantineDesk({ database: test.database, receiver }) };
  }

  const by = (organizationId: OrganizationId) => ({ organizationId, actor: 'administrator' });
  const held = async (to: string, state: 'held' | 'assigned' | 'discarded' = 'held') =>
    (await listQuarantine(test.database, { state, to, limit: 100, after: undefined })).items;

  /** A text to a number of nobody, as old as is said. */
  async function quarantined(change: Partial<InboundSms> = {}, ageMinutes = 0, number = newPhone()) {
    const { receiver, desk } = newDesk();
    const text = inboundText(number, newPhone(), change);
    expect(await receiver.receive(text)).toMatchObject({ outcome: 'quarantined' });
    await test.database.orm.execute(
      sql`update quarantine set created_at = created_at - make_interval(mins => ${ageMinutes})
        where message_sid = ${text.messageSid}`,
    );
    const [item] = (await held(number)).filter(({ messageSid }) => messageSid === text.messageSid);
    return { text, id: item!.id, desk, receiver, number, item: item! };
  }

  const alertsOf = (id: OrganizationId) =>
    test.database.query<{ kind: string }>(sql`select kind from staff_alerts where organization_id = ${id}`);

  it('shows what waits, by number', async () => {
    const { item, text } = await quarantined({
      media: [{ url: 'https://x.test/1', contentType: 'image/png' }],
    });
    expect(item).toMatchObject({
      accountSid: text.accountSid,
      messageSid: text.messageSid,
      from: text.from,
      to: text.to,
      body: text.body,
      mediaCount: 1,
      reason: 'unknown_number',
      state: 'held',
      organizationId: null,
      settledAt: null,
    });
  });

  it('gives a text to an organization as if it had come there, with its own time, and keeps its words no longer', async () => {
    const organization = await newOrganization(test.database);
    const { text, id, desk, item, number } = await quarantined(
      {
        geography: { city: 'BURNABY', country: 'CA' },
        media: [{ url: 'https://carrier.test/media', contentType: 'image/jpeg' }],
        numMedia: 1,
      },
      10,
    );

    expect(await desk.assign(id, by(organization.id))).toEqual({ stored: 1, duplicates: 0, late: 0 });

    const texts = await test.database.query<{ body: string; at: string; media: { id: string }[] }>(
      sql`select body, created_at as at, media from messages where message_sid = ${text.messageSid}`,
    );
    expect(texts).toHaveLength(1);
    expect(new Date(texts[0]!.at).toISOString()).toBe(item.receivedAt);
    expect(texts[0]!.body).toBe(text.body);
    const media = await test.database.query(
      sql`select source_url from media where id = ${texts[0]!.media[0]!.id} and organization_id = ${organization.id}`,
    );
    expect(media).toEqual([{ source_url: 'https://carrier.test/media' }]);
    const conversation = await conversationOf(test.database, organization.id, text.from as E164);
    expect(conversation).toMatchObject({ lastSeq: 1, isDue: true });
    // Replies leave from a number of their own, not from that which belongs to nobody.
    const [sender] = await test.database.query(
      sql`select dealership_number from conversations where id = ${conversation.id}`,
    );
    expect(sender).toEqual({ dealership_number: null });
    expect(await held(number)).toEqual([]);
    const [after] = await held(number, 'assigned');
    expect(after).toMatchObject({ id, body: '', mediaCount: 0, organizationId: organization.id });
    expect(after?.settledAt).toEqual(expect.any(String));
    const audit = await test.database.query(
      sql`select action, subject from audit where organization_id = ${organization.id}`,
    );
    expect(audit).toEqual([{ action: 'quarantine.assign', subject: id }]);
  });

  it('replies from the number once it is the organization’s', async () => {
    const organization = await newOrganization(test.database);
    const { text, id, desk, number } = await quarantined();
    await test.database.orm.execute(
      sql`insert into phone_numbers (account, phone_number, organization_id)
        values ('default', ${number}, ${organization.id})`,
    );
    await desk.assign(id, by(organization.id));
    const { id: conversationId } = await conversationOf(test.database, organization.id, text.from as E164);
    expect(
      await test.database.query(
        sql`select account, dealership_number from conversations where id = ${conversationId}`,
      ),
    ).toEqual([{ account: 'default', dealership_number: number }]);
  });

  it('stores a text once however often and by whomever it is assigned at the same time', async () => {
    const [one, two] = [await newOrganization(test.database), await newOrganization(test.database)];
    const { text, id, desk } = await quarantined();
    const calls = Array.from({ length: 10 }, (_, n) => desk.assign(id, by(n % 2 === 0 ? one.id : two.id)));
    const results = await Promise.allSettled(calls);
    const stored = results.reduce(
      (sum, result) => sum + (result.status === 'fulfilled' ? result.value.stored : 0),
      0,
    );
    expect(stored).toBe(1);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5);
    const rows = await test.database.query(
      sql`select organization_id from messages where message_sid = ${text.messageSid}`,
    );
    expect(rows).toHaveLength(1);
    const [row] = await test.database.query<{ organization_id: string }>(
      sql`select organization_id from quarantine where id = ${id}::bigint`,
    );
    expect(rows[0]).toEqual(row);
  });

  it('goes on where an assignment was cut off', async () => {
    const organization = await newOrganization(test.database);
    const { text, id, desk } = await quarantined();
    await test.database.orm.execute(
      sql`update quarantine set state = 'assigned', organization_id = ${organization.id} where id = ${id}::bigint`,
    );
    expect(await desk.assign(id, by(organization.id))).toEqual({ stored: 1, duplicates: 0, late: 0 });
    expect(await desk.assign(id, by(organization.id))).toEqual({ stored: 0, duplicates: 1, late: 0 });
    expect(await textsOf(test.database, organization.id, text.from as E164)).toHaveLength(1);
  });

  it('stores nothing twice when the carrier’s repetition came through meanwhile', async () => {
    const organization = await newOrganization(test.database);
    const { text, id, desk, receiver, number } = await quarantined();
    await test.database.orm.execute(
      sql`insert into phone_numbers (account, phone_number, organization_id)
        values ('default', ${number}, ${organization.id})`,
    );
    expect(await receiver.receive(text)).toMatchObject({ outcome: 'stored' });
    expect(await desk.assign(id, by(organization.id))).toEqual({ stored: 0, duplicates: 1, late: 0 });
    expect(await textsOf(test.database, organization.id, text.from as E164)).toHaveLength(1);
  });

  it('lets a person answer what is old', async () => {
    const organization = await newOrganization(test.database);
    const { text, id, desk } = await quarantined({}, 20);
    expect(await desk.assign(id, by(organization.id))).toEqual({ stored: 1, duplicates: 0, late: 1 });
    expect(await conversationOf(test.database, organization.id, text.from as E164)).toMatchObject({
      isDue: false,
      lastSeq: 1,
    });
    expect(await alertsOf(organization.id)).toEqual([{ kind: 'handoff_requested' }]);
  });

  it('honours a STOP that waited, and a START that waited lifts nothing', async () => {
    const organization = await newOrganization(test.database);
    const number = newPhone();
    const phone = newPhone();
    const stop = await quarantined({ from: phone, fromPhone: phone, body: 'STOP' }, 30, number);
    await stop.desk.assign(stop.id, by(organization.id));
    expect(await conversationOf(test.database, organization.id, phone)).toMatchObject({ optedOut: true });
    expect(await alertsOf(organization.id)).toEqual([]);

    const start = await quarantined({ from: phone, fromPhone: phone, body: 'START' }, 40, number);
    await start.desk.assign(start.id, by(organization.id));
    expect(await conversationOf(test.database, organization.id, phone)).toMatchObject({ optedOut: true });
  });

  it('keeps no card number, and says to its dealership that there was one', async () => {
    const organization = await newOrganization(test.database);
    const { item, text, id, desk } = await quarantined({ body: 'My card is 4111 1111 1111 1111, ok?' });
    expect(item.body).not.toContain('4111 1111');
    await desk.assign(id, by(organization.id));
    const rows = await test.database.query<{ body: string; masked: unknown }>(
      sql`select body, masked from messages where message_sid = ${text.messageSid}`,
    );
    expect(rows).toEqual([{ body: item.body, masked: [expect.any(String)] }]);
  });

  it('gives all texts of a number at once, in their order, and no other number’s', async () => {
    const organization = await newOrganization(test.database);
    const number = newPhone();
    const phone = newPhone();
    const from = { from: phone, fromPhone: phone };
    for (const body of ['one', 'two', 'three']) await quarantined({ ...from, body }, 0, number);
    const other = await quarantined({ ...from, body: 'elsewhere' });
    const elsewhere = await quarantined({ ...from, accountSid: `AC${'9'.repeat(32)}` }, 0, number);

    const counts = await other.desk.assignNumber(
      { accountSid: TEST_ACCOUNT_SID, to: number },
      by(organization.id),
    );

    expect(counts).toEqual({ stored: 3, duplicates: 0, late: 0 });
    expect((await textsOf(test.database, organization.id, phone)).map(({ body }) => body)).toEqual([
      'one',
      'two',
      'three',
    ]);
    expect((await held(number)).map(({ id }) => id)).toEqual([elsewhere.id]);
    expect((await held(other.number)).map(({ id }) => id)).toEqual([other.id]);
    expect(
      await other.desk.assignNumber({ accountSid: TEST_ACCOUNT_SID, to: number }, by(organization.id)),
    ).toEqual({ stored: 0, duplicates: 0, late: 0 });
  });

  it('makes no lead of a short code', async () => {
    const organization = await newOrganization(test.database);
    const { id, desk, number } = await quarantined({ from: '72345', fromPhone: null });
    await expect(desk.assign(id, by(organization.id))).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect(
      await desk.assignNumber({ accountSid: TEST_ACCOUNT_SID, to: number }, by(organization.id)),
    ).toEqual({ stored: 0, duplicates: 0, late: 0 });
    expect(await held(number)).toHaveLength(1);
  });

  it('discards a text: its words are gone, it stays gone, and nobody can have it', async () => {
    const organization = await newOrganization(test.database);
    const { text, id, desk, receiver, number } = await quarantined();
    await discardQuarantined(test.database, id, 'administrator');
    await discardQuarantined(test.database, id, 'administrator');
    await expect(desk.assign(id, by(organization.id))).rejects.toMatchObject({ code: 'E_CONFLICT' });
    await receiver.receive(text);
    expect(await held(number)).toEqual([]);
    expect(await held(number, 'discarded')).toMatchObject([{ id, body: '', organizationId: null }]);
    const audit = await test.database.query(
      sql`select action from audit where subject = ${id} and action = 'quarantine.discard'`,
    );
    expect(audit).toHaveLength(1);
  });

  it('knows neither texts nor organizations that are not there', async () => {
    const organization = await newOrganization(test.database);
    const { id, desk } = await quarantined();
    await expect(desk.assign('999999999', by(organization.id))).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
    await expect(desk.assign(id, by('nobody' as OrganizationId))).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
    await expect(discardQuarantined(test.database, '999999999', 'administrator')).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
  });

  it('pages through what waits, newest first', async () => {
    const number = newPhone();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await quarantined({}, 0, number)).id);
    const first = await listQuarantine(test.database, {
      state: 'held',
      to: number,
      limit: 3,
      after: undefined,
    });
    const second = await listQuarantine(test.database, {
      state: 'held',
      to: number,
      limit: 3,
      after: first.end,
    });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
    expect(second.end).toBeUndefined();
  });
});
