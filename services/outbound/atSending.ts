/**
 * The second decision on a text that we start, at the moment of sending: hours may have passed since it was committed, and
 * what was right then may not be any more. The same for a second attempt, which must not wake anybody, and for whatever is
 * about to leave while the organization has switched sending off. An ordinary reply is not decided on again: it is seconds
 * old, and what stops it cancels its row.
 */
import { sql } from 'drizzle-orm';
import type { Clock } from '../clock.js';
import type { Database, Orm } from '../db/client.js';
import type { ConversationId, MessageId, OrganizationId } from '../types.js';
import { readRecipients, toLimits } from './facts.js';
import { decide, type GateDecision, isOutreach } from './gate.js';
import { type Head, lockHeads } from './heads.js';
import { nextTextingTime } from './quietHours.js';
import type { OutreachPurpose } from './types.js';

export interface AtSendingDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Whether texts leave through a real carrier, which refuses numbers that are not registered. */
  readonly isRealCarrier?: boolean;
}

/** Of a claimed outbox row, what is needed to decide on it. */
export interface SendingClaim {
  readonly text: {
    readonly id: MessageId;
    readonly organizationId: OrganizationId;
    readonly createdAt: Date;
  };
  readonly conversationId: ConversationId;
  readonly fence: number;
  readonly seq: number;
  readonly purpose: OutreachPurpose | null;
  /** The carrier took it before and did not deliver it. */
  readonly isSecondAttempt: boolean;
  /** As of the claim. */
  readonly isSendingOff: boolean;
}

/** A text that could not leave for so long no longer says what was meant. */
const STALE_AFTER_MS = 48 * 60 * 60 * 1000;

/** @returns false when the text must not leave: its row is then canceled, or waits for the next allowed hour. */
export async function mayLeave(deps: AtSendingDeps, claim: SendingClaim): Promise<boolean> {
  if (claim.purpose === null && !claim.isSendingOff && !claim.isSecondAttempt) return true;
  return await deps.database.transaction(async (tx) => {
    const head = (await lockHeads(deps.database, tx, [claim.conversationId])).get(claim.conversationId);
    if (!head) return false;
    const decision = await decideAgain(deps, tx, claim, head);
    return await carryOut(deps.database, tx, claim, decision);
  });
}

async function decideAgain(
  deps: AtSendingDeps,
  tx: Orm,
  claim: SendingClaim,
  head: Head,
): Promise<GateDecision> {
  const { purpose, seq, text, conversationId } = claim;
  const nowMs = deps.clock.now();
  const limits = toLimits(head.settings);
  if (purpose === null) {
    if (limits.isSendingOff) return cancel('sending_switched_off');
    return claim.isSecondAttempt
      ? await decideOnAttempt(deps, tx, conversationId, nowMs)
      : { allowed: true, reason: 'reply' };
  }
  const request = {
    organizationId: text.organizationId,
    conversationId,
    origin: 'system',
    purpose,
    body: '',
  } as const;
  if (isOutreach(request)) {
    if (head.lastInboundSeq > seq) return cancel('newer_text');
    if (nowMs - text.createdAt.getTime() > STALE_AFTER_MS) return cancel('too_late');
  }
  const recipients = await readRecipients(deps.database, tx, [conversationId], { nowMs, except: text.id });
  return decide(request, {
    ...head,
    isRealCarrier: deps.isRealCarrier ?? false,
    nowMs,
    // Length and budget were settled when the text was committed.
    segments: 1,
    limits: { ...limits, textsPerDay: undefined },
    textsToday: 0,
    recipient: recipients.get(conversationId),
  });
}

/** Minutes or hours after the shopper's text it is no answer any more that somebody waits up for. */
async function decideOnAttempt(
  deps: AtSendingDeps,
  tx: Orm,
  conversationId: ConversationId,
  nowMs: number,
): Promise<GateDecision> {
  const recipients = await readRecipients(deps.database, tx, [conversationId], { nowMs });
  const atMs = nextTextingTime(recipients.get(conversationId)?.whereabouts.places ?? [], nowMs) ?? nowMs;
  return atMs > nowMs
    ? { allowed: true, reason: 'scheduled_after_quiet_hours', scheduledForMs: atMs }
    : { allowed: true, reason: 'second_attempt' };
}

const cancel = (reason: string): GateDecision => ({ allowed: false, code: 'E_SUPERSEDED', reason });

/** @returns whether the text may leave; false too when the claim was lost meanwhile. */
async function carryOut(
  database: Database,
  tx: Orm,
  claim: SendingClaim,
  decision: GateDecision,
): Promise<boolean> {
  const until = decision.allowed ? decision.scheduledForMs : undefined;
  const maySend = decision.allowed && until === undefined;
  const reason = decision.reason;
  const mine = sql`message_id = ${claim.text.id} and fence = ${claim.fence} and state = 'sending'`;
  const row = maySend
    ? sql`select message_id from outbox where ${mine} for no key update`
    : until === undefined
      ? sql`update outbox set state = 'canceled', last_reason = ${reason}, lease_until = null, fence = fence + 1
          where ${mine} returning message_id`
      : sql`update outbox set state = 'queued', last_reason = ${reason}, lease_until = null, fence = fence + 1,
            attempts = attempts - 1, due_at = ${new Date(until).toISOString()}::timestamptz,
            scheduled_for = ${new Date(until).toISOString()}::timestamptz
          where ${mine} returning message_id`;
  const rows = await database.query<{ id: MessageId }>(
    sql`with mine as (${row}), decided as (
        insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason, details)
        select m.organization_id, m.conversation_id, m.id, m.sender, 'send', ${maySend}, ${reason}::text,
          ${JSON.stringify(decision.details ?? null)}::jsonb
        from mine join messages m on m.id = mine.message_id
      ), told as (
        update messages m set status = case when ${!maySend && until === undefined} then 'canceled' else m.status end,
          retracted = case when ${maySend && claim.purpose !== null} then false else m.retracted end
        from mine where m.id = mine.message_id
      )
      select message_id as id from mine`,
    tx,
  );
  return maySend && rows.length > 0;
}
