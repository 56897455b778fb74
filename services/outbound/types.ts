import type { ErrorCode } from '../errors.js';
import type { ConversationId, E164, Message, OrganizationId, Rev, Slots } from '../types.js';

/** What somebody wants to say. Every origin hands this to the one door; nothing else reaches a transport. */
export type OutboundRequest = {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  /** 1 to 1600 characters, before GSM-7 normalisation. */
  readonly body: string;
} & (
  | { readonly origin: 'assistant'; readonly turn: TurnCommit }
  | { readonly origin: 'staff'; readonly staffName: string }
  | { readonly origin: 'system'; readonly purpose: OutreachPurpose }
);

/** Why we text first. Quiet hours, caps and the basis of consent count for these, not for an answer to a shopper's text. */
export type OutreachPurpose = 'first_touch' | 'follow_up' | 'reminder' | 'staff_alert';

/** What a turn was claimed with, and what it learned. */
export interface TurnCommit {
  readonly fence: number;
  /** The last seq that the assistant saw: a newer one means that the reply is out of date. */
  readonly seenSeq: number;
  readonly slots: Slots;
  readonly summary: string;
  /** Present when the assistant hands over: the owner becomes `human` with this reply. */
  readonly handoff?: { readonly reason: string };
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
    }
  | { readonly allowed: false; readonly code: ErrorCode; readonly reason: string };
