import type { StaffAlert } from '../db/schema/alerts.js';
import type { ErrorCode } from '../errors.js';
import type { ConversationId, E164, Message, MessageId, OrganizationId, Rev, Slots } from '../types.js';

/** The carrier refuses longer ones with 21617 (https://www.twilio.com/docs/api/errors/21617). */
export const MAX_BODY_LENGTH = 1600;

/** What somebody wants to say. Every origin hands this to the one door; nothing else reaches a transport. */
export type OutboundRequest = {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  /** 1 to 1600 characters, before GSM-7 normalisation. */
  readonly body: string;
  /** Raised in the same transaction, if the text is allowed. */
  readonly alerts?: readonly RequestedAlert[];
} & (
  | { readonly origin: 'assistant'; readonly turn: TurnCommit }
  | {
      readonly origin: 'staff';
      readonly staffName: string;
      /** A person answers for texting in quiet hours. */
      readonly ignoresQuietHours?: boolean;
    }
  | {
      readonly origin: 'system';
      readonly purpose: OutreachPurpose;
      /** The last seq that the caller knew: with a newer one the text may be out of date, and is refused. */
      readonly seenSeq?: number;
      /** Of the message to be: the same id is not committed twice. */
      readonly messageId?: MessageId;
    }
);

/** A staff alert about the conversation of the request. */
export type RequestedAlert = Omit<StaffAlert, 'organizationId' | 'conversationId'>;

/**
 * Why we text first. Quiet hours, caps and the basis of consent count for these, not for an answer to a shopper's text, nor
 * for `staff_alert`, which goes to the dealership's own people at the hour when they are needed.
 */
export type OutreachPurpose = 'first_touch' | 'follow_up' | 'reminder' | 'staff_alert';

/** Whether a number may text the United States (A2P 10DLC), as an administrator says. */
export type Registration = 'unregistered' | 'pending' | 'approved' | 'not_needed';

/**
 * A fixed answer to what a shopper said about texts themselves. It is committed in the transaction that stores the
 * shopper's text, so `OutboundDoor.submit` does not take one.
 */
export interface RuleRequest {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly body: string;
  readonly origin: 'rule';
  /** `opt_out` is the one confirmation that may leave after the opt-out (DOMAIN.md 8.2). */
  readonly answers: 'opt_out' | 'opt_in' | 'help';
}

/** What a turn was claimed with, and what it learned. */
export interface TurnCommit {
  readonly fence: number;
  /** The last seq that the assistant saw: a newer one means that the reply is out of date. */
  readonly seenSeq: number;
  readonly slots: Slots;
  readonly summary: string;
  /** Present when the assistant hands over: the owner becomes `human` with this reply. */
  readonly handoff?: { readonly reason: string; readonly trigger?: string };
}

export type OutboundResult =
  | {
      readonly allowed: true;
      readonly message: Message;
      /** The conversation's rev after the commit: what a new snapshot is stored under. */
      readonly rev: Rev;
      /**
       * The base rev to which this text, and nothing else, was added; null when more was committed with it. Only a
       * snapshot of that base and this text make a snapshot of `rev`.
       */
      readonly follows: Rev | null;
      readonly phone: E164;
      /** ISO 8601: when the text leaves, if that is still right then; absent: now. */
      readonly scheduledFor?: string;
    }
  | {
      readonly allowed: false;
      readonly code: ErrorCode;
      readonly reason: string;
      /** ISO 8601: when the same may be asked again, where that is known. */
      readonly retryAt?: string;
    };
