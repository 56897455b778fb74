import type { ConversationSnapshot } from '../types.js';
import type { Claim } from './claims.js';

/** How many messages an assistant sees, and a snapshot keeps. */
export const SNAPSHOT_MESSAGES = 50;

/**
 * The conversation exactly as the record had it at the claim: a snapshot of the claim's base rev and the messages
 * since. Undefined when the two do not fit together: then the claim is given back and taken again.
 */
export function atClaim(snapshot: ConversationSnapshot, claim: Claim): ConversationSnapshot | undefined {
  if (snapshot.rev !== claim.baseRev || snapshot.conversationId !== claim.conversationId) return undefined;
  if (snapshot.organizationId !== claim.organizationId) return undefined;
  // A snapshot read from the record a moment after the claim may hold a text that came in between.
  const known = snapshot.messages.filter((message) => message.seq <= claim.lastSeq);
  const lastKnown = Math.min(snapshot.lastSeq, claim.lastSeq);
  const added = claim.since.filter((message) => message.seq > lastKnown);
  if (lastKnown + added.length !== claim.lastSeq) return undefined;
  return { ...snapshot, lastSeq: claim.lastSeq, messages: [...known, ...added].slice(-SNAPSHOT_MESSAGES) };
}
