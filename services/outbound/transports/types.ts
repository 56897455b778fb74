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
  /** Where the carrier reports the status; the message's id is added to its query as `message`. */
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

/** A number whose texts the carrier lists. */
export interface ListRequest {
  readonly organizationId: OrganizationId;
  /** As in `OutboundText`. */
  readonly account: string;
  readonly number: E164;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** One text of the carrier's list; `automatic` are those that nobody sent, such as the carrier's answer to STOP. */
export interface ListedText extends CarrierRecord {
  readonly accountSid: string;
  readonly direction: 'inbound' | 'outbound' | 'automatic';
  /** Milliseconds since the epoch, to the second. */
  readonly createdAtMs: number;
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
  /**
   * What the carrier says of one text that it took. Absent where a carrier reports everything by itself.
   * @returns undefined when it has no text of this id.
   * @throws JackError when the carrier cannot be asked.
   */
  read?(
    text: Pick<OutboundText, 'organizationId' | 'account'> & { readonly providerSid: string },
  ): Promise<CarrierRecord | undefined>;
  /** The number's texts, newest first, in pages. @throws JackError when the carrier cannot be asked for all of them. */
  list?(request: ListRequest): AsyncIterable<readonly ListedText[]>;
  start?(): Promise<void>;
  stop?(): Promise<void>;
}
