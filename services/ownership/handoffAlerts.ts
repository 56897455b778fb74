/** A reply that hands over to a person tells staff so, in the same transaction. */
import type { StaffAlert } from '../record/alerts.js';

type Alert = Omit<StaffAlert, 'organizationId' | 'conversationId'>;

/** Alerts that ask for a person already, so that one hand-over is not told twice. */
const ASKS_FOR_PERSON: ReadonlySet<StaffAlert['kind']> = new Set([
  'handoff_requested',
  'assistant_failed',
  'loop_detected',
]);
/** Staff read it in a list; an engine may be wordy. */
const MAX_REASON = 200;

/** @param requested what the request brings itself. */
export function withHandoffAlert(
  requested: readonly Alert[],
  handoff: { readonly reason: string; readonly trigger?: string } | undefined,
): readonly Alert[] {
  if (!handoff || requested.some(({ kind }) => ASKS_FOR_PERSON.has(kind))) return requested;
  const { trigger } = handoff;
  const alert: Alert = {
    kind: 'handoff_requested',
    reason: handoff.reason.slice(0, MAX_REASON),
    ...(trigger === undefined ? {} : { details: { trigger } }),
  };
  return [...requested, alert];
}
