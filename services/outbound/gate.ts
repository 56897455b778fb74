/**
 * The rules of the outbound door as a pure function: facts of the locked conversation in, a decision with its
 * reason out. Checked in this order, the first refusal counts.
 */
import type { ErrorCode } from '../errors.js';
import type { Owner } from '../types.js';
import { isWithinCap, startedTextsPerDay } from './caps.js';
import { isTextingTime, nextTextingTime } from './quietHours.js';
import type { OutboundRequest, Registration, RuleRequest } from './types.js';
import { isTollFree, isUnitedStatesNumber, regionsOf, type Whereabouts } from './whereabouts.js';

export interface GateFacts {
  readonly optedOut: boolean;
  /** False: the carrier says that this phone gets no texts. */
  readonly isTextable: boolean;
  readonly owner: Owner;
  readonly lastSeq: number;
  readonly fence: number;
  /** Whether the claim is still open: a finished or released one is not. */
  readonly isLeased: boolean;
  /** Whether a text of the shopper waits for its answer. */
  readonly isReplyDue: boolean;
  readonly phone: string;
  /** Null: the organization has no number to send from. */
  readonly fromNumber: string | null;
  readonly registration: Registration | null;
  /** Whether texts leave through a real carrier, which refuses numbers that are not registered. */
  readonly isRealCarrier: boolean;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Of the text as it will be sent. */
  readonly segments: number;
  readonly limits: OrganizationLimits;
  /** What the organization has sent today; counted only while `limits.textsPerDay` is set. */
  readonly textsToday: number;
  /** Undefined for texts that may leave at any hour whatever the organization's settings. */
  readonly recipient: RecipientFacts | undefined;
}

/** Settings of the organization that the door keeps. */
export interface OrganizationLimits {
  readonly isSendingOff: boolean;
  /** Replies to a shopper's text wait for the morning too. */
  readonly holdsReplies: boolean;
  /** Below what the law allows; undefined: as much as that. */
  readonly startedPerPerson: number | undefined;
  readonly segmentsPerText: number | undefined;
  readonly textsPerDay: number | undefined;
}

export interface RecipientFacts {
  readonly whereabouts: Whereabouts;
  /** When texts that we started left, or are to leave: milliseconds since the epoch. */
  readonly startedAtMs: readonly number[];
  /** Null: never, or so long ago that the text is in the archive. */
  readonly lastInboundAtMs: number | null;
}

type AnyRequest = OutboundRequest | RuleRequest;

export type GateDecision = (
  | { readonly allowed: true; readonly reason: string; readonly scheduledForMs?: number }
  | {
      readonly allowed: false;
      readonly code: ErrorCode;
      readonly reason: string;
      /** When the same may be asked again. */
      readonly retryAtMs?: number;
    }
) & { readonly details?: Readonly<Record<string, unknown>> };

/** 1600 characters, which is all that the carrier takes (DOMAIN.md 6.2), when none of them is in GSM-7. */
export const MAX_SEGMENTS = 24;

/** How long after a shopper's text what staff write is an answer to it. */
const STAFF_ANSWER_MS = 12 * 60 * 60 * 1000;

export function decide(request: AnyRequest, facts: GateFacts): GateDecision {
  const hours = (): Hours => withinHours(request, facts);
  const refusal =
    personRefuses(request, facts) ??
    turnRefuses(request, facts) ??
    hours().refusal ??
    capRefuses(request, facts);
  const decided = refusal ?? carrierRefuses(facts) ?? houseRefuses(request, facts) ?? allow(request, hours());
  const details = detailsOf(request, facts, decided);
  return details ? { ...decided, details } : decided;
}

/** Opt-out, phone, and who speaks in the conversation. */
function personRefuses(request: AnyRequest, facts: GateFacts): GateDecision | undefined {
  if (facts.optedOut && !confirmsOptOut(request)) {
    return refuse('E_OPTED_OUT', 'opted_out');
  }
  if (!facts.isTextable) {
    return refuse('E_NOT_TEXTABLE', 'phone_not_textable');
  }
  if (facts.fromNumber === null) {
    return refuse('E_CONFLICT', 'no_sending_number');
  }
  const isBoundToOwner = request.origin === 'assistant' || isOutreach(request);
  if (isBoundToOwner && facts.owner !== 'assistant') {
    return refuse('E_NOT_OWNER', 'human_owns_conversation');
  }
  return undefined;
}

function turnRefuses(request: AnyRequest, facts: GateFacts): GateDecision | undefined {
  if (isOutreach(request) && (facts.isReplyDue || facts.isLeased)) {
    return refuse('E_SUPERSEDED', 'shopper_waits_for_reply');
  }
  if (request.origin === 'system' && request.seenSeq !== undefined && request.seenSeq !== facts.lastSeq) {
    return refuse('E_SUPERSEDED', 'newer_text');
  }
  if (request.origin !== 'assistant') return undefined;
  if (request.turn.fence !== facts.fence || !facts.isLeased) {
    return refuse('E_SUPERSEDED', 'claim_lost');
  }
  if (request.turn.seenSeq !== facts.lastSeq) {
    return refuse('E_SUPERSEDED', 'newer_text');
  }
  return undefined;
}

interface Hours {
  readonly refusal?: GateDecision;
  /** When a text that we start may leave, if that is not now. */
  readonly scheduledForMs?: number;
}

/** What we start waits for the recipient's hours; a reply leaves at once, unless the organization wants it otherwise. */
function withinHours(request: AnyRequest, { recipient, nowMs, limits }: GateFacts): Hours {
  if (!recipient) return {};
  const { places } = recipient.whereabouts;
  if (isTextingTime(places, nowMs)) return {};
  const nextMs = nextTextingTime(places, nowMs);
  const wait = nextMs === undefined ? {} : { retryAtMs: nextMs };
  if (isOutreach(request)) {
    if (nextMs === undefined) return { refusal: refuse('E_QUIET_HOURS', 'no_hour_suits_all_places') };
    return { scheduledForMs: nextMs };
  }
  if (request.origin === 'staff') {
    const { lastInboundAtMs } = recipient;
    const isAnswer = lastInboundAtMs !== null && nowMs - lastInboundAtMs < STAFF_ANSWER_MS;
    if (isAnswer || request.ignoresQuietHours) return {};
    return { refusal: { ...refuse('E_QUIET_HOURS', 'quiet_hours'), ...wait } };
  }
  // A reply that no hour suits is better late at night than never.
  if (request.origin !== 'assistant' || !limits.holdsReplies || nextMs === undefined) return {};
  return { refusal: { ...refuse('E_QUIET_HOURS', 'held_until_morning'), ...wait } };
}

function capRefuses(request: AnyRequest, facts: GateFacts): GateDecision | undefined {
  const { recipient, limits, nowMs } = facts;
  if (!recipient || !isOutreach(request)) return undefined;
  const most = startedTextsPerDay(regionsOf(recipient.whereabouts), limits.startedPerPerson);
  const atMs = withinHours(request, facts).scheduledForMs ?? nowMs;
  return isWithinCap(recipient.startedAtMs, atMs, most)
    ? undefined
    : refuse('E_FREQUENCY_CAP', 'texted_often_enough');
}

/**
 * Numbers of the United States need a registration to text there. Where an administrator has said nothing, a real
 * carrier would refuse them one by one; the simulated one does not.
 */
function carrierRefuses(facts: GateFacts): GateDecision | undefined {
  const { fromNumber, phone, registration, isRealCarrier } = facts;
  if (fromNumber === null || isTollFree(fromNumber) || !isUnitedStatesNumber(phone)) return undefined;
  const isMissing =
    registration === null
      ? isRealCarrier && isUnitedStatesNumber(fromNumber)
      : registration === 'unregistered' || registration === 'pending';
  return isMissing ? refuse('E_NOT_REGISTERED', `number_${registration ?? 'unregistered'}`) : undefined;
}

/** Length, budget and the organization's switch. */
function houseRefuses(request: AnyRequest, facts: GateFacts): GateDecision | undefined {
  const { limits, segments, textsToday } = facts;
  if (segments > (limits.segmentsPerText ?? MAX_SEGMENTS)) {
    return refuse('E_TEXT_TOO_LONG', 'too_many_segments');
  }
  const isBudgeted = request.origin === 'assistant' || request.origin === 'system';
  if (isBudgeted && limits.textsPerDay !== undefined && textsToday >= limits.textsPerDay) {
    return refuse('E_BUDGET_SPENT', 'texts_of_the_day_sent');
  }
  return limits.isSendingOff ? refuse('E_SENDING_OFF', 'sending_switched_off') : undefined;
}

function allow(request: AnyRequest, { scheduledForMs }: Hours): GateDecision {
  if (scheduledForMs !== undefined)
    return { allowed: true, reason: 'scheduled_after_quiet_hours', scheduledForMs };
  switch (request.origin) {
    case 'rule':
      return { allowed: true, reason: RULE_REASONS[request.answers] };
    case 'staff':
      return { allowed: true, reason: 'staff' };
    case 'system':
      return { allowed: true, reason: request.purpose };
    case 'assistant':
      return { allowed: true, reason: 'reply_to_own_text' };
  }
}

/** Kept with the decision: what it was made on. Answers to a shopper's text are decided on nothing that needs keeping. */
function detailsOf(
  request: AnyRequest,
  { recipient }: GateFacts,
  decision: GateDecision,
): Readonly<Record<string, unknown>> | undefined {
  const waitMs = decision.allowed ? decision.scheduledForMs : decision.retryAtMs;
  const isReply = request.origin === 'assistant' || request.origin === 'rule';
  if (!recipient || (isReply && waitMs === undefined)) return undefined;
  const { sources, places } = recipient.whereabouts;
  return {
    ...(request.origin === 'system' ? { purpose: request.purpose } : {}),
    ...(request.origin === 'staff' && request.ignoresQuietHours ? { ignoresQuietHours: true } : {}),
    placesFrom: sources,
    places: places.map(({ zone, region }) => (region === undefined ? zone : `${region} ${zone}`)),
    startedInLastDay: recipient.startedAtMs.length,
    ...(waitMs === undefined ? {} : { until: new Date(waitMs).toISOString() }),
  };
}

/** A text that we start to a shopper; those to the dealership's own staff are none. */
export const isOutreach = (request: AnyRequest): boolean =>
  request.origin === 'system' && request.purpose !== 'staff_alert';

/** Whether the hour at the recipient's may matter. */
export const needsRecipient = (request: AnyRequest, { holdsReplies }: OrganizationLimits): boolean =>
  isOutreach(request) || request.origin === 'staff' || (request.origin === 'assistant' && holdsReplies);

/** The only text that may leave for somebody who has opted out. */
export const confirmsOptOut = (request: AnyRequest): boolean =>
  request.origin === 'rule' && request.answers === 'opt_out';

const RULE_REASONS = {
  opt_out: 'opt_out_confirmation',
  opt_in: 'opt_in_confirmation',
  help: 'help_answer',
} as const;

const refuse = (code: ErrorCode, reason: string): GateDecision & { readonly allowed: false } => ({
  allowed: false,
  code,
  reason,
});
