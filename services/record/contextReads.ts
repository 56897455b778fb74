/** The messages of a conversation that the assistant may see: first, last, how many. Those in the archive are not among them. */
import { sql } from 'drizzle-orm';
import type { MessageCounts } from '../contextEdits.js';
import type { Database } from '../db/client.js';
import type { LeadId, Message, OrganizationId } from '../types.js';
import { type MessageRow, messageJson, toMessage } from './messageRow.js';

/** @returns undefined when there is none, or the organization has no such lead. */
export async function readContextMessage(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
  which: 'first' | 'last',
): Promise<Message | undefined> {
  const [row] = await database.query<{ message: MessageRow }>(
    sql`select ${messageJson} as message from conversations c
      join lateral (select * from messages where conversation_id = c.id and not retracted
        order by seq ${which === 'first' ? sql`asc` : sql`desc`} limit 1) m on true
      where c.organization_id = ${organizationId} and c.lead_id = ${leadId}`,
  );
  return row && toMessage(row.message);
}

/** @returns undefined when the organization has no such lead. */
export async function countMessages(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
): Promise<MessageCounts | undefined> {
  const [row] = await database.query<MessageCounts>(
    sql`select n.total as all, n.with_media as "withMedia", n.retracted, c.archived_seq as archived,
        jsonb_build_object('lead', n.lead, 'assistant', n.assistant, 'staff', n.staff, 'system', n.system) as "bySender"
      from conversations c, lateral (select
          count(*) filter (where not retracted)::int as total,
          count(*) filter (where not retracted and media <> '[]')::int as with_media,
          count(*) filter (where retracted)::int as retracted,
          count(*) filter (where not retracted and sender = 'lead')::int as lead,
          count(*) filter (where not retracted and sender = 'assistant')::int as assistant,
          count(*) filter (where not retracted and sender = 'staff')::int as staff,
          count(*) filter (where not retracted and sender = 'system')::int as system
        from messages where conversation_id = c.id) n
      where c.organization_id = ${organizationId} and c.lead_id = ${leadId}`,
  );
  return row;
}
