/**
 * The feed of an organization: what happened, in one order, to be read from a position. Rows come from triggers in the
 * transaction of the change; `numberFeed` gives them positions under the lock of the organization's counter. So a
 * reader that has seen a position has seen all before it, and none appears behind it later (REDIS.md H19).
 */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type { AlertKind } from '../db/schema/alerts.js';
import { jsonRows, milliseconds } from '../db/sqlHelpers.js';
import type { ConversationId, LeadId, Message, OrganizationId, Owner } from '../types.js';
import { type MessageRow, messageJson, toMessage } from './messageRow.js';
import { isWithStaff } from './staffPhones.js';
import { isoUtc } from './utc.js';

export const FEED_TYPES = [
  'message.received',
  'message.queued',
  'message.status',
  'message.changed',
  'conversation.changed',
  'handoff.requested',
  'alert.raised',
  'alert.resolved',
] as const;

export type FeedType = (typeof FEED_TYPES)[number];

export interface FeedEvent {
  /** Position in the organization's feed: 1, 2, 3 … */
  readonly id: number;
  readonly type: FeedType;
  /** ISO 8601: when it happened. */
  readonly at: string;
  /** As it is now, not as it was then; null where an alert concerns the organization, or what has been erased. */
  readonly conversation: {
    readonly id: ConversationId;
    readonly leadId: LeadId;
    readonly owner: Owner;
    readonly ownerName: string | null;
    readonly optedOut: boolean;
    readonly lastSeq: number;
  } | null;
  /** As it is now; null where the event is about the conversation. */
  readonly message: Message | null;
  /** As it is now; null where the event is about something else. */
  readonly alert: FeedAlert | null;
}

export interface FeedAlert {
  readonly id: string;
  readonly kind: AlertKind;
  readonly reason: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly resolvedAt: string | null;
}

export interface FeedEnds {
  /** The position given last; 0 when nothing has happened. */
  readonly lastId: number;
  /** Up to here events may have been removed. */
  readonly trimmedId: number;
}

export interface FeedPage {
  readonly events: readonly FeedEvent[];
  /** The position up to which these are all that there is. */
  readonly upTo: number;
}

/** Bounds the time that one transaction holds the counter. */
const MAX_NUMBERED = 1_000;

/** Gives positions to everything committed so far. @returns undefined when there is no such organization. */
export async function numberFeed(
  database: Database,
  organizationId: OrganizationId,
): Promise<FeedEnds | undefined> {
  for (;;) {
    const [row] = await database.query<{ numbered: number }>(
      sql`select feed_number(${organizationId}, ${MAX_NUMBERED}) as numbered`,
    );
    if ((row?.numbered ?? 0) < MAX_NUMBERED) break;
  }
  const [ends] = await database.query<FeedEnds>(
    sql`select last_id::float8 as "lastId", trimmed_id::float8 as "trimmedId" from feed_heads
      where organization_id = ${organizationId}`,
  );
  return ends;
}

export interface FeedRequest {
  /** A position: what came after it. */
  readonly after: number;
  /** A position that is known to have been given. */
  readonly lastId: number;
  readonly limit: number;
  /** Only what happened in this conversation. */
  readonly conversationId?: ConversationId | undefined;
}

/** Oldest first. What is told of conversations that have been erased since is left out, and what is said to staff phones. */
export async function readFeed(
  database: Database,
  organizationId: OrganizationId,
  { after, lastId, limit, conversationId }: FeedRequest,
): Promise<FeedPage> {
  const ofConversation = conversationId ? sql`and conversation_id = ${conversationId}` : sql``;
  const rows = await database.query<
    Omit<FeedEvent, 'message'> & {
      readonly message: MessageRow | null;
    }
  >(
    sql`select f.id::float8 as id, f.type, ${isoUtc(sql`f.at`)} as at,
        case when c.id is not null then jsonb_build_object('id', c.id, 'leadId', c.lead_id, 'owner', c.owner,
          'ownerName', c.owner_name, 'optedOut', c.opted_out, 'lastSeq', c.last_seq) end as conversation,
        case when m.id is not null then ${messageJson} end as message,
        case when a.id is not null then jsonb_build_object('id', a.id, 'kind', a.kind, 'reason', a.reason,
          'details', a.details, 'createdAt', ${isoUtc(sql`a.created_at`)},
          'resolvedAt', ${isoUtc(sql`a.resolved_at`)}) end as alert
      from (select * from feed_events where organization_id = ${organizationId} and id > ${after} ${ofConversation}
        order by id limit ${limit}) f
      left join conversations c on c.id = f.conversation_id and c.organization_id = f.organization_id
        and not ${isWithStaff(organizationId)}
      left join messages m on m.conversation_id = c.id and m.seq = f.seq and m.organization_id = f.organization_id
      left join staff_alerts a on a.id = f.alert_id and a.organization_id = f.organization_id
      order by f.id`,
  );
  const last = rows.at(-1)?.id ?? after;
  return {
    events: rows.flatMap(({ message, ...event }) =>
      event.conversation || event.alert ? [{ ...event, message: message && toMessage(message) }] : [],
    ),
    upTo: rows.length < limit ? Math.max(last, lastId, after) : last,
  };
}

/** For each organization the position known of it. @returns those with something newer, and those that are gone. */
export async function findNews(
  database: Database,
  known: ReadonlyMap<OrganizationId, number>,
): Promise<{ readonly changed: readonly OrganizationId[]; readonly gone: readonly OrganizationId[] }> {
  const rows = [...known].map(([id, lastId]) => ({ id, last_id: lastId }));
  const found = await database.query<{ id: OrganizationId; isGone: boolean }>(
    sql`select k.id, o.id is null as "isGone" from jsonb_to_recordset(${jsonRows(rows)}) as k(id text, last_id bigint)
      left join organizations o on o.id = k.id left join feed_heads h on h.organization_id = k.id
      where o.id is null or coalesce(h.last_id, 0) > k.last_id
        or exists (select 1 from feed_events e where e.organization_id = k.id and e.id is null)`,
  );
  return {
    changed: found.filter(({ isGone }) => !isGone).map(({ id }) => id),
    gone: found.filter(({ isGone }) => isGone).map(({ id }) => id),
  };
}

/**
 * Removes up to `limit` events that are older than `keepMs`. What nobody read has no position; it counts as one that
 * was removed all the same, so that who comes back after long is told to look for itself.
 * @returns how many it removed.
 */
export async function trimFeed(
  database: Database,
  { keepMs, limit }: { readonly keepMs: number; readonly limit: number },
): Promise<number> {
  const oldest = sql`select n, organization_id, at from feed_events order by n limit ${limit}`;
  const isOld = sql`o.at < clock_timestamp() - ${milliseconds(keepMs)}`;
  return await database.transaction(async (tx) => {
    const concerned = await database.query<{ id: OrganizationId }>(
      sql`select distinct organization_id as id from (${oldest}) o where ${isOld}`,
      tx,
    );
    if (concerned.length === 0) return 0;
    // The counters first, in one order: whoever numbers takes them first too.
    await tx.execute(
      sql`with concerned as (select id as organization_id from jsonb_to_recordset(${jsonRows(concerned)}) as r(id text))
        insert into feed_heads (organization_id) select organization_id from concerned
        where exists (select 1 from organizations where id = organization_id) order by 1 on conflict do nothing`,
    );
    await tx.execute(
      sql`select 1 from feed_heads where organization_id in
          (select id from jsonb_to_recordset(${jsonRows(concerned)}) as r(id text))
        order by organization_id for update`,
    );
    const [row] = await database.query<{ removed: number }>(
      sql`with gone as (
          delete from feed_events f using (${oldest}) o
          where f.n = o.n and ${isOld} and o.organization_id in
            (select id from jsonb_to_recordset(${jsonRows(concerned)}) as r(id text))
          returning f.organization_id, f.id
        ), counts as (
          select organization_id, max(id) as last, count(*) filter (where id is null) as unread, count(*) as events
          from gone group by 1
        ), heads as (
          update feed_heads h set last_id = h.last_id + c.unread,
            trimmed_id = greatest(h.trimmed_id, c.last, case when c.unread > 0 then h.last_id + c.unread end)
          from counts c where c.organization_id = h.organization_id
        )
        select coalesce(sum(events), 0)::int as removed from counts`,
      tx,
    );
    return row?.removed ?? 0;
  });
}
