/** What carries a text to the shopper's handset. Two exist: Twilio, and the simulated carrier. */
import type { E164, MessageId, MessageStatus, OrganizationId } from '../../types.js';

export interface OutboundText {
  readonly id: MessageId;
  readonly organizationId: OrganizationId;
  /** `default` for the deployment's own account, else the SID of the organization's. */
  readonly account: string;
  readonly from: E164;
  readonly to: E164;
  /** Already normalised and 1600 characters at most; empty only with media. */
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly createdAt: Date;
  /** Where the carrier reports the status; the message's id is added to its query as `messageId`. */
  readonly statusCallbackUrl?: string;
}

export type SendResult =
  | {
      readonly outcome: 'accepted';
      readonly providerSid: string;
      readonly status: MessageStatus;
      /** The carrier's own count; null when it does not know yet. */
      readonly segments: number | null;
    }
  | {
      /** Certainly not sent. */
      readonly outcome: 'refused';
      /** The carrier's error code; null when the carrier was not reached or gave none. */
      readonly code: number | null;
      readonly reason: string;
      /** The same text may be tried again. */
      readonly retryable: boolean;
      readonly retryAfterMs?: number;
    }
  | {
      /** Sent or not: ask `find` before sending again. */
      readonly outcome: 'unknown';
      readonly reason: string;
    };

export interface CarrierRecord {
  readonly providerSid: string;
  readonly status: MessageStatus;
  readonly errorCode: number | null;
}

export interface FindOptions {
  /** Carrier ids that belong to other messages: the same words may have been sent twice on purpose. */
  readonly exclude?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

export interface Transport {
  readonly name: 'twilio' | 'simulated';
  /** Never throws for what happens on the way: that is what the three outcomes are for. */
  send(text: OutboundText, signal?: AbortSignal): Promise<SendResult>;
  /**
   * Looks the text up at the carrier.
   * @returns undefined when the carrier does not have it. A carrier's list may lag some seconds behind a send that
   *   just broke off, so a caller waits before it trusts that.
   * @throws JackError when the carrier cannot be asked, or its answer does not settle the question.
   */
  find(text: OutboundText, options?: FindOptions): Promise<CarrierRecord | undefined>;
  start?(): Promise<void>;
  stop?(): Promise<void>;
}
