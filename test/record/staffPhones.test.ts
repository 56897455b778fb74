import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { AlertTexter, type AlertTexterLimits } from '../../services/alerts/texter.js';
import { systemClock } from '../../services/clock.js';
import type { AlertKind } from '../../services/db/schema/alerts.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createOutboundDoor, type OutboundDoor } from '../../services/outbound/door.js';
import { react } from '../../services/outbound/react.js';
import { listAlerts, raiseAlerts, resolveAlert } from '../../services/record/alerts.js';
import { claimAlertTexts, settleAlertText } from '../../services/record/alertTexts.js';
import { listConversations } from '../../services/record/conversations.js';
import { numberFeed, readFeed } from '../../services/record/feed.js';
import { createOrMergeLead, listLeads } from '../../services/record/leads.js';
import { readLiveView } from '../../services/record/liveView.js';
import { changeProfile } from '../../services/record/organizations.js';
import { release, takeOver } from '../../services/record/ownership.js';
import { listRecent } from '../../services/record/warming.js';
import { createSecrets } from '../../services/secrets.js';
import type { ConversationId, E164, LeadId, MessageId, OrganizationSettings } from '../../services/types.js';
import { inboundText, newOrganization, newPhone, TEST_ACCOUNT_SID } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';
import { until } from '../support/until.js';

const LIMITS: AlertTexterLimits = {
  sweepMs: 20,
  batch: 20,
  gatherMs: 0,
  leaseMs: 30_000,
  perHour: 6,
  maxAgeMs: 24 * 3_600_000,
};

describeEachEngine('Alerts as texts to staff phones', (engine) => {
  let test: TestDatabase;
  const secrets = createSecrets('a test secret that is long');
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function dealership({ phones = [newPhone()], ...alerts }: OrganizationSettings['alerts'] = {}) {
    const { database } = test;
    const { id, number } = await newOrganization(database);
    const set = async (settings: OrganizationSettings) => {
      await changeProfile(database, id, { settings: { ...settings } }, 'test');
    };
    await set({ alerts: { phones, ...alerts } });
    const door = createOutboundDoor({ database, events: createLiveEvents(), onQueued: () => undefined });
    const receiver = createInboundReceiver({
      database,
      secrets,
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: TEST_ACCOUNT_SID,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });
    const hear = (from: E164, body: string) => receiver.receive(inboundText(number, from, { body }));
    const raise = async (
      kind: AlertKind = 'handoff_requested',
      conversationId: ConversationId | null = null,
    ) => {
      await database.transaction((tx) =>
        raiseAlerts(tx, [{ organizationId: id, conversationId, kind, reason: 'a test' }]),
      );
    };
    const shopper = async (phone = newPhone()) => {
      const { lead } = await createOrMergeLead({ database, secrets }, id, { phone, name: 'Sam Shopper' });
      return { phone, leadId: lead.id, conversationId: await conversationOf(lead.id) };
    };
    const conversationOf = async (leadId: LeadId): Promise<ConversationId> => {
      const [row] = await database.query<{ id: ConversationId }>(
        sql`select id from conversations where lead_id = ${leadId}`,
      );
      if (!row) throw new Error('the test expects a conversation');
      return row.id;
    };
    /** What is in the outbox for a phone, oldest first. */
    const textsTo = (phone: E164) =>
      database.query<{ id: MessageId; body: string; state: string; purpose: string; leadId: LeadId }>(
        sql`select o.message_id as id, m.body, o.state, o.purpose, c.lead_id as "leadId" from outbox o
          join messages m on m.id = o.message_id join conversations c on c.id = o.conversation_id
          where o.organization_id = ${id} and o.to_number = ${phone} order by m.created_at, m.seq`,
      );
    const rows = () =>
      database.query<{ state: string; reason: string | null; phone: E164; messageId: string | null }>(
        sql`select state, reason, phone, message_id as "messageId" from alert_texts where organization_id = ${id}`,
      );
    const isSettled = async () => (await rows()).every(({ state }) => state !== 'pending');
    const [phone] = phones as [E164];
    return { id, number, phone, set, door, hear, raise, shopper, conversationOf, textsTo, rows, isSettled };
  }

  const texter = (door: Pick<OutboundDoor, 'submit'>, limits: Partial<AlertTexterLimits> = {}) =>
    AlertTexter.create({
      database: test.database,
      secrets,
      door,
      random: () => 0.5,
      logger: silentLogger,
      limits: { ...LIMITS, ...limits },
    });

  /** Runs until `isDone`, then stops. */
  async function run(
    at: Awaited<ReturnType<typeof dealership>>,
    isDone: () => Promise<boolean> = at.isSettled,
    limits: Partial<AlertTexterLimits> = {},
  ): Promise<void> {
    const running = texter(at.door, limits);
    running.start();
    await until(isDone, { what: 'the texts', timeoutMs: 20_000 });
    await running.stop();
  }

  it('When an alert asks for a person, then each phone is texted once, without anything of the shopper', async () => {
    const at = await dealership({ phones: [newPhone(), newPhone()] as E164[] });
    const { conversationId, leadId, phone } = await at.shopper();
    await at.raise('handoff_requested', conversationId);
    await run(at);
    const told = await at.rows();
    expect(told).toHaveLength(2);
    for (const { phone: to } of told) {
      const texts = await at.textsTo(to);
      expect(texts.map(({ body, purpose }) => [body, purpose])).toEqual([
        [expect.stringContaining(`a shopper needs a person. Lead ${leadId}`), 'staff_alert'],
      ]);
      expect(texts[0]?.body).not.toMatch(new RegExp(`Sam|${phone.slice(2)}`));
    }
    const [alert] = (await listAlerts(test.database, at.id, { limit: 9, after: undefined })).items;
    expect(alert?.texts).toEqual({ pending: 0, texted: 2, dropped: 0 });
  });

  it('When an alert is of a kind that is not texted, then it is not; the organization may choose', async () => {
    const at = await dealership();
    await at.raise('identifiers_masked');
    expect(await at.rows()).toEqual([]);
    await at.set({ alerts: { phones: [at.phone], textedKinds: ['identifiers_masked'] } });
    await at.raise('identifiers_masked');
    await at.raise('handoff_requested');
    expect(await at.rows()).toHaveLength(1);
  });

  it('When several come together, then one text counts them', async () => {
    const at = await dealership();
    for (let n = 0; n < 3; n += 1) await at.raise('handoff_requested', (await at.shopper()).conversationId);
    await run(at);
    const texts = await at.textsTo(at.phone);
    expect(texts.map(({ body }) => body)).toEqual([expect.stringContaining('3 conversations need a person')]);
  });

  it('When an alert is fresh, then it waits for company', async () => {
    const at = await dealership();
    await at.raise();
    expect(await claimAlertTexts(test.database, 20, { ...LIMITS, gatherMs: 60_000 })).toEqual([]);
    const claims = await claimAlertTexts(test.database, 20, LIMITS);
    expect(claims.map(({ phone }) => phone)).toEqual([at.phone]);
  });

  it('When a phone has had its texts of the hour, then the rest waits and is counted in the next', async () => {
    const at = await dealership({ textsPerHour: 2 });
    for (let n = 0; n < 2; n += 1) {
      await at.raise();
      await run(at);
    }
    for (let n = 0; n < 3; n += 1) await at.raise('loop_detected', (await at.shopper()).conversationId);
    const isPutOff = async () =>
      (
        await test.database.query(
          sql`select 1 from alert_texts where organization_id = ${at.id} and state = 'pending'
            and due_at > clock_timestamp() + interval '58 minutes'`,
        )
      ).length === 3;
    await run(at, isPutOff);
    expect(await at.textsTo(at.phone)).toHaveLength(2);
    // An hour passes.
    await test.database.orm.execute(
      sql`update alert_texts set settled_at = settled_at - interval '1 hour', due_at = due_at - interval '1 hour'
        where organization_id = ${at.id}`,
    );
    await run(at);
    const texts = await at.textsTo(at.phone);
    expect(texts.map(({ body }) => body).slice(2)).toEqual([
      expect.stringContaining('3 conversations need a person'),
    ]);
  });

  it('When somebody has seen to it, or the phone is no longer named, then nothing is sent', async () => {
    const at = await dealership();
    await at.raise();
    const [alert] = (await listAlerts(test.database, at.id, { limit: 9, after: undefined })).items;
    await resolveAlert(test.database, { organizationId: at.id, alertId: alert?.id ?? '', actor: 'test' });
    await run(at);
    await at.raise();
    await at.set({ alerts: { phones: [] } });
    await run(at);
    const reasons = (await at.rows()).map(({ reason }) => reason);
    expect([reasons.length, new Set(reasons)]).toEqual([2, new Set(['not_named', 'resolved'])]);
    expect(await at.textsTo(at.phone)).toEqual([]);
  });

  it.each(['before', 'after'] as const)(
    'When a process dies %s the text is committed, then another goes on, and it is sent once',
    async (moment) => {
      const at = await dealership();
      await at.raise();
      const running = texter({
        submit: async (request) => {
          if (moment === 'after') await at.door.submit(request);
          throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
        },
      });
      running.start();
      const isBegun = async () => (await at.rows()).some(({ messageId }) => messageId !== null);
      await until(isBegun, { what: 'the claim' });
      await running.stop();
      const [begun] = await at.rows();
      expect(await at.textsTo(at.phone)).toHaveLength(moment === 'after' ? 1 : 0);
      // While the lease holds nobody else takes it.
      expect(await claimAlertTexts(test.database, 20, LIMITS)).toEqual([]);
      await at.raise('loop_detected');
      await test.database.orm.execute(
        sql`update alert_texts set lease_until = clock_timestamp() - interval '1 second' where organization_id = ${at.id}
          and lease_until is not null`,
      );
      await run(at);
      const texts = await at.textsTo(at.phone);
      expect([texts.length, texts.filter(({ id }) => id === begun?.messageId).length]).toEqual([2, 1]);
      // What the first text told is not told again by the second.
      const told = (await at.rows()).map(({ messageId }) => messageId);
      expect([told.length, new Set(told)]).toEqual([2, new Set(texts.map(({ id }) => id))]);
    },
  );

  it('When two processes look at once, then every alert is told once', async () => {
    const at = await dealership({ phones: [newPhone(), newPhone(), newPhone()] as E164[], textsPerHour: 60 });
    const running = [texter(at.door), texter(at.door)];
    for (const each of running) each.start();
    for (let n = 0; n < 10; n += 1) await at.raise();
    await until(at.isSettled, { what: 'the texts', timeoutMs: 20_000 });
    await Promise.all(running.map((each) => each.stop()));
    const rows = await at.rows();
    expect(rows.map(({ state }) => state)).toEqual(Array(30).fill('texted'));
    const told = new Set(rows.map(({ messageId }) => messageId));
    const sent = (await Promise.all([...new Set(rows.map(({ phone }) => phone))].map(at.textsTo))).flat();
    expect([sent.length, new Set(sent.map(({ id }) => id))]).toEqual([told.size, told]);
  });

  it('When a claim was lost, then what is said of it changes nothing', async () => {
    const at = await dealership();
    await at.raise();
    const [lost] = await claimAlertTexts(test.database, 20, LIMITS);
    await test.database.orm.execute(
      sql`update alert_texts set lease_until = clock_timestamp() - interval '1 second' where organization_id = ${at.id}`,
    );
    const [mine] = await claimAlertTexts(test.database, 20, LIMITS);
    if (!lost || !mine) throw new Error('the test expects claims');
    expect(mine.messageId).toBe(lost.messageId);
    const outcome = { state: 'pending', delayMs: 0, reason: 'late' } as const;
    expect(await settleAlertText(test.database, lost, outcome)).toBe(false);
    expect(await settleAlertText(test.database, mine, { state: 'texted', reason: null })).toBe(true);
  });

  it('When sending is switched off, then it is told after it is switched on again, with what came', async () => {
    const at = await dealership();
    await at.set({ sending: 'off' });
    await at.raise();
    const isRefused = async () => (await at.rows()).some(({ reason }) => reason === 'sending_switched_off');
    await run(at, isRefused);
    expect(await at.textsTo(at.phone)).toEqual([]);
    await at.set({ sending: 'on' });
    await test.database.orm.execute(
      sql`update alert_texts set due_at = clock_timestamp() where organization_id = ${at.id}`,
    );
    await at.raise('assistant_failed');
    await run(at);
    expect(await at.textsTo(at.phone)).toHaveLength(1);
    expect((await at.rows()).map(({ state }) => state)).toEqual(['texted', 'texted']);
  });

  it('When the phone says STOP, then nothing leaves for it any more, as staff or as shopper (P5)', async () => {
    const at = await dealership();
    const asShopper = await at.shopper(at.phone);
    await at.raise();
    await run(at);
    expect((await at.textsTo(at.phone)).map(({ state }) => state)).toEqual(['queued']);
    const staffLine = await at.door.submit({
      organizationId: at.id,
      conversationId: asShopper.conversationId,
      origin: 'staff',
      staffName: 'Alex',
      ignoresQuietHours: true,
      body: 'Your car is ready.',
    });
    expect(staffLine.allowed).toBe(true);
    await at.hear(at.phone, 'STOP');
    expect((await at.textsTo(at.phone)).map(({ state }) => state)).toEqual(['canceled', 'canceled']);
    await at.raise();
    await run(at);
    expect((await at.rows()).filter(({ reason }) => reason === 'opted_out')).toHaveLength(1);
    const heads = async () =>
      (await listConversations(test.database, at.id, { limit: 9, after: undefined })).items;
    expect((await heads()).map(({ optedOut }) => optedOut)).toEqual([true]);
    await at.hear(at.phone, 'START');
    expect((await heads()).map(({ optedOut }) => optedOut)).toEqual([false]);
    await at.raise();
    await run(at);
    expect((await at.textsTo(at.phone)).map(({ state }) => state)).toEqual([
      'canceled',
      'canceled',
      'queued',
    ]);
  });

  it('When a named phone texts, then nobody answers it as a shopper, and its lead as a shopper is as it was', async () => {
    const at = await dealership();
    const asShopper = await at.shopper(at.phone);
    expect((await at.hear(at.phone, 'Is the Civic still there?')).outcome).toBe('stored');
    const due = await test.database.query(
      sql`select 1 from conversations where organization_id = ${at.id} and reply_due_at is not null`,
    );
    expect(due).toEqual([]);
    const { items } = await listConversations(test.database, at.id, { limit: 9, after: undefined });
    expect(items.map(({ lead, lastSeq }) => [lead.id, lastSeq])).toEqual([[asShopper.leadId, 0]]);
    const consents = await test.database.query(
      sql`select 1 from consent_events where organization_id = ${at.id}`,
    );
    expect(consents).toEqual([]);
    // No longer named, it is a shopper's again.
    await at.set({ alerts: { phones: [] } });
    await at.hear(at.phone, 'Is the Civic still there?');
    const again = await listConversations(test.database, at.id, { limit: 9, after: undefined });
    expect(again.items.map(({ lead, lastSeq }) => [lead.id, lastSeq])).toEqual([[asShopper.leadId, 1]]);
  });

  it('When staff are texted, then no list, count or stream of shoppers shows it', async () => {
    const at = await dealership();
    await at.raise();
    await run(at);
    await at.hear(at.phone, 'On my way');
    const [text] = await at.textsTo(at.phone);
    const none = { limit: 9, after: undefined };
    expect((await listLeads(test.database, at.id, none)).items).toEqual([]);
    expect((await listConversations(test.database, at.id, none)).items).toEqual([]);
    expect(await readLiveView(test.database, at.id)).toMatchObject({ open: 0, newest: [] });
    const recent = await listRecent(test.database, { sinceMs: 60_000, after: undefined, limit: 500 });
    expect(recent.filter(({ organizationId }) => organizationId === at.id)).toEqual([]);
    const lastId = (await numberFeed(test.database, at.id))?.lastId ?? 0;
    const { events } = await readFeed(test.database, at.id, { after: 0, lastId, limit: 50 });
    expect(events.map(({ type }) => type)).toEqual(['alert.raised']);
    // Whoever takes over and gives back by hand does not set the assistant at it.
    const steering = { organizationId: at.id, leadId: text?.leadId as LeadId, actor: 'test' };
    await takeOver(test.database, { ...steering, ownerName: 'Alex' });
    await release(test.database, steering);
    const due = await test.database.query(
      sql`select 1 from conversations where organization_id = ${at.id} and reply_due_at is not null`,
    );
    expect(due).toEqual([]);
  });

  it('When a text to staff is not delivered, then the list says so and staff are not texted about it', async () => {
    const at = await dealership({ textedKinds: ['handoff_requested', 'delivery_failed', 'not_textable'] });
    await at.raise();
    await run(at);
    const [text] = await at.textsTo(at.phone);
    const deps = { database: test.database, secrets, clock: systemClock, logger: silentLogger };
    const failure = { messageId: text?.id as MessageId, wasTaken: false, isFinal: true };
    await test.database.transaction((tx) => react(deps, tx, [{ ...failure, code: 30003 }]));
    await test.database.transaction((tx) => react(deps, tx, [{ ...failure, code: 30006 }]));
    const { items } = await listAlerts(test.database, at.id, { limit: 9, after: undefined });
    expect(Object.fromEntries(items.map(({ kind, texts }) => [kind, texts?.texted ?? null]))).toEqual({
      delivery_failed: null,
      handoff_requested: 1,
      not_textable: null,
    });
    await at.raise();
    await run(at);
    const reasons = (await at.rows()).map(({ reason }) => reason);
    expect(new Set(reasons)).toEqual(new Set([null, 'phone_not_textable']));
  });

  it('When the phone is one of its own numbers, then it is not texted', async () => {
    const { id, number } = await newOrganization(test.database);
    await changeProfile(test.database, id, { settings: { alerts: { phones: [number] } } }, 'test');
    await test.database.transaction((tx) =>
      raiseAlerts(tx, [{ organizationId: id, conversationId: null, kind: 'loop_detected', reason: 'x' }]),
    );
    expect(await claimAlertTexts(test.database, 20, LIMITS)).toEqual([]);
    const rows = await test.database.query(
      sql`select state, reason from alert_texts where organization_id = ${id}`,
    );
    expect(rows).toEqual([{ state: 'dropped', reason: 'own_number' }]);
  });

  it("When another organization's phones are named, then they hear nothing of it (P3)", async () => {
    const [mine, theirs] = [await dealership(), await dealership()];
    await mine.raise('handoff_requested', randomUUID() as ConversationId);
    await run(mine);
    expect(await theirs.rows()).toEqual([]);
    expect(await theirs.textsTo(theirs.phone)).toEqual([]);
    expect(await mine.textsTo(mine.phone)).toHaveLength(1);
  });
});
