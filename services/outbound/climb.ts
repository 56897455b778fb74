/**
 * What a report of the carrier makes of a text. Reports come in any order, more than once, and before our own commit of
 * the carrier's id, so a status only moves up (DOMAIN.md 4.2).
 */
import type { OutboxState } from '../db/schema.js';
import type { SentText } from '../record/deliveryEvents.js';
import type { MessageStatus } from '../types.js';

export const RANKS: Readonly<Record<MessageStatus, number>> = {
  received: 0,
  queued: 1,
  sending: 2,
  sent: 3,
  delivered: 4,
  undelivered: 4,
  failed: 4,
  canceled: 4,
  read: 5,
};

export interface Step {
  /** The carrier's id of the attempt that it is about; null where the carrier has none. */
  readonly messageSid: string | null;
  readonly accountSid: string | null;
  /** Undefined for a word that the carrier added later. */
  readonly status: MessageStatus | undefined;
  readonly errorCode: number | null;
}

const ON_ITS_WAY: ReadonlySet<OutboxState> = new Set(['queued', 'sending', 'unknown']);

/** @returns the same object when the report says nothing new. */
export function climb(text: SentText, step: Step): SentText {
  if (isOfAnotherAttempt(text, step)) return text;
  const known = learnSid(text, step);
  if (step.status === undefined) return known;
  const isUp = RANKS[step.status] > RANKS[known.status];
  const tellsCode = (isUp || step.status === known.status) && step.errorCode !== null;
  if (!isUp && !(tellsCode && step.errorCode !== known.errorCode)) return known;
  return {
    ...known,
    status: isUp ? step.status : known.status,
    errorCode: tellsCode ? step.errorCode : known.errorCode,
  };
}

/** A text that went out once more has the id of the new attempt; what is told of the old one comes too late. */
const isOfAnotherAttempt = (text: SentText, { messageSid }: Step): boolean =>
  messageSid !== null &&
  (messageSid === text.failedSid || (text.messageSid !== null && messageSid !== text.messageSid));

/**
 * The carrier's id proves that the carrier took the text, so it is not sent or looked up any more. A second attempt begins
 * its climb here; what became of the first is in `delivery_events`.
 */
function learnSid(text: SentText, { messageSid, accountSid }: Step): SentText {
  if (messageSid === null || text.messageSid !== null) return text;
  const isNewAttempt = text.resends > 0 && ON_ITS_WAY.has(text.outboxState);
  return {
    ...text,
    messageSid,
    accountSid,
    outboxState: ON_ITS_WAY.has(text.outboxState) ? 'accepted' : text.outboxState,
    status: isNewAttempt ? 'queued' : text.status,
  };
}

const FAILED: ReadonlySet<MessageStatus> = new Set(['undelivered', 'failed']);

/** Whether it failed now, or why became known now. */
export const hasFailed = (before: SentText, after: SentText): boolean =>
  FAILED.has(after.status) && (before.status !== after.status || before.errorCode !== after.errorCode);
