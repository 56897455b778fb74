/** What nobody told us is asked for: texts without a final status, the carrier's list, changed credentials. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { type ReconcileLimits, Reconciler } from '../../services/outbound/reconcile.js';
import { createTwilioTransport } from '../../services/outbound/transports/twilioTransport.js';
import { TEST_ACCOUNT_SID } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';
import { startTwilioDouble, type TwilioDouble } from '../support/twilioDouble.js';
import { until } from '../support/until.js';
import { type DeliveryStage, deliveryStage } from './_deliveryStage.js';

const HOUR_MS = 3_600_000;

describeEachEngine('The reconciliation', (engine) => {
  let test: TestDatabase;
  let twilio: TwilioDouble;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  beforeEach(async () => {
    twilio = await startTwilioDouble({ accountSid: TEST_ACCOUNT_SID });
    await test.database.orm.execute(sql`delete from organizations`);
  });
  afterEach(() => twilio.stop());
  afterAll(() => test.close());

  function reconciler(
    at: DeliveryStage,
    change: { limits?: Partial<ReconcileLimits>; hash?: () => string } = {},
  ) {
    const { authToken, baseUrl } = twilio;
    return Reconciler.create({
      database: test.database,
      transport: createTwilioTransport({
        credentialsFor: async () => ({ accountSid: TEST_ACCOUNT_SID, authToken }),
        logger: silentLogger,
        baseUrl,
        timeoutMs: 2_000,
      }),
      statuses: at.statuses,
      clock: at.deps.clock,
      random: () => 0.5,
      logger: silentLogger,
      limits: { compareSettleMs: 0, ...change.limits },
      ...(change.hash ? { credentialHash: async () => change.hash?.() } : {}),
    });
  }

  /** A text that both the carrier and the record know. @param status the carrier's. */
  async function shared(at: DeliveryStage, body: string, status: string) {
    const result = await at.say(body);
    if (!result.allowed) throw new Error(result.reason);
    const [claimed] = (await at.claim()).filter(({ text }) => text.id === result.message.id);
    const listed = twilio.seed({ from: at.organization.number, to: at.phone, body, status });
    await at.accept(claimed!, listed.sid);
    return { id: result.message.id, sid: listed.sid };
  }

  const age = (at: DeliveryStage, hours: number) =>
    test.database.orm.execute(
      sql`with o as (update outbox set due_at = due_at - make_interval(hours => ${hours}::int)
          where conversation_id = ${at.conversationId} returning message_id)
        update messages m set created_at = created_at - make_interval(hours => ${hours}::int) from o
        where m.id = o.message_id`,
    );
  const settled = async (at: DeliveryStage) => {
    const rows = await test.database.query<{ isSettled: boolean }>(
      sql`select is_settled as "isSettled" from outbox where conversation_id = ${at.conversationId} order by seq`,
    );
    return rows.map(({ isSettled }) => isSettled);
  };

  it('When a text has no final status for 12 hours, then the carrier is asked, and its word is a report', async () => {
    const at = await deliveryStage(test.database);
    await shared(at, 'One.', 'delivered');
    const jobs = reconciler(at);
    expect(await jobs.poll()).toBe(0);
    await age(at, 11);
    expect(await jobs.poll()).toBe(0);
    await age(at, 2);
    expect(await jobs.poll()).toBe(1);
    expect(await at.texts()).toMatchObject([{ status: 'delivered' }]);
    expect(await at.events()).toMatchObject([{ status: 'delivered', source: 'poll' }]);
  });

  it('When the carrier never says more than sent, then it is asked once a day and no more after three', async () => {
    const at = await deliveryStage(test.database);
    await shared(at, 'One.', 'sent');
    const jobs = reconciler(at);
    const asked: number[] = [];
    for (let hours = 0; hours < 5 * 24; hours += 12) {
      await age(at, 12);
      asked.push(await jobs.poll());
    }
    expect(asked).toEqual([1, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    expect(await settled(at)).toEqual([true]);
  });

  it('When a text has its final status, then nobody is asked, and it is done with', async () => {
    const at = await deliveryStage(test.database);
    await at.told('delivered', await shared(at, 'One.', 'sent'));
    await age(at, 13);
    expect(await reconciler(at).poll()).toBe(0);
    expect(await settled(at)).toEqual([true]);
    expect(twilio.requests).toEqual([]);
  });

  it('When the carrier cannot be asked, then it is asked again an hour later', async () => {
    const at = await deliveryStage(test.database);
    await shared(at, 'One.', 'delivered');
    await age(at, 13);
    const port = twilio;
    const jobs = reconciler(at);
    await port.stop();
    await jobs.poll();
    const [row] = await at.texts();
    expect(row).toMatchObject({ status: 'queued' });
    expect(row!.dueInS).toBeGreaterThan(3_000);
    expect(row!.dueInS).toBeLessThanOrEqual(3_600);
  });

  it('When more texts wait than fit one batch, then all are asked about, and no text twice by two processes', async () => {
    const at = await deliveryStage(test.database);
    for (let n = 0; n < 7; n += 1) await shared(at, `Text ${n}.`, 'delivered');
    await age(at, 13);
    const limits = { pollBatch: 3 };
    const asked = await Promise.all([reconciler(at, { limits }).poll(), reconciler(at, { limits }).poll()]);
    expect(asked[0]! + asked[1]!).toBe(7);
    expect(twilio.requests).toHaveLength(7);
  });

  it('When the carrier’s list says more than the record, then that is taken, with its reaction', async () => {
    const at = await deliveryStage(test.database);
    await shared(at, 'One.', 'delivered');
    const failed = await shared(at, 'Two.', 'undelivered');
    (twilio.texts.find(({ sid }) => sid === failed.sid) as { errorCode: number | null }).errorCode = 30006;
    await shared(at, 'Three.', 'queued');
    expect(await reconciler(at).compareNext()).toEqual({
      listed: 3,
      taken: 2,
      missedInbound: 0,
      unknownOutbound: 0,
    });
    expect(await at.texts()).toMatchObject([
      { status: 'delivered' },
      { status: 'undelivered', code: 30006 },
      { status: 'queued' },
    ]);
    expect(await at.lead()).toMatchObject({ untextableCode: 30006 });
  });

  it('When the carrier has texts of shoppers that the record does not, then staff are told, once', async () => {
    const at = await deliveryStage(test.database);
    await shared(at, 'One.', 'delivered');
    const inbound = { from: at.phone, to: at.organization.number, direction: 'inbound', status: 'received' };
    twilio.seed({ ...inbound, body: 'Is anybody there?' });
    twilio.seed({ from: at.organization.number, to: at.phone, body: 'By another program.' });
    twilio.seed({
      from: at.organization.number,
      to: at.phone,
      body: 'You are unsubscribed.',
      direction: 'outbound-reply',
    });
    const sum = { listed: 4, taken: 1, missedInbound: 1, unknownOutbound: 1 };
    expect(await reconciler(at).compareNext()).toEqual(sum);
    await later(25);
    await reconciler(at).compareNext();
    expect(await at.alerts()).toMatchObject([{ kind: 'texts_missed', conversationId: null }]);
  });

  it('When a list was compared, then it is so again a day later, from where it ended, by one process', async () => {
    const at = await deliveryStage(test.database);
    await shared(at, 'One.', 'delivered');
    const compared = await Promise.all([reconciler(at).compareNext(), reconciler(at).compareNext()]);
    expect(compared.filter((sum) => sum !== undefined)).toHaveLength(1);
    expect(await reconciler(at).compareNext()).toBeUndefined();
    await later(25);
    twilio.seed({
      from: at.organization.number,
      to: at.phone,
      body: 'Old.',
      createdAt: new Date(Date.now() - 40 * HOUR_MS),
    });
    expect(await reconciler(at).compareNext()).toMatchObject({ unknownOutbound: 0 });
  });

  it('When a first attempt failed and a second went out, then neither is a stranger in the list', async () => {
    const at = await deliveryStage(test.database);
    const text = await shared(at, 'One.', 'undelivered');
    await at.told('undelivered', text, { code: 30008 });
    expect(await reconciler(at).compareNext()).toMatchObject({ unknownOutbound: 0, taken: 0 });
  });

  it('When a text was due for ten hours, then it is taken back, and a person is told', async () => {
    const at = await deliveryStage(test.database);
    await at.say('Held.');
    await age(at, 9);
    expect(await reconciler(at).takeBackStale()).toBe(0);
    await age(at, 2);
    expect(await reconciler(at).takeBackStale()).toBe(1);
    expect(await at.texts()).toMatchObject([{ state: 'canceled', status: 'canceled' }]);
    expect(await at.alerts()).toMatchObject([{ kind: 'delivery_failed', conversationId: at.conversationId }]);
    const decisions = await test.database.query(
      sql`select allowed, reason from gate_decisions where conversation_id = ${at.conversationId} and stage = 'send'`,
    );
    expect(decisions).toEqual([{ allowed: false, reason: 'waited_too_long' }]);
  });

  it('When the conversation went on, then a second attempt is taken back, what it failed with stays, and a person is told', async () => {
    const at = await deliveryStage(test.database);
    await at.told('undelivered', await at.sent(), { code: 30003 });
    expect(await reconciler(at).takeBackStale()).toBe(0);
    await at.hear('Never mind.');
    expect(await reconciler(at).takeBackStale()).toBe(1);
    expect(await at.texts()).toMatchObject([{ state: 'canceled', status: 'undelivered', code: 30003 }]);
    expect(await at.alerts()).toMatchObject([{ kind: 'delivery_failed', conversationId: at.conversationId }]);
  });

  it('When the credentials that were refused are others now, then texts go out again by themselves', async () => {
    const at = await deliveryStage(test.database);
    await at.say('One.');
    const [claimed] = await at.claim();
    await at.store(claimed!, { state: 'queued', code: 20003, credentialHash: 'old' });
    expect(await at.claim()).toEqual([]);
    await reconciler(at, { hash: () => 'old' }).noticeCredentials();
    expect(await at.claim()).toEqual([]);
    await reconciler(at, { hash: () => 'new' }).noticeCredentials();
    expect(await at.claim()).toHaveLength(1);
  });

  it('When it is started, then it does its work by itself; stopped, it ends', async () => {
    const at = await deliveryStage(test.database);
    await shared(at, 'One.', 'delivered');
    await age(at, 13);
    const jobs = reconciler(at, { limits: { sweepMs: 10 } });
    jobs.start();
    await until(async () => (await at.texts())[0]?.status === 'delivered', {
      what: 'the poll',
      timeoutMs: 20_000,
    });
    await jobs.stop();
  });

  const later = (hours: number) =>
    test.database.orm.execute(
      sql`update senders set compared_to = compared_to - make_interval(hours => ${hours}::int)`,
    );
});
