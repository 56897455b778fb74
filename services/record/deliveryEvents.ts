/** Reports of the carrier in the record: which texts they are of, and what they change. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import type { ReportSource } from '../db/schema/delivery.js';
import type { OutboxState } from '../db/schema.js';
import { jsonRows, uuidList } from '../db/sqlHelpers.js';
import type { ConversationId, E164, MessageId, MessageStatus, OrganizationId } from '../types.js';
import { lockedConversations } from './lockOrder.js';

/** Whose report it is: a text of this organization, or the text that a signed webhook describes. */
export type ReportSubject =
  | { readonly organizationId: OrganizationId; readonly messageId: MessageId }
  | {
      /** Names under which the record may know the account: its SID, `default`. */
      readonly accounts: readonly string[];
      /** Ours, from the query of the callback's URL; absent for a URL that somebody set by hand. */
      readonly messageId: MessageId | undefined;
      readonly from: E164 | undefined;
      readonly to: E164;
    };

export interface SubjectRow {
  readonly subject: ReportSubject;
  readonly accountSid: string | null;
  readonly messageSid: string | null;
}

/**
 * Finds the text of each report, and locks its conversation until the transaction ends. A report that says anything else
 * than the text does (another account, another number, another organization) is of no text.
 * @returns the text's id by the report's index; absent where there is none.
 */
export async function lockReported(
  database: Database,
  tx: Orm,
  reports: readonly SubjectRow[],
): Promise<ReadonlyMap<number, MessageId>> {
  const rows = reports.map(({ subject, accountSid, messageSid }, n) => ({
    n,
    message_id: subject.messageId,
    account_sid: accountSid,
    message_sid: messageSid,
    ...('organizationId' in subject
      ? { organization_id: subject.organizationId }
      : { accounts: subject.accounts, from_number: subject.from, to_number: subject.to }),
  }));
  const found = await database.query<{ n: number; messageId: MessageId }>(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(rows)}) as r(n int, message_id uuid, account_sid text,
          message_sid text, organization_id text, accounts jsonb, from_number text, to_number text)
      ), named as (
        select r.n, r.message_id from r where r.message_id is not null
        union all
        select r.n, m.id from r join messages m on m.account_sid = r.account_sid and m.message_sid = r.message_sid
        where r.message_id is null
      ), target as (
        select r.n, o.message_id, o.conversation_id
        from named join r on r.n = named.n join outbox o on o.message_id = named.message_id
        where o.organization_id = r.organization_id or (r.organization_id is null and r.accounts ? o.account
          and o.to_number = r.to_number and (r.from_number is null or o.from_number = r.from_number))
      ), ${lockedConversations(sql`select conversation_id from target`)}
      select n, message_id as "messageId" from target
      where conversation_id = any(array(select locked.id from locked)) order by n`,
    tx,
  );
  return new Map(found.map(({ n, messageId }) => [n, messageId]));
}

/** What the record knows of a text on its way. */
export interface SentText {
  readonly messageId: MessageId;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly status: MessageStatus;
  readonly errorCode: number | null;
  readonly accountSid: string | null;
  readonly messageSid: string | null;
  readonly outboxState: OutboxState;
  readonly resends: number;
  readonly failedSid: string | null;
}

/** Asked after the locks, so that nothing of it is out of date. */
export const readSentTexts = (database: Database, tx: Orm, ids: readonly MessageId[]): Promise<SentText[]> =>
  database.query<SentText>(
    sql`select m.id as "messageId", m.organization_id as "organizationId", m.conversation_id as "conversationId",
        m.status, m.error_code as "errorCode", m.account_sid as "accountSid", m.message_sid as "messageSid",
        o.state as "outboxState", o.resends, o.failed_sid as "failedSid"
      from messages m join outbox o on o.message_id = m.id where m.id in ${uuidList(ids)}`,
    tx,
  );

export interface NewDeliveryEvent {
  readonly messageId: MessageId;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly messageSid: string | null;
  /** In the carrier's words. */
  readonly status: string;
  readonly errorCode: number | null;
  readonly rawDoneDate: string | null;
  readonly source: ReportSource;
}

/** The events in their order, and the texts that they changed. */
export async function storeReported(
  tx: Orm,
  events: readonly NewDeliveryEvent[],
  changed: readonly SentText[],
  pollAfterMs: number,
): Promise<void> {
  const eventRows = events.map((event, n) => ({
    n,
    message_id: event.messageId,
    organization_id: event.organizationId,
    conversation_id: event.conversationId,
    message_sid: event.messageSid,
    status: event.status,
    error_code: event.errorCode,
    raw_done_date: event.rawDoneDate,
    source: event.source,
  }));
  await tx.execute(
    sql`insert into delivery_events (organization_id, conversation_id, message_id, message_sid, status, error_code,
        raw_done_date, source)
      select organization_id, conversation_id, message_id, message_sid, status, error_code, raw_done_date, source
      from jsonb_to_recordset(${jsonRows(eventRows)}) as r(n int, organization_id text, conversation_id uuid,
        message_id uuid, message_sid text, status text, error_code int, raw_done_date text, source text)
      order by n`,
  );
  if (changed.length === 0) return;
  const rows = changed.map((text) => ({
    id: text.messageId,
    status: text.status,
    error_code: text.errorCode,
    account_sid: text.accountSid,
    message_sid: text.messageSid,
    state: text.outboxState,
  }));
  await tx.execute(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, status text, error_code int, account_sid text,
          message_sid text, state text)
      ), taken as (
        update outbox o set state = r.state, lease_until = null,
          due_at = clock_timestamp() + make_interval(secs => ${pollAfterMs / 1000}::float8)
        from r where o.message_id = r.id and o.state <> r.state
      )
      update messages m set status = r.status, error_code = r.error_code, account_sid = r.account_sid,
        message_sid = r.message_sid
      from r where m.id = r.id`,
  );
}
