/**
 * Texts that are committed and not yet handed to the carrier, and must not leave any more: after an opt-out, after a
 * takeover. The conversation is locked by the caller.
 */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { uuidList } from '../db/sqlHelpers.js';
import type { ConversationId } from '../types.js';

/** Whatever waits, of everybody (P5). @param keepsConfirmation for when the opt-out itself was before. */
export async function takeBackAfterOptOut(
  tx: Orm,
  conversationIds: readonly ConversationId[],
  { keepsConfirmation = false } = {},
): Promise<void> {
  await tx.execute(
    sql`with canceled as (
        update outbox set state = 'canceled', last_reason = 'opted_out'
        where conversation_id in ${uuidList(conversationIds)} and state = 'queued'
          and not (passes_opt_out and ${keepsConfirmation}::boolean)
        returning message_id, organization_id, conversation_id
      ), decided as (
        insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason)
        select c.organization_id, c.conversation_id, c.message_id, m.sender, 'send', false, 'opted_out'
        from canceled c join messages m on m.id = c.message_id
      )
      update messages m set status = 'canceled' from canceled c where m.id = c.message_id`,
  );
}

/**
 * What the assistant said, and what we wanted to start. What the assistant knew before the first reply that was taken back
 * is what it knows.
 */
export async function takeBackAfterTakeover(tx: Orm, conversationId: ConversationId): Promise<void> {
  await tx.execute(
    sql`with canceled as (
        update outbox b set state = 'canceled', last_reason = 'taken_over' from messages m
        where b.conversation_id = ${conversationId} and b.state = 'queued' and m.id = b.message_id
          and (m.sender = 'assistant' or b.purpose is not null)
        returning b.message_id, b.organization_id, b.seq, m.sender, m.context_before
      ), decided as (
        insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason)
        select organization_id, ${conversationId}::uuid, message_id, sender, 'send', false, 'taken_over' from canceled
      ), known as (
        select context_before from canceled where context_before is not null order by seq limit 1
      ), unlearned as (
        update conversations c set slots = coalesce(known.context_before -> 'slots', '{}'),
          summary = coalesce(known.context_before ->> 'summary', '')
        from known where c.id = ${conversationId}
      )
      update messages m set status = 'canceled', retracted = true from canceled where m.id = canceled.message_id`,
  );
  // The shopper's text waits again, in the inbox too. What is in the archive was said.
  await tx.execute(
    sql`update conversations c set last_outbound_seq = said.seq from (
        select greatest(coalesce((select max(m.seq) from messages m where m.conversation_id = a.id
          and m.direction = 'outbound' and m.status <> 'canceled'), 0), least(a.last_outbound_seq, a.archived_seq)) as seq
        from conversations a where a.id = ${conversationId}) said
      where c.id = ${conversationId} and c.last_outbound_seq > said.seq`,
  );
}

/**
 * For texts that are to go again: they were on their way when the opt-out or the takeover took back the others, and the
 * carrier did not have them after all.
 */
export async function takeBackStopped(
  database: Database,
  tx: Orm,
  conversationIds: readonly ConversationId[],
): Promise<void> {
  const stopped = await database.query<{ id: ConversationId; optedOut: boolean }>(
    sql`select id, opted_out as "optedOut" from conversations
      where id in ${uuidList(conversationIds)} and (opted_out or owner = 'human') order by id`,
    tx,
  );
  const optedOut = stopped.filter((each) => each.optedOut).map(({ id }) => id);
  if (optedOut.length > 0) await takeBackAfterOptOut(tx, optedOut, { keepsConfirmation: true });
  for (const { id, optedOut: hasStopped } of stopped) if (!hasStopped) await takeBackAfterTakeover(tx, id);
}
