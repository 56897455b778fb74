/**
 * What people change about the assistant's context: messages taken out of it, all of it, or history put in. The record
 * keeps every message; one that is retracted never reaches the assistant again.
 *
 * Each change is one transaction under the conversation's lock. It raises the fence, so a reply that is being written
 * from the old context is refused at the door, and the triggers renew the base, so no cached copy of it is usable.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { ContextChange, ContextEdits, EditBy } from '../contextEdits.js';
import type { Database, Orm } from '../db/client.js';
import type { ConversationId, LeadId, OrganizationId } from '../types.js';
import { writeAudit } from './audit.js';
import { appendAssistantMessages } from './contextHistory.js';
import { countMessages, readContextMessage } from './contextReads.js';

export const createContextEdits = (database: Database): ContextEdits => ({
  firstMessage: (organizationId, leadId) => readContextMessage(database, organizationId, leadId, 'first'),
  lastMessage: (organizationId, leadId) => readContextMessage(database, organizationId, leadId, 'last'),
  countMessages: (organizationId, leadId) => countMessages(database, organizationId, leadId),
  retractLast: (organizationId, by, count) =>
    retract(database, organizationId, by, {
      action: 'conversation.retract',
      chosen: sql`select id from messages where conversation_id = c.id and not retracted order by seq desc limit ${count}`,
    }),
  retractLastWithMedia: (organizationId, by) =>
    retract(database, organizationId, by, {
      action: 'conversation.retract',
      chosen: sql`select id from messages where conversation_id = c.id and not retracted and media <> '[]'
        order by seq desc limit 1`,
    }),
  reset: (organizationId, by) => reset(database, organizationId, by),
  appendAssistantMessages: (organizationId, by, messages) =>
    appendAssistantMessages(database, organizationId, by, messages),
});

interface Retraction {
  readonly action: string;
  /** Ids of messages of the conversation aliased `c`. */
  readonly chosen: SQL;
}

/** Takes messages out, and with them what the assistant learned since the first of them. */
async function retract(
  database: Database,
  organizationId: OrganizationId,
  by: EditBy,
  { action, chosen }: Retraction,
): Promise<ContextChange | undefined> {
  return await database.transaction(async (tx) => {
    const conversationId = await lock(database, tx, organizationId, by.leadId);
    if (conversationId === undefined) return undefined;
    const seqs = await markRetracted(database, tx, conversationId, chosen);
    const [first] = seqs;
    if (first === undefined) return { conversationId, seqs };
    // What the assistant knew before its first reply that could know of them; nothing, where that was not kept. What it
    // knew before its later replies may hold what it learned from them, so a later retraction goes back that far too.
    await tx.execute(
      sql`with known as (select seq, context_before from messages where conversation_id = ${conversationId}
            and seq >= ${first} and sender = 'assistant' order by seq limit 1),
          later as (update messages m set context_before = known.context_before from known
            where m.conversation_id = ${conversationId} and m.seq > known.seq and m.sender = 'assistant')
        update conversations c set slots = coalesce(known.context_before -> 'slots', '{}'),
          summary = coalesce(known.context_before ->> 'summary', '')
        from known where c.id = ${conversationId}`,
    );
    await settleTurn(tx, conversationId);
    await note(tx, { organizationId, conversationId, by, action, seqs });
    return { conversationId, seqs };
  });
}

/** Takes all messages out and forgets what was learned from them. */
async function reset(
  database: Database,
  organizationId: OrganizationId,
  by: EditBy,
): Promise<ContextChange | undefined> {
  return await database.transaction(async (tx) => {
    const conversationId = await lock(database, tx, organizationId, by.leadId);
    if (conversationId === undefined) return undefined;
    const seqs = await markRetracted(
      database,
      tx,
      conversationId,
      sql`select id from messages where conversation_id = c.id and not retracted`,
    );
    await tx.execute(
      sql`update conversations set slots = '{}', summary = '' where id = ${conversationId}
        and (slots <> '{}' or summary <> '')`,
    );
    await settleTurn(tx, conversationId);
    await note(tx, { organizationId, conversationId, by, action: 'conversation.reset', seqs });
    return { conversationId, seqs };
  });
}

/** The lock that texts and replies take as well: what is decided here is decided before or after them, not between. */
async function lock(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  leadId: LeadId,
): Promise<ConversationId | undefined> {
  const [row] = await database.query<{ id: ConversationId }>(
    sql`select id from conversations where organization_id = ${organizationId} and lead_id = ${leadId}
      for no key update`,
    tx,
  );
  return row?.id;
}

/** @returns their seqs, lowest first. */
async function markRetracted(
  database: Database,
  tx: Orm,
  conversationId: ConversationId,
  chosen: SQL,
): Promise<number[]> {
  const rows = await database.query<{ seq: number }>(
    sql`update messages set retracted = true where id in (
        select chosen.id from conversations c, lateral (${chosen}) chosen where c.id = ${conversationId})
      returning seq`,
    tx,
  );
  return rows.map(({ seq }) => seq).sort((a, b) => a - b);
}

/**
 * A turn under way loses its claim. A reply stays due when a text that is still in the context waits for it; a reply to
 * nothing is never written, and taking a message out does not by itself make the assistant speak.
 */
async function settleTurn(tx: Orm, conversationId: ConversationId): Promise<void> {
  const isWaiting = sql`exists (select 1 from messages m where m.conversation_id = c.id and not m.retracted
    and m.direction = 'inbound' and m.seq > c.last_outbound_seq)`;
  await tx.execute(
    sql`update conversations c set fence = fence + 1, lease_until = null, lease_holder = null, turn_attempts = 0,
        reply_due_at = case when ${isWaiting} then reply_due_at end,
        reply_waiting_since = case when ${isWaiting} then reply_waiting_since end
      where id = ${conversationId}`,
  );
}

interface Noted {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly by: EditBy;
  readonly action: string;
  readonly seqs: readonly number[];
}

/** The trail, and an event for whoever looks at the conversation now or later. */
async function note(tx: Orm, { organizationId, conversationId, by, action, seqs }: Noted): Promise<void> {
  await writeAudit(tx, {
    organizationId,
    actor: by.actor,
    action,
    subject: by.leadId,
    details: { messages: seqs.length, ...(seqs[0] === undefined ? {} : { firstSeq: seqs[0] }) },
  });
  await tx.execute(
    sql`insert into feed_events (organization_id, type, conversation_id)
      values (${organizationId}, 'conversation.changed', ${conversationId})`,
  );
}
