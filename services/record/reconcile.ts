/** Questions of the reconciliation: which texts nobody has heard of, and what the carrier lists that the record does not. */
import { type SQL, sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, milliseconds, uuidList } from '../db/sqlHelpers.js';
import type { ConversationId, E164, MessageId, MessageStatus, OrganizationId } from '../types.js';
import { carrierKey } from './carrierKey.js';
import { isLocked, lockedConversations } from './lockOrder.js';

/** Statuses after which nothing more comes. */
const FINAL = sql`('delivered', 'undelivered', 'failed', 'canceled', 'read')`;

export interface UnsettledText {
  readonly messageId: MessageId;
  readonly organizationId: OrganizationId;
  readonly account: string;
  readonly accountSid: string;
  readonly messageSid: string;
}

export interface PollLimits {
  readonly batch: number;
  /** Until a text is asked after again. */
  readonly againMs: number;
  /** After so long nothing more is expected: some networks never say more than that a text was sent. */
  readonly giveUpMs: number;
}

/**
 * Accepted texts that are due for a look. Those with a final status are done with on the way.
 * @returns how many were looked at, and those that the carrier is to be asked about; no other process gets them.
 */
export async function claimUnsettled(
  database: Database,
  { batch, againMs, giveUpMs }: PollLimits,
): Promise<{ readonly seen: number; readonly unsettled: readonly UnsettledText[] }> {
  const rows = await database.query<UnsettledText & { readonly isSettled: boolean }>(
    sql`with due as (
        select message_id from outbox where state = 'accepted' and not is_settled and due_at <= clock_timestamp()
        order by due_at limit ${batch} for no key update skip locked
      )
      update outbox o set due_at = clock_timestamp() + ${milliseconds(againMs)},
        is_settled = m.status in ${FINAL} or m.message_sid is null or m.account_sid is null
          or m.created_at < clock_timestamp() - ${milliseconds(giveUpMs)}
      from due join messages m on m.id = due.message_id where o.message_id = due.message_id
      returning o.message_id as "messageId", o.organization_id as "organizationId", o.account,
        m.account_sid as "accountSid", m.message_sid as "messageSid", o.is_settled as "isSettled"`,
  );
  return { seen: rows.length, unsettled: rows.filter(({ isSettled }) => !isSettled) };
}

/** The carrier could not be asked, or had nothing new: they are looked at again after `delayMs`. */
export async function putOffPolls(
  database: Database,
  messageIds: readonly MessageId[],
  delayMs: number,
): Promise<void> {
  if (messageIds.length === 0) return;
  await database.orm.execute(
    sql`update outbox set due_at = clock_timestamp() + ${milliseconds(delayMs)}
      where message_id in ${uuidList(messageIds)} and state = 'accepted'`,
  );
}

export interface StaleText {
  readonly messageId: MessageId;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly reason: 'waited_too_long' | 'conversation_moved_on';
}

/**
 * Takes back what must not leave any more: texts that have been due for too long, and second attempts in conversations that
 * went on without them. Their decision is stored as every other one.
 */
export const cancelStale = (
  database: Database,
  tx: Orm,
  { batch, maxWaitMs }: { readonly batch: number; readonly maxWaitMs: number },
): Promise<StaleText[]> =>
  database.query<StaleText>(
    sql`with stale as (
        select o.message_id, o.conversation_id, case when o.resends > 0 and c.last_seq > o.seq
          then 'conversation_moved_on' else 'waited_too_long' end as reason
        from outbox o join conversations c on c.id = o.conversation_id
        where o.state = 'queued' and (o.due_at <= clock_timestamp() - ${milliseconds(maxWaitMs)}
          or (o.resends > 0 and c.last_seq > o.seq))
        limit ${batch}
      ), ${lockedConversations(sql`select conversation_id from stale`)},
      canceled as (
        update outbox o set state = 'canceled', last_reason = stale.reason from stale
        where o.message_id = stale.message_id and o.state = 'queued' and ${isLocked(sql`o.conversation_id`)}
        returning o.message_id, o.organization_id, o.conversation_id, stale.reason
      ), decided as (
        insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason)
        select c.organization_id, c.conversation_id, c.message_id, m.sender, 'send', false, c.reason
        from canceled c join messages m on m.id = c.message_id
      ), told as (
        update messages m set status = 'canceled' from canceled c
        where m.id = c.message_id and m.status in ('queued', 'sending')
      )
      select message_id as "messageId", organization_id as "organizationId", conversation_id as "conversationId", reason
      from canceled`,
    tx,
  );

export interface SenderNumber {
  readonly organizationId: OrganizationId;
  readonly account: string;
  readonly number: E164;
  /** Up to here the carrier's list was compared, in milliseconds since the epoch; null: never. */
  readonly comparedToMs: number | null;
}

/** The number whose list has waited longest; nobody else compares it for `leaseMs`. */
export async function claimComparison(
  database: Database,
  { everyMs, leaseMs }: { readonly everyMs: number; readonly leaseMs: number },
): Promise<SenderNumber | undefined> {
  const [row] = await database.query<SenderNumber>(
    sql`with due as (
        select organization_id, account, phone_number from senders
        where (compared_to is null or compared_to <= clock_timestamp() - ${milliseconds(everyMs)})
          and (compare_lease_until is null or compare_lease_until <= clock_timestamp())
        order by compared_to nulls first limit 1 for no key update skip locked
      )
      update senders s set compare_lease_until = clock_timestamp() + ${milliseconds(leaseMs)} from due
      where s.organization_id = due.organization_id and s.account = due.account and s.phone_number = due.phone_number
      returning s.organization_id as "organizationId", s.account, s.phone_number as number,
        (extract(epoch from s.compared_to) * 1000)::float8 as "comparedToMs"`,
  );
  return row;
}

const ofNumber = ({ organizationId, account, number }: SenderNumber): SQL =>
  sql`organization_id = ${organizationId} and account = ${account} and phone_number = ${number}`;

/** @param toMs milliseconds since the epoch. */
export async function storeComparison(database: Database, sender: SenderNumber, toMs: number): Promise<void> {
  await database.orm.execute(
    sql`update senders set compared_to = to_timestamp(${toMs / 1000}::float8), compare_lease_until = null
      where ${ofNumber(sender)}`,
  );
}

export interface CarrierIds {
  readonly accountSid: string;
  readonly messageSid: string;
}

export interface KnownText extends CarrierIds {
  /** Null where only its id is known: in the archive, in quarantine, or an attempt that was not delivered. */
  readonly messageId: MessageId | null;
  readonly status: MessageStatus | null;
  readonly errorCode: number | null;
}

/** Which of the carrier's texts the record has, for one organization. */
export async function findByCarrierIds(
  database: Database,
  organizationId: OrganizationId,
  texts: readonly CarrierIds[],
): Promise<KnownText[]> {
  if (texts.length === 0) return [];
  const rows = texts.map(({ accountSid, messageSid }) => ({
    account_sid: accountSid,
    message_sid: messageSid,
    key: carrierKey(accountSid, messageSid),
  }));
  return await database.query<KnownText>(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(rows)}) as r(account_sid text, message_sid text, key uuid)
      )
      select r.account_sid as "accountSid", r.message_sid as "messageSid", m.id as "messageId", m.status,
        m.error_code as "errorCode"
      from r join messages m on m.account_sid = r.account_sid and m.message_sid = r.message_sid
        and m.organization_id = ${organizationId}
      union all
      select r.account_sid, r.message_sid, null, null, null from r
      where exists (select 1 from archived_messages a where a.carrier_keys @> array[r.key])
        or exists (select 1 from quarantine q where q.account_sid = r.account_sid and q.message_sid = r.message_sid)
        or exists (select 1 from outbox o where o.organization_id = ${organizationId} and o.failed_sid = r.message_sid)`,
  );
}
