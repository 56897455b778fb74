/** What a final refusal teaches. 21610 says that the carrier has an opt-out which we did not see: it becomes ours. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { optOut } from '../record/consent.js';
import type { Secrets } from '../secrets.js';
import type { LeadId } from '../types.js';
import type { OutboxClaim, OutboxOutcome } from './outboxRows.js';

/** https://www.twilio.com/docs/api/errors/21610: the recipient has opted out of this sender. */
const RECIPIENT_OPTED_OUT = 21610;

export interface RefusalDeps {
  readonly database: Database;
  readonly secrets: Secrets;
}

export async function learnFromRefusal(
  deps: RefusalDeps,
  claim: OutboxClaim,
  outcome: OutboxOutcome,
): Promise<void> {
  if (outcome.code !== RECIPIENT_OPTED_OUT) return;
  const { conversationId } = claim;
  const { organizationId, to } = claim.text;
  await deps.database.transaction(async (tx) => {
    const [row] = await deps.database.query<{ leadId: LeadId }>(
      sql`select lead_id as "leadId" from conversations
        where id = ${conversationId} and organization_id = ${organizationId} and not opted_out for no key update`,
      tx,
    );
    if (!row) return;
    await optOut(tx, {
      organizationId,
      conversationId,
      leadId: row.leadId,
      phoneHash: deps.secrets.hashPhone(organizationId, to),
      kind: 'opt_out',
      method: 'carrier',
      words: `refused by the carrier: ${RECIPIENT_OPTED_OUT}`,
      messageSid: null,
    });
  });
}
