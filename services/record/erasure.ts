/** Erases one person's lead, with everything that was said. What stays is what the law needs: opt-outs and consent, by hash. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { retryDeadlocks } from '../db/deadlocks.js';
import type { ConversationId, E164, LeadId, OrganizationId } from '../types.js';
import { writeAudit } from './audit.js';

export interface Erased {
  readonly phone: E164;
  /** Undefined for a lead that never had a conversation. */
  readonly conversationId: ConversationId | undefined;
}

/** @returns undefined when the organization has no such lead. */
export async function eraseLead(
  database: Database,
  at: { readonly organizationId: OrganizationId; readonly leadId: LeadId; readonly actor: string },
): Promise<Erased | undefined> {
  // What else goes on with the lead may lock in another order.
  return await retryDeadlocks(() => erase(database, at));
}

const erase = (
  database: Database,
  { organizationId, leadId, actor }: Parameters<typeof eraseLead>[1],
): Promise<Erased | undefined> =>
  database.transaction(async (tx) => {
    // The conversation first, as everybody locks it.
    const [conversation] = await database.query<{ id: ConversationId }>(
      sql`select id from conversations where organization_id = ${organizationId} and lead_id = ${leadId} for update`,
      tx,
    );
    const [lead] = await database.query<{ phone: E164 }>(
      sql`select phone from leads where organization_id = ${organizationId} and id = ${leadId} for update`,
      tx,
    );
    if (!lead) return undefined;
    const { phone } = lead;
    await tx.execute(
      sql`delete from simulated_texts where organization_id = ${organizationId}
        and (to_number = ${phone} or from_number = ${phone})`,
    );
    // A document with several people in it goes as well: their inquiries keep what was read from it.
    await tx.execute(
      sql`delete from lead_documents where organization_id = ${organizationId} and id in
        (select document_id from inquiries where organization_id = ${organizationId} and lead_id = ${leadId})`,
    );
    // Conversation, messages, archive, outbox, decisions, media and inquiries hang on it.
    await tx.execute(sql`delete from leads where organization_id = ${organizationId} and id = ${leadId}`);
    await writeAudit(tx, { organizationId, actor, action: 'lead.erase', subject: leadId });
    return { phone, conversationId: conversation?.id };
  });
