/**
 * Takes rows of the outbox in hand, fairly: what is due is taken in turns from all organizations, and from each number only
 * as much as its speed allows. Many processes may claim at once; each row goes to one of them.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { milliseconds, nowRounded } from '../db/sqlHelpers.js';
import type { ConversationId, E164, MessageId, OrganizationId } from '../types.js';
import { US_AREA_CODES } from './rules/destinations.js';
import type { OutboundText } from './transports/types.js';
import type { OutreachPurpose } from './types.js';

/** One outbox row in hand. `fence` guards what is written about it afterwards. */
export interface OutboxClaim {
  readonly text: OutboundText;
  readonly conversationId: ConversationId;
  readonly fence: number;
  readonly attempts: number;
  /** `send` it, or first `find` out whether an earlier attempt reached the carrier. */
  readonly task: 'send' | 'find';
  /** Whether the conversation has a later text in the outbox. */
  readonly hasNext: boolean;
  /** The carrier's id, when a report has told it already. */
  readonly knownSid: string | null;
  readonly seq: number;
  /** Of a text that we start, which is decided on once more before it leaves (atSending.ts). */
  readonly purpose: OutreachPurpose | null;
  /** The organization has switched sending off. */
  /** The carrier took it before and did not deliver it. */
  readonly isSecondAttempt: boolean;
  readonly isSendingOff: boolean;
}

export interface ClaimOptions {
  /**
   * How far ahead of its speed a number may go, in seconds of sending: what it is given beyond that would only wait at the
   * carrier, where an opt-out no longer stops it. Undefined: numbers have no speed.
   */
  readonly aheadS?: number | undefined;
}

interface ClaimRow {
  readonly id: MessageId;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly account: string;
  readonly fromNumber: E164;
  readonly toNumber: E164;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly createdAt: string;
  readonly fence: number;
  readonly attempts: number;
  readonly task: 'send' | 'find';
  readonly hasNext: boolean;
  readonly knownSid: string | null;
  readonly seq: number;
  readonly purpose: OutreachPurpose | null;
  readonly isSecondAttempt: boolean;
  readonly isSendingOff: boolean;
}

/**
 * Queued rows are sent; `unknown` ones, and `sending` ones whose lease ran out because a process died, are looked up
 * first: an answer that never came does not mean that nothing was sent. Looking up costs no turn and no speed.
 */
export async function claimOutbox(
  database: Database,
  limit: number,
  leaseMs: number,
  { aheadS }: ClaimOptions = {},
): Promise<OutboxClaim[]> {
  // More than are taken: some of them may be in the hands of another process.
  const surplus = limit * 4;
  const rows = await database.query<ClaimRow>(
    sql`with recursive queues as (${queuesThatWait}), open as (${openQueues(aheadS)}), picked as materialized (
        select *, row_number() over (partition by organization_id order by due_at) as turn from (
          select q.organization_id, x.message_id, x.due_at, 'send' as task, q.speed, x.segments, x.in_front
          from open q cross join lateral (
            select o.message_id, o.due_at, o.segments,
              sum(o.segments) over (order by o.due_at, o.message_id) - o.segments as in_front
            from (
              select o.*, (select m.segments from messages m where m.id = o.message_id) as segments
              from (${headOfQueue(limit, surplus)}) o where ${isInTurn}
            ) o
          ) x
          where q.room is null or x.in_front < q.room
          union all
          select o.organization_id, o.message_id, o.due_at, 'find', null, 0, 0
          from outbox o
          where o.state in ('sending', 'unknown') and o.due_at <= ${nowRounded}
            and (o.lease_until is null or o.lease_until <= clock_timestamp())
        ) candidates
        order by turn, due_at limit ${surplus}::int
      ), due as (
        select o.message_id, p.task, p.speed, p.segments from picked p join outbox o on o.message_id = p.message_id
        where (o.lease_until is null or o.lease_until <= clock_timestamp()) and o.due_at <= ${nowRounded}
          and o.state in ('queued', 'sending', 'unknown') and (o.state = 'queued') = (p.task = 'send')
        order by p.turn, p.due_at limit ${limit}::int for no key update of o skip locked
      ), claimed as (
        update outbox o set state = case when due.task = 'send' then 'sending' else 'unknown' end,
          attempts = o.attempts + case when due.task = 'send' then 1 else 0 end, fence = o.fence + 1,
          lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
        from due where o.message_id = due.message_id returning o.*, due.task, due.speed, due.segments
      ), paced as (${paceSenders})
      select c.message_id as id, c.organization_id as "organizationId", c.conversation_id as "conversationId", c.account,
        c.from_number as "fromNumber", c.to_number as "toNumber", m.body,
        (select coalesce(jsonb_agg(item.value ->> 'url'), '[]') from jsonb_array_elements(m.media) item) as "mediaUrls",
        to_jsonb(m.created_at) #>> '{}' as "createdAt", c.fence::float8 as fence, c.attempts, c.task,
        m.message_sid as "knownSid", c.seq, c.purpose, c.resends > 0 as "isSecondAttempt",
        exists (select 1 from organizations g where g.id = c.organization_id
          and g.settings ->> 'sending' = 'off') as "isSendingOff",
        exists (select 1 from outbox later where later.conversation_id = c.conversation_id and later.seq > c.seq
          and later.state in ('queued', 'sending', 'unknown')) as "hasNext"
      from claimed c join messages m on m.id = c.message_id`,
  );
  return rows.map(toClaim);
}

/** The numbers that have something queued, found one after the other in an index: a long queue costs no more than a short. */
const queuesThatWait: SQL = sql`
  (select o.organization_id, o.account, o.from_number from outbox o where o.state = 'queued'
    order by o.organization_id, o.account, o.from_number limit 1)
  union all
  select next.* from queues q cross join lateral (
    select o.organization_id, o.account, o.from_number from outbox o
    where o.state = 'queued'
      and (o.organization_id, o.account, o.from_number) > (q.organization_id, q.account, q.from_number)
    order by o.organization_id, o.account, o.from_number limit 1
  ) next`;

/** Segments a second by kind of number (DOMAIN.md 6.1), or what the organization's settings say. For a queue `q`. */
const speed: SQL = sql`coalesce((g.settings #>> '{limits,segmentsPerSecond}')::float8, case
  when q.from_number ~ '^[+]1(800|822|833|844|855|866|877|888)' then 3
  when length(q.from_number) <= 7 then 100 else 1 end)`;

/** `room`: how many segments may be handed over now; null: as many as there are. */
const openQueues = (aheadS: number | undefined): SQL => sql`
  select q.*, p.speed, us.is_held as is_us_held,
    case when ${aheadS ?? null}::float8 is not null then p.speed * (${aheadS ?? null}::float8 -
      greatest(extract(epoch from s.busy_until - clock_timestamp())::float8, 0)) end as room
  from queues q join organizations g on g.id = q.organization_id
  left join lateral (select s.busy_until from senders s where s.organization_id = q.organization_id
    and s.account = q.account and s.phone_number = q.from_number) s on true
  cross join lateral (select ${speed} as speed) p
  cross join lateral (select exists (select 1 from sending_holds h where h.organization_id = q.organization_id
    and h.scope = 'us' and (h.held_until is null or h.held_until > clock_timestamp())) as is_held) us
  where not exists (select 1 from sending_holds h where h.organization_id = q.organization_id and h.scope = 'all'
      and (h.held_until is null or h.held_until > clock_timestamp()))
    and (${aheadS ?? null}::float8 is null or s.busy_until is null
      or s.busy_until < clock_timestamp() + make_interval(secs => ${aheadS ?? null}::float8))`;

const isToUs = sql`(o.to_number like '+1%' and ${JSON.stringify(US_AREA_CODES)}::jsonb ? substr(o.to_number, 3, 3))`;

/**
 * The first of a queue `q` that are due: so many that all queues together fill the places, even if the others have one text
 * each. The bounds are those of the index, whole, so that it is read in its order and no further: a flood costs as much as a
 * few texts.
 */
const headOfQueue = (limit: number, surplus: number): SQL => sql`
  select o.* from outbox o
  where o.state = 'queued'
    and (o.organization_id, o.account, o.from_number, o.due_at)
      >= (q.organization_id, q.account, q.from_number, '-infinity'::timestamptz)
    and (o.organization_id, o.account, o.from_number, o.due_at)
      <= (q.organization_id, q.account, q.from_number, ${nowRounded})
    and (o.lease_until is null or o.lease_until <= clock_timestamp())
    and not (q.is_us_held and ${isToUs})
  order by o.organization_id, o.account, o.from_number, o.due_at
  limit (select greatest(${limit}::int + 1 - count(*), ${surplus}::int / greatest(count(*), 1)) + 4 from open)`;

/**
 * Whether a queued row `o` may go now. Parts of a conversation go one after the other; one that
 * waits for its hour, or for its second attempt, does not hold back what was said after it.
 */
const isInTurn: SQL = sql`(select (not c.opted_out or o.passes_opt_out) and (o.resends = 0 or c.last_seq = o.seq)
    from conversations c where c.id = o.conversation_id)
  and not exists (select 1 from outbox earlier where earlier.conversation_id = o.conversation_id and earlier.seq < o.seq
    and earlier.state in ('queued', 'sending', 'unknown')
    and (earlier.state <> 'queued' or (earlier.resends = 0
      and (earlier.attempts > 0 or earlier.due_at <= ${nowRounded}))))`;

/** What was taken fills the carrier's queue; two processes that take at once both add to it. */
const paceSenders: SQL = sql`
  insert into senders as s (organization_id, account, phone_number, busy_until)
    select organization_id, account, from_number,
      statement_timestamp() + make_interval(secs => (sum(segments) / max(speed))::float8)
    from claimed where task = 'send'
    group by organization_id, account, from_number order by organization_id, account, from_number
  on conflict (organization_id, account, phone_number) do update
    set busy_until = greatest(s.busy_until, statement_timestamp()) + (excluded.busy_until - statement_timestamp())`;

const toClaim = (row: ClaimRow): OutboxClaim => ({
  text: {
    id: row.id,
    organizationId: row.organizationId,
    account: row.account,
    from: row.fromNumber,
    to: row.toNumber,
    body: row.body,
    mediaUrls: row.mediaUrls,
    createdAt: new Date(row.createdAt),
  },
  conversationId: row.conversationId,
  fence: row.fence,
  attempts: row.attempts,
  task: row.task,
  hasNext: row.hasNext,
  knownSid: row.knownSid,
  seq: row.seq,
  purpose: row.purpose,
  isSecondAttempt: row.isSecondAttempt,
  isSendingOff: row.isSendingOff,
});
