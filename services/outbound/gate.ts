/**
 * The rules of the outbound door as a pure function: facts of the locked conversation in, a decision with its
 * reason out. Checked in this order, the first refusal counts.
 */
import type { ErrorCode } from '../errors.js';
import type { Owner } from '../types.js';
import type { OutboundRequest } from './types.js';

export interface GateFacts {
  readonly optedOut: boolean;
  readonly owner: Owner;
  readonly lastSeq: number;
  readonly fence: number;
  /** Whether the claim is still open: a finished or released one is not. */
  readonly isLeased: boolean;
  /** Whether the organization has a number to send from. */
  readonly hasSender: boolean;
}

export type GateDecision =
  | { readonly allowed: true; readonly reason: string }
  | { readonly allowed: false; readonly code: ErrorCode; readonly reason: string };

export function decide(request: OutboundRequest, facts: GateFacts): GateDecision {
  if (facts.optedOut) {
    return refuse('E_OPTED_OUT', 'opted_out');
  }
  if (!facts.hasSender) {
    return refuse('E_CONFLICT', 'no_sending_number');
  }
  if (request.origin === 'staff') {
    return { allowed: true, reason: 'staff' };
  }
  if (facts.owner !== 'assistant') {
    return refuse('E_NOT_OWNER', 'human_owns_conversation');
  }
  if (request.origin === 'system') {
    return { allowed: true, reason: request.purpose };
  }
  if (request.turn.fence !== facts.fence || !facts.isLeased) {
    return refuse('E_SUPERSEDED', 'claim_lost');
  }
  if (request.turn.seenSeq !== facts.lastSeq) {
    return refuse('E_SUPERSEDED', 'newer_text');
  }
  return { allowed: true, reason: 'reply_to_own_text' };
}

const refuse = (code: ErrorCode, reason: string): GateDecision => ({ allowed: false, code, reason });
