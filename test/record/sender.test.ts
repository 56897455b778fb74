import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../services/clock.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { claimOutbox } from '../../services/outbound/claimOutbox.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { OutboxSender, type SenderLimits } from '../../services/outbound/sender.js';
import { createTwilioTransport } from '../../services/outbound/transports/twilioTransport.js';
import { liftHolds, listHolds } from '../../services/record/sendingHolds.js';
import { createSecrets } from '../../services/secrets.js';
import { conversationOf, inboundText, newOrganization, newPhone } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';
import { startTwilioDouble, type TwilioDouble } from '../support/twilioDouble.js';
import { until } from '../support/until.js';

/** A text at the carrier. */
interface Lost {
  readonly from: string;
  readonly to: string;
  readonly body: string;
}

const LIMITS: Partial<SenderLimits> = { settleMs: 150, sweepMs: 30, leaseMs: 600 };

describeEachEngine('The sender', (engine) => {
  let test: TestDatabase;
  let twilio: TwilioDouble;
  let senders: OutboxSender[] = [];
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  beforeEach(async () => {
    twilio = await startTwilioDouble();
    senders = [];
  });
  afterEach(async () => {
    await Promise.all(senders.map((sender) => sender.stop()));
    await twilio.stop();
  });
  afterAll(() => test.close());

  const secrets = createSecrets('a test secret that is long');

  function newSender(limits: Partial<SenderLimits> = {}, authToken = twilio.authToken): OutboxSender {
    const { accountSid, baseUrl } = twilio;
    const transport = createTwilioTransport({
      credentialsFor: async () => ({ accountSid, authToken }),
      logger: silentLogger,
      baseUrl,
      timeoutMs: 250,
    });
    const sender = OutboxSender.create({
      database: test.database,
      secrets,
      transport,
      events: createLiveEvents(),
      clock: systemClock,
      logger: silentLogger,
      accountSidOf: () => accountSid,
      limits: { ...LIMITS, ...limits },
    });
    senders.push(sender);
    return sender;
  }

  async function conversation() {
    const { database } = test;
    const organization = await newOrganization(database);
    const phone = newPhone();
    const receiver = createInboundReceiver({
      database,
      secrets,
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 60_000, maxWaitMs: 60_000 },
      onReplyDue: () => undefined,
    });
    const hear = (body: string) => receiver.receive(inboundText(organization.number, phone, { body }));
    await hear('Hi');
    const { id } = await conversationOf(database, organization.id, phone);
    // As if they had talked before: only a first text is signed.
    await database.orm.execute(sql`update conversations set last_outbound_seq = last_seq where id = ${id}`);
    const door = createOutboundDoor({ database, events: createLiveEvents(), onQueued: () => undefined });
    const say = (body: string) =>
      door.submit({
        organizationId: organization.id,
        conversationId: id,
        origin: 'staff',
        staffName: 'Alex',
        body,
      });
    const rows = () =>
      database.query<{ state: string; status: string; sid: string | null; code: number | null }>(
        sql`select o.state, m.status, m.message_sid as sid, m.error_code as code from outbox o
          join messages m on m.id = o.message_id where o.organization_id = ${organization.id} order by o.seq`,
      );
    const settled = () =>
      until(
        async () => (await rows()).every(({ state }) => ['accepted', 'refused', 'canceled'].includes(state)),
        {
          what: 'the outbox to settle',
          timeoutMs: 16_000,
        },
      );
    return { organization, phone, say, hear, rows, settled };
  }

  /** As a process that dies while it sends: its leases are over at once. */
  const claimOf = async (organizationId: string) =>
    (await claimOutbox(test.database, 100, 1)).filter(({ text }) => text.organizationId === organizationId);

  it('sends what is queued once, however many senders there are, and stores the carrier’s ids', async () => {
    const { phone, say, settled, rows } = await conversation();
    await Promise.all([newSender().start(), newSender().start(), newSender().start()]);
    await say('One.');
    await settled();
    expect(twilio.handset(phone)).toHaveLength(1);
    expect(await rows()).toEqual([
      { state: 'accepted', status: 'queued', sid: twilio.handset(phone)[0]?.sid, code: null },
    ]);
  });

  it('sends the parts of a conversation in order', async () => {
    const { phone, say, settled } = await conversation();
    for (const body of ['One.', 'Two.', 'Three.', 'Four.']) await say(body);
    twilio.failNext('429', 2);
    await Promise.all([newSender().start(), newSender().start()]);
    await settled();
    expect(twilio.handset(phone).map(({ body }) => body)).toEqual(['One.', 'Two.', 'Three.', 'Four.']);
  });

  it.each(['500-after-accept', 'hang-after-accept', 'reset-after-accept'] as const)(
    'does not send again what the carrier took before the answer was lost (%s)',
    async (fault) => {
      const { phone, say, settled, rows } = await conversation();
      twilio.failNext(fault);
      await newSender().start();
      await say('Once.');
      await settled();
      expect(twilio.handset(phone)).toHaveLength(1);
      expect(await rows()).toMatchObject([{ state: 'accepted', sid: twilio.handset(phone)[0]?.sid }]);
    },
  );

  it.each(['500-before', 'hang-before'] as const)(
    'sends again what the carrier never got (%s)',
    async (fault) => {
      const { phone, say, settled } = await conversation();
      twilio.failNext(fault);
      await newSender().start();
      await say('Once.');
      await settled();
      expect(twilio.handset(phone)).toHaveLength(1);
    },
  );

  it('does not take the same words of another message for a lost one', async () => {
    const { phone, say, settled } = await conversation();
    await newSender().start();
    await say('Same.');
    await settled();
    twilio.failNext('500-before');
    await say('Same.');
    await settled();
    expect(twilio.handset(phone)).toHaveLength(2);
  });

  it('looks up what a dead process was sending before it sends it again', async () => {
    const { phone, say, settled, organization } = await conversation();
    await say('Once.');
    const [claim] = (await claimOutbox(test.database, 100, 1)).filter(
      ({ text }) => text.organizationId === organization.id,
    );
    twilio.seed({ from: organization.number, to: phone, body: claim!.text.body });
    await newSender().start();
    await settled();
    expect(twilio.handset(phone)).toHaveLength(1);
  });

  it('takes what the carrier lists in other signs for the same text', async () => {
    const { phone, say, settled, organization } = await conversation();
    await say('We are open until 7 - see you.');
    await claimOf(organization.id);
    twilio.seed({ from: organization.number, to: phone, body: 'We are open until 7 \u2013 see you.' });
    await newSender().start();
    await settled();
    expect(twilio.handset(phone)).toHaveLength(1);
  });

  it('reacts to what a lost text has come to meanwhile', async () => {
    const { phone, say, settled, rows, organization } = await conversation();
    await say('Once.');
    await claimOf(organization.id);
    const lost = twilio.seed({ from: organization.number, to: phone, body: 'Once.', status: 'undelivered' });
    lost.errorCode = 21610;
    await newSender().start();
    await settled();
    expect(await rows()).toEqual([{ state: 'accepted', status: 'undelivered', sid: lost.sid, code: 21610 }]);
    expect(await conversationOf(test.database, organization.id, phone)).toMatchObject({ optedOut: true });
  });

  it.each([
    ['a text to somebody else', (at: Lost) => ({ ...at, to: newPhone() })],
    ['a text from another number', (at: Lost) => ({ ...at, from: newPhone() })],
    ['other words', (at: Lost) => ({ ...at, body: 'Twice.' })],
    ['what the shopper wrote', (at: Lost) => ({ ...at, direction: 'inbound' })],
    ['the carrier\u2019s own answer', (at: Lost) => ({ ...at, direction: 'outbound-reply' })],
    ['the same words of an hour ago', (at: Lost) => ({ ...at, createdAt: new Date(Date.now() - 3_600_000) })],
  ])('does not take %s for a lost text', async (_name, change) => {
    const { phone, say, settled, rows, organization } = await conversation();
    await say('Once.');
    await claimOf(organization.id);
    const other = twilio.seed(change({ from: organization.number, to: phone, body: 'Once.' }));
    await newSender().start();
    await settled();
    const [row] = await rows();
    expect(row?.state).toBe('accepted');
    expect(row?.sid).not.toBe(other.sid);
  });

  it('When the account is refused (20003), then nothing more is tried until somebody resumes', async () => {
    const { say, phone, organization, rows } = await conversation();
    const sender = newSender({}, 'wrong-token');
    await sender.start();
    await say('One.');
    await until(async () => (await listHolds(test.database, organization.id)).length > 0, {
      what: 'the hold',
      timeoutMs: 8_000,
    });
    await say('Two.');
    const asked = () => twilio.requests.length;
    const before = asked();
    // Some sweeps, each of which would try again.
    for (let n = 0; n < 3; n += 1) {
      sender.wake();
      await until(async () => (await rows()).every(({ state }) => state === 'queued'), {
        what: 'the texts to wait',
      });
    }
    expect(asked()).toBe(before);
    await sender.stop();
    await liftHolds(test.database, organization.id, 'administrator');
    await newSender().start();
    await until(() => twilio.handset(phone).length === 2, { what: 'both texts', timeoutMs: 8_000 });
    expect(twilio.handset(phone).map(({ body }) => body)).toEqual(['One.', 'Two.']);
  });

  it('keeps a final refusal with its code, and does not try again', async () => {
    const { say, settled, rows, phone } = await conversation();
    await test.database.orm.execute(sql`update leads set phone = '+15005550009' where phone = ${phone}`);
    await newSender().start();
    await say('To a landline.');
    await settled();
    expect(await rows()).toEqual([{ state: 'refused', status: 'failed', sid: null, code: 21614 }]);
    expect(twilio.requests).toHaveLength(1);
    await test.database.orm.execute(sql`delete from leads where phone = '+15005550009'`);
  });

  it('learns an opt-out from the carrier’s 21610, and cancels what is queued behind it', async () => {
    const { say, settled, rows, phone, organization } = await conversation();
    twilio.block(organization.number, phone);
    await say('One.');
    await say('Two.');
    await newSender().start();
    await settled();
    expect(await rows()).toMatchObject([{ state: 'refused', code: 21610 }, { state: 'canceled' }]);
    expect(await conversationOf(test.database, organization.id, phone)).toMatchObject({ optedOut: true });
    expect(await say('Three.')).toMatchObject({ allowed: false, code: 'E_OPTED_OUT' });
  });

  it('sends nothing that was committed before an opt-out', async () => {
    const { say, hear, settled, phone } = await conversation();
    await say('Too late.');
    await hear('STOP');
    await newSender().start();
    await settled();
    expect(twilio.requests).toHaveLength(0);
    expect(twilio.handset(phone)).toHaveLength(0);
  });
});
