/** What becomes of each request of a batch: the text that it would be, the decision on it, and what that leaves. */
import { signFirstText } from '../assistant/introduction.js';
import type { Database, Orm } from '../db/client.js';
import { normaliseToGsm7 } from '../sms/gsm7.js';
import { countSegments } from '../sms/segments.js';
import {
  type ConversationId,
  type Message,
  type MessageId,
  newMessageId,
  type OrganizationId,
} from '../types.js';
import { lockDays, readRecipients, toLimits } from './facts.js';
import {
  decide,
  type GateDecision,
  type GateFacts,
  isOutreach,
  needsRecipient,
  type RecipientFacts,
} from './gate.js';
import type { Head } from './heads.js';
import { MAX_BODY_LENGTH, type OutboundRequest, type RuleRequest } from './types.js';

export type AnyRequest = OutboundRequest | RuleRequest;

/** What the record alone does not say. */
export interface DoorConditions {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether texts leave through a real carrier. */
  readonly isRealCarrier: boolean;
}

/** What only some decisions need, as it changes while the batch is planned. */
export interface Situation extends DoorConditions {
  readonly recipients: Map<ConversationId, RecipientFacts>;
  /** Texts of today, of organizations with a limit. */
  readonly days: Map<OrganizationId, number>;
}

export async function readSituation(
  database: Database,
  tx: Orm,
  requests: readonly AnyRequest[],
  heads: ReadonlyMap<ConversationId, Head>,
  nowMs: number,
): Promise<Omit<Situation, keyof DoorConditions>> {
  const asked = requests.flatMap((request) => {
    const head = heads.get(request.conversationId);
    return head ? [{ request, head, limits: toLimits(head.settings) }] : [];
  });
  const near = asked.filter(({ request, limits }) => needsRecipient(request, limits));
  const limited = asked.filter(({ limits }) => limits.textsPerDay !== undefined);
  return {
    recipients: await readRecipients(database, tx, [...new Set(near.map(({ head }) => head.id))], { nowMs }),
    days: await lockDays(database, tx, [...new Set(limited.map(({ head }) => head.organizationId))]),
  };
}

export interface Allowed {
  readonly head: Head;
  readonly message: Omit<Message, 'createdAt'>;
  readonly encoding: 'GSM-7' | 'UCS-2';
  /** Milliseconds since the epoch; absent: it leaves at once. */
  readonly scheduledForMs?: number;
}

/** One request with what was decided; without a head where the organization has no such conversation. */
export interface Entry {
  readonly request: AnyRequest;
  readonly head: Head | undefined;
  readonly decision: GateDecision | undefined;
  readonly messageId: MessageId | undefined;
  readonly allowed: Allowed | undefined;
}

export function planRequest(
  request: AnyRequest,
  heads: Map<ConversationId, Head>,
  situation: Situation,
): Entry {
  const head = heads.get(request.conversationId);
  if (!head || head.organizationId !== request.organizationId) {
    return { request, head: undefined, decision: undefined, messageId: undefined, allowed: undefined };
  }
  const text = composeText(request, head);
  const decision = decide(request, factsOf(text, situation));
  if (!decision.allowed) return { request, head, decision, messageId: undefined, allowed: undefined };
  const allowed = decision.scheduledForMs === undefined ? text : scheduled(text, decision.scheduledForMs);
  remember(request, allowed, situation);
  // The next request for the same conversation in this batch meets the state that this one leaves.
  const handsOver = request.origin === 'assistant' && request.turn.handoff !== undefined;
  heads.set(head.id, {
    ...head,
    lastSeq: allowed.message.seq,
    lastOutboundSeq: allowed.message.seq,
    baseRev: null,
    owner: handsOver ? 'human' : head.owner,
    isLeased: request.origin === 'assistant' ? false : head.isLeased,
    isReplyDue: keepsDue(request) && head.isReplyDue,
  });
  return { request, head, decision, messageId: allowed.message.id, allowed };
}

function factsOf({ head, message }: Allowed, situation: Situation): GateFacts {
  return {
    ...head,
    isRealCarrier: situation.isRealCarrier,
    nowMs: situation.nowMs,
    segments: message.segments,
    limits: toLimits(head.settings),
    textsToday: situation.days.get(head.organizationId) ?? 0,
    recipient: situation.recipients.get(head.id),
  };
}

/** Not part of the assistant's context before it has left: until then the shopper has not been told. */
const scheduled = (text: Allowed, scheduledForMs: number): Allowed => ({
  ...text,
  message: { ...text.message, retracted: true },
  scheduledForMs,
});

/** The next request of the batch is decided on what this one adds. */
function remember(request: AnyRequest, { head, scheduledForMs }: Allowed, situation: Situation): void {
  const { recipients, days, nowMs } = situation;
  const recipient = recipients.get(head.id);
  if (recipient && isOutreach(request)) {
    const startedAtMs = [...recipient.startedAtMs, scheduledForMs ?? nowMs];
    recipients.set(head.id, { ...recipient, startedAtMs });
  }
  const texts = days.get(head.organizationId);
  if (texts !== undefined) days.set(head.organizationId, texts + 1);
}

/** A fixed answer is none to what else the shopper asked, and neither is a text that we start. */
export const keepsDue = ({ origin }: AnyRequest): boolean => origin === 'rule' || origin === 'system';

function composeText(request: AnyRequest, head: Head): Allowed {
  const body = normaliseToGsm7(wordsOf(request, head));
  const { encoding, segments } = countSegments(body);
  const message: Allowed['message'] = {
    seq: head.lastSeq + 1,
    id: (request.origin === 'system' ? request.messageId : undefined) ?? newMessageId(),
    direction: 'outbound',
    sender: senderOf(request),
    body,
    media: [],
    segments,
    status: 'queued',
    errorCode: null,
    retracted: false,
  };
  return { head, message, encoding };
}

/** The assistant introduces itself; what a person says first is signed for them. */
function wordsOf(request: AnyRequest, { dealership, lastOutboundSeq }: Head): string {
  const body = request.body.trim();
  return request.origin === 'staff' && lastOutboundSeq === 0
    ? signFirstText(body, dealership, MAX_BODY_LENGTH)
    : body;
}

/** A rule speaks for the system. */
export const senderOf = ({ origin }: AnyRequest): OutboundRequest['origin'] =>
  origin === 'rule' ? 'system' : origin;

/** How many texts the plan adds to the day, for organizations that count them. */
export function sentToday(plan: readonly Entry[], { days }: Situation): ReadonlyMap<OrganizationId, number> {
  const sent = new Map<OrganizationId, number>();
  for (const { allowed } of plan) {
    if (!allowed || !days.has(allowed.head.organizationId)) continue;
    sent.set(allowed.head.organizationId, (sent.get(allowed.head.organizationId) ?? 0) + 1);
  }
  return sent;
}
