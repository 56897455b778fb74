/** Texts that waited in quarantine until an administrator said whose they are. */
import type { StaffAlert } from '../record/alerts.js';
import type { InboundSms } from '../twilio/webhook.js';
import type { ConversationId, OrganizationId } from '../types.js';
import type { ConversationFacts, InboundMeaning } from './decide.js';

/**
 * A late text takes nothing back that was said since: a START that waited does not lift an opt-out that stands. And past
 * its bound it is not answered by the assistant, who would talk of a moment that is over.
 */
export function asAssigned<Meaning extends InboundMeaning>(
  meaning: Meaning,
  { assigned }: InboundSms,
  facts: ConversationFacts,
): Meaning {
  if (!assigned) return meaning;
  const isOverruled = facts.optedOut && !meaning.optedOut;
  return {
    ...meaning,
    optedOut: meaning.optedOut || facts.optedOut,
    keyword: isOverruled ? undefined : meaning.keyword,
    // A confirmation comes at once or not at all.
    answer: isOverruled || !assigned.isAnswered ? undefined : meaning.answer,
    reply: meaning.reply === 'due' && (isOverruled || !assigned.isAnswered) ? 'keep' : meaning.reply,
  };
}

/** Nobody is ignored: what the assistant does not answer, a person is told of. */
export function alertOf(
  { assigned }: InboundSms,
  at: { readonly organizationId: OrganizationId; readonly conversationId: ConversationId },
  meaning: InboundMeaning,
): StaffAlert[] {
  if (!assigned || assigned.isAnswered || meaning.keyword !== undefined || meaning.optedOut) return [];
  return [
    {
      ...at,
      kind: 'handoff_requested',
      reason: 'A text reached this dealership late and has no answer.',
      details: { receivedAt: assigned.receivedAt.toISOString() },
    },
  ];
}
