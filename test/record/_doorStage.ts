/** A dealership, a lead in Seattle, and the door at an hour of the test's choosing. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Clock } from '../../services/clock.js';
import { createLiveEvents } from '../../services/events.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { nextTextingTime } from '../../services/outbound/quietHours.js';
import { OutboxSender } from '../../services/outbound/sender.js';
import type { OutboundText, Transport } from '../../services/outbound/transports/types.js';
import type { OutboundResult, OutreachPurpose } from '../../services/outbound/types.js';
import { createSecrets } from '../../services/secrets.js';
import { claimDue } from '../../services/turns/claims.js';
import type { ConversationId, E164, LeadId, OrganizationSettings } from '../../services/types.js';
import { newOrganization } from '../support/records.js';
import { silentLogger, type TestDatabase } from '../support/testDatabase.js';
import { until } from '../support/until.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const SEATTLE = { zone: 'America/Los_Angeles', region: 'US-WA' } as const;

/** The next moment at which clocks in Seattle show this hour: at most a day ahead, as the record has its own clock. */
export function nextHour(hour: number): number {
  const wall = new Intl.DateTimeFormat('en-US', {
    timeZone: SEATTLE.zone,
    hour: 'numeric',
    hourCycle: 'h23',
  });
  const hourAt = (ms: number) => Number(wall.format(ms));
  let ms = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  while (hourAt(ms) !== hour) ms += MINUTE_MS;
  return ms;
}

/** When a text to Seattle may leave that is committed then. */
export const morningAfter = (ms: number): number => {
  const morning = nextTextingTime([SEATTLE], ms);
  if (morning === undefined) throw new Error('Seattle has texting hours');
  return morning;
};

let nextSubscriber = 100;

export async function setDoorStage(
  { database }: TestDatabase,
  options: {
    readonly atMs: number;
    readonly isRealCarrier?: boolean;
    readonly settings?: OrganizationSettings;
  },
) {
  const organization = await newOrganization(database);
  const phone = `+1206555${String(nextSubscriber++).padStart(4, '0')}` as E164;
  const leadId = randomUUID() as LeadId;
  const conversationId = randomUUID() as ConversationId;
  await database.orm.execute(
    sql`with lead as (insert into leads (id, organization_id, phone, source) values
        (${leadId}, ${organization.id}, ${phone}, 'test'))
      insert into conversations (id, organization_id, lead_id) values (${conversationId}, ${organization.id}, ${leadId})`,
  );
  const clock: Clock & { ms: number } = {
    ms: options.atMs,
    now: () => clock.ms,
    monotonicMs: () => performance.now(),
  };
  const setSettings = (settings: OrganizationSettings) =>
    database.orm.execute(
      sql`update organizations set settings = ${JSON.stringify(settings)}::jsonb where id = ${organization.id}`,
    );
  if (options.settings) await setSettings(options.settings);
  const shared = { database, clock, isRealCarrier: options.isRealCarrier ?? false };
  const newDoor = () =>
    createOutboundDoor({ ...shared, events: createLiveEvents(), onQueued: () => undefined });
  const door = newDoor();
  const to = { organizationId: organization.id, conversationId };

  const start = (purpose: OutreachPurpose = 'follow_up', body = 'Still looking for a Civic?') =>
    door.submit({ ...to, origin: 'system', purpose, body });
  const staff = (rest: { ignoresQuietHours?: boolean } = {}) =>
    door.submit({ ...to, origin: 'staff', staffName: 'Alex', body: 'Alex here.', ...rest });

  /** The shopper texts, and a turn is claimed for it. */
  async function hear(): Promise<{ readonly fence: number; readonly seenSeq: number }> {
    await database.orm.execute(
      sql`with c as (
          update conversations set last_seq = last_seq + 1, last_inbound_seq = last_seq + 1,
            reply_due_at = clock_timestamp(), reply_waiting_since = clock_timestamp()
          where id = ${conversationId} returning id, organization_id, last_seq
        )
        insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          status, created_at)
        select gen_random_uuid(), organization_id, id, last_seq, 'inbound', 'lead', 'Hello?', 'GSM-7', 1, 'received',
          to_timestamp(${clock.ms / 1000}::float8) from c`,
    );
    return await claim();
  }

  async function claim() {
    const claims = await claimDue(database, { limit: 50, leaseMs: 5_000, holder: 'test' });
    const mine = claims.find((each) => each.conversationId === conversationId);
    if (!mine) throw new Error('the test expects a claim');
    return { fence: mine.fence, seenSeq: mine.lastSeq };
  }

  const reply = (turn: { readonly fence: number; readonly seenSeq: number }, body = 'Yes, it is here.') =>
    door.submit({ ...to, origin: 'assistant', body, turn: { ...turn, slots: {}, summary: '' } });

  /** What the carrier was given for this person. */
  const sent: OutboundText[] = [];
  const transport: Transport = {
    name: 'simulated',
    send: async (text) => {
      if (text.to === phone) sent.push(text);
      const providerSid = `SM${text.id.replaceAll('-', '')}`;
      return { outcome: 'accepted', providerSid, status: 'queued', segments: null };
    },
    find: async () => undefined,
  };

  /** A sender takes what is due; first, as if its hour had come, whatever waits. */
  async function send({ isHourCome = true } = {}): Promise<void> {
    if (isHourCome) {
      await database.orm.execute(
        sql`update outbox set due_at = clock_timestamp() where conversation_id = ${conversationId} and state = 'queued'`,
      );
    }
    const sender = OutboxSender.create({
      ...shared,
      secrets: createSecrets('a test secret that is long'),
      transport,
      events: createLiveEvents(),
      logger: silentLogger,
      accountSidOf: () => `AC${'1'.repeat(32)}`,
      limits: { sweepMs: 30 },
    });
    await sender.start();
    try {
      await until(
        async () =>
          (await rows()).every(({ state, isDue }) => !['queued', 'sending'].includes(state) || !isDue),
        { what: 'the outbox to settle', timeoutMs: 10_000 },
      );
    } finally {
      await sender.stop();
    }
  }

  const rows = () =>
    database.query<{
      state: string;
      status: string;
      reason: string | null;
      dueAtMs: number;
      isDue: boolean;
      isInContext: boolean;
      sender: string;
    }>(
      sql`select o.state, m.status, o.last_reason as reason, extract(epoch from o.due_at)::float8 * 1000 as "dueAtMs",
          o.due_at <= clock_timestamp() as "isDue", not m.retracted as "isInContext", m.sender
        from outbox o join messages m on m.id = o.message_id
        where o.conversation_id = ${conversationId} order by o.seq`,
    );
  const decisions = () =>
    database.query<{
      stage: string;
      allowed: boolean;
      reason: string;
      details: Record<string, unknown> | null;
    }>(
      sql`select stage, allowed, reason, details from gate_decisions where conversation_id = ${conversationId} order by id`,
    );
  const conversation = async () => {
    const [row] = await database.query<{ dueAtMs: number | null; isLeased: boolean; lastSeq: number }>(
      sql`select extract(epoch from reply_due_at)::float8 * 1000 as "dueAtMs", lease_until is not null as "isLeased",
        last_seq as "lastSeq" from conversations where id = ${conversationId}`,
    );
    if (!row) throw new Error('the test expects its conversation');
    return row;
  };
  const change = (set: ReturnType<typeof sql>) =>
    database.orm.execute(sql`update conversations set ${set} where id = ${conversationId}`);
  const changeLead = (set: ReturnType<typeof sql>) =>
    database.orm.execute(sql`update leads set ${set} where id = ${leadId}`);
  const alerts = () =>
    database.query<{ kind: string; code: string }>(
      sql`select kind, details ->> 'code' as code from staff_alerts where conversation_id = ${conversationId}`,
    );
  const register = (registration: string | null) =>
    database.orm.execute(
      sql`update phone_numbers set registration = ${registration} where organization_id = ${organization.id}`,
    );
  return {
    database,
    organization,
    phone,
    conversationId,
    clock,
    newDoor,
    setSettings,
    start,
    staff,
    hear,
    claim,
    reply,
    send,
    sent,
    rows,
    decisions,
    conversation,
    change,
    changeLead,
    alerts,
    register,
  };
}

export type DoorStage = Awaited<ReturnType<typeof setDoorStage>>;

/** The result of a text that was allowed. */
export function allowed(result: OutboundResult): OutboundResult & { readonly allowed: true } {
  if (result.allowed) return result;
  throw new Error(`the test expects an allowed text: ${result.reason}`);
}

export { HOUR_MS };
