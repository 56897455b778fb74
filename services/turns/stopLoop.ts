/** Ends a talk between machines: a person owns the conversation from here on, is told so, and nothing is answered. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { raiseAlerts } from '../record/alerts.js';
import type { Claim } from './claims.js';
import type { LoopFinding } from './loopGuard.js';

const REASONS: Readonly<Record<LoopFinding, string>> = {
  automatic_replies: 'The other side sends automatic replies.',
  same_words: 'The other side says the same again and again.',
  nothing_new: 'The other side answers at once and says nothing new.',
  too_quick: 'The other side answers faster than people do.',
};

/** @returns false when the claim was lost meanwhile: whoever has it decides anew. */
export async function stopLoop(database: Database, claim: Claim, finding: LoopFinding): Promise<boolean> {
  const { organizationId, conversationId, fence } = claim;
  return await database.transaction(async (tx) => {
    const stopped = await database.query(
      sql`update conversations set owner = 'human', owner_name = null, owner_since = clock_timestamp(),
          owner_until = null, reply_due_at = null, reply_waiting_since = null, lease_until = null, turn_attempts = 0
        where id = ${conversationId} and organization_id = ${organizationId} and fence = ${fence}
          and lease_until is not null and owner = 'assistant'
        returning 1`,
      tx,
    );
    if (stopped.length === 0) return false;
    const alert = { organizationId, conversationId, kind: 'loop_detected', details: { finding } } as const;
    await raiseAlerts(tx, [{ ...alert, reason: REASONS[finding] }]);
    return true;
  });
}
