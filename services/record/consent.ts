/** The consent ledger, and what an opt-out stops at once. */
import { sql } from 'drizzle-orm';
import type { Orm } from '../db/client.js';
import { jsonRows, uuidList } from '../db/sqlHelpers.js';
import type { ConversationId, LeadId, OrganizationId } from '../types.js';

export interface ConsentEvent {
  readonly organizationId: OrganizationId;
  readonly leadId: LeadId;
  readonly conversationId: ConversationId;
  /** `Secrets.hashPhone`, so that the event keeps its meaning when the lead is erased. */
  readonly phoneHash: string;
  readonly kind: 'opt_out' | 'opt_in' | 'help';
  readonly method: 'keyword' | 'carrier' | 'staff' | 'import';
  /** The exact words. */
  readonly words: string;
  readonly messageSid: string | null;
}

/** Appends the events; an opt-out also takes back what is committed but not yet handed to the carrier (P5). */
export async function storeConsentEvents(tx: Orm, events: readonly ConsentEvent[]): Promise<void> {
  const rows = events.map((event) => ({
    organization_id: event.organizationId,
    lead_id: event.leadId,
    phone_hash: event.phoneHash,
    kind: event.kind,
    method: event.method,
    words: event.words,
    message_sid: event.messageSid,
  }));
  await tx.execute(
    sql`insert into consent_events (organization_id, lead_id, phone_hash, kind, method, words, message_sid)
      select organization_id, lead_id, phone_hash, kind, method, words, message_sid
      from jsonb_to_recordset(${jsonRows(rows)}) as r(organization_id text, lead_id uuid, phone_hash text, kind text,
        method text, words text, message_sid text)`,
  );
  const stopped = events.filter(({ kind }) => kind === 'opt_out').map(({ conversationId }) => conversationId);
  if (stopped.length > 0) await cancelQueued(tx, stopped);
}

/**
 * Marks one conversation opted out, whoever found out, in the caller's transaction.
 * @returns false when the organization has no such conversation.
 */
export async function optOut(tx: Orm, event: ConsentEvent & { readonly kind: 'opt_out' }): Promise<boolean> {
  const result = (await tx.execute(
    sql`update conversations set opted_out = true, opted_out_at = coalesce(opted_out_at, clock_timestamp()),
        reply_due_at = null, reply_waiting_since = null
      where id = ${event.conversationId} and organization_id = ${event.organizationId} returning id`,
  )) as unknown as { rows: unknown[] };
  if (result.rows.length === 0) return false;
  await storeConsentEvents(tx, [event]);
  return true;
}

async function cancelQueued(tx: Orm, conversationIds: readonly ConversationId[]): Promise<void> {
  await tx.execute(
    sql`with canceled as (
        update outbox set state = 'canceled', last_reason = 'opted_out'
        where conversation_id in ${uuidList(conversationIds)} and state = 'queued'
        returning message_id, organization_id, conversation_id
      ), decided as (
        insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason)
        select c.organization_id, c.conversation_id, c.message_id, m.sender, 'send', false, 'opted_out'
        from canceled c join messages m on m.id = c.message_id
      )
      update messages m set status = 'canceled' from canceled c where m.id = c.message_id`,
  );
}
