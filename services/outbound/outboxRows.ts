/** The outbox in the record: leased rows, one at a time per conversation, so that parts arrive in order. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { jsonRows, milliseconds, nowRounded } from '../db/sqlHelpers.js';
import { isLocked, lockedConversations } from '../record/lockOrder.js';
import type { ConversationId, E164, MessageId, MessageStatus, OrganizationId } from '../types.js';
import type { OutboundText } from './transports/types.js';

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
}

/**
 * Queued rows are sent; `unknown` ones, and `sending` ones whose lease ran out because a process died, are looked up
 * first: an answer that never came does not mean that nothing was sent.
 */
export async function claimOutbox(
  database: Database,
  limit: number,
  leaseMs: number,
): Promise<OutboxClaim[]> {
  const rows = await database.query<ClaimRow>(
    sql`with due as (
        select o.message_id, case when o.state = 'queued' then 'send' else 'find' end as task
        from outbox o join conversations c on c.id = o.conversation_id
        where o.state in ('queued', 'sending', 'unknown') and o.due_at <= ${nowRounded}
          and (o.lease_until is null or o.lease_until <= clock_timestamp())
          and not (o.state = 'queued' and c.opted_out)
          and not exists (select 1 from outbox earlier where earlier.conversation_id = o.conversation_id
            and earlier.seq < o.seq and earlier.state in ('queued', 'sending', 'unknown'))
        order by o.due_at limit ${limit} for no key update of o skip locked
      ), claimed as (
        update outbox o set state = case when due.task = 'send' then 'sending' else 'unknown' end,
          attempts = o.attempts + case when due.task = 'send' then 1 else 0 end, fence = o.fence + 1,
          lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
        from due where o.message_id = due.message_id returning o.*, due.task
      )
      select c.message_id as id, c.organization_id as "organizationId", c.conversation_id as "conversationId", c.account,
        c.from_number as "fromNumber", c.to_number as "toNumber", m.body,
        (select coalesce(jsonb_agg(item.value ->> 'url'), '[]') from jsonb_array_elements(m.media) item) as "mediaUrls",
        to_jsonb(m.created_at) #>> '{}' as "createdAt", c.fence::float8 as fence, c.attempts, c.task,
        exists (select 1 from outbox later where later.conversation_id = c.conversation_id and later.seq > c.seq
          and later.state in ('queued', 'sending', 'unknown')) as "hasNext"
      from claimed c join messages m on m.id = c.message_id`,
  );
  return rows.map(toClaim);
}

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
});

/** While a send is under way, so that only a dead process loses its claim. */
export async function renewOutboxLeases(
  database: Database,
  claims: readonly OutboxClaim[],
  leaseMs: number,
): Promise<void> {
  const rows = claims.map(({ text, fence }) => ({ message_id: text.id, fence }));
  await database.orm.execute(
    sql`update outbox o set lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
      from jsonb_to_recordset(${jsonRows(rows)}) as r(message_id uuid, fence bigint)
      where o.message_id = r.message_id and o.fence = r.fence and o.lease_until is not null`,
  );
}

/** What became of one claim. */
export interface OutboxOutcome {
  readonly messageId: MessageId;
  readonly fence: number;
  readonly state: 'accepted' | 'refused' | 'unknown' | 'queued';
  /** When the row is looked at again; 0 for the final states. */
  readonly delayMs: number;
  readonly code: number | null;
  readonly reason: string | null;
  readonly accountSid: string | null;
  readonly providerSid: string | null;
  readonly messageStatus: MessageStatus | null;
}

/** One statement for many outcomes: the outbox rows, and the messages' carrier ids and statuses. */
export async function storeOutcomes(database: Database, outcomes: readonly OutboxOutcome[]): Promise<null[]> {
  const rows = outcomes.map((outcome) => ({
    message_id: outcome.messageId,
    fence: outcome.fence,
    state: outcome.state,
    delay_s: outcome.delayMs / 1000,
    code: outcome.code,
    reason: outcome.reason,
    account_sid: outcome.accountSid,
    provider_sid: outcome.providerSid,
    status: outcome.messageStatus,
  }));
  await database.orm.execute(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(rows)}) as r(message_id uuid, fence bigint, state text,
          delay_s float8, code int, reason text, account_sid text, provider_sid text, status text)
      ), ${lockedConversations(sql`select o.conversation_id from outbox o join r on r.message_id = o.message_id`)},
      kept as (
        update outbox o set state = r.state, lease_until = null, last_code = r.code, last_reason = r.reason,
          due_at = clock_timestamp() + make_interval(secs => r.delay_s)
        from r where o.message_id = r.message_id and o.fence = r.fence and ${isLocked(sql`o.conversation_id`)}
        returning o.message_id
      )
      update messages m set
        account_sid = coalesce(r.account_sid, m.account_sid), message_sid = coalesce(r.provider_sid, m.message_sid),
        error_code = coalesce(r.code, m.error_code),
        status = case when m.status in ('queued', 'sending') then coalesce(r.status, m.status) else m.status end
      from r join kept k on k.message_id = r.message_id
      where m.id = r.message_id and (r.provider_sid is not null or r.status is not null)`,
  );
  return outcomes.map(() => null);
}

/**
 * For the embedded record at start: the processes that held leases are gone, so what they may have sent is looked up
 * as soon as the carrier has had `settleMs` to list it.
 */
export async function freeOutboxLeases(
  database: Database,
  { leaseMs, settleMs }: { readonly leaseMs: number; readonly settleMs: number },
): Promise<void> {
  await database.orm.execute(
    sql`update outbox set lease_until = lease_until - ${milliseconds(leaseMs - settleMs)}
      where lease_until is not null and state in ('queued', 'sending', 'unknown')`,
  );
}

/** Carrier ids of the conversation's other messages: the same words may have been sent twice on purpose. */
export async function knownSids(database: Database, claim: OutboxClaim): Promise<ReadonlySet<string>> {
  const rows = await database.query<{ sid: string }>(
    sql`select message_sid as sid from messages where conversation_id = ${claim.conversationId}
      and organization_id = ${claim.text.organizationId} and direction = 'outbound' and message_sid is not null`,
  );
  return new Set(rows.map(({ sid }) => sid));
}
