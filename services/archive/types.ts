import type { ConversationId, LeadId, Message, OrganizationId } from '../types.js';

/** A message with all that the hot tables knew of it. */
export interface ArchivedMessage extends Message {
  readonly encoding: 'GSM-7' | 'UCS-2';
  /** The carrier's ids. */
  readonly accountSid: string | null;
  readonly messageSid: string | null;
  /** How an outbound text was handed to the carrier; null for inbound ones. */
  readonly sent: {
    readonly account: string;
    readonly from: string;
    readonly to: string;
    readonly state: string;
    readonly attempts: number;
    readonly code: number | null;
    readonly reason: string | null;
  } | null;
}

/** A decision of the outbound door. */
export interface ArchivedDecision {
  /** Null when nothing became of the request. */
  readonly messageId: string | null;
  readonly origin: string;
  readonly stage: string;
  readonly allowed: boolean;
  readonly reason: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** What one row of the archive holds. */
export interface BlockContent {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  /** By `seq`, at least one. */
  readonly messages: readonly ArchivedMessage[];
  readonly decisions: readonly ArchivedDecision[];
}

/** A row of the archive as it is stored. */
export interface StoredBlock {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly messageCount: number;
  readonly digest: Uint8Array;
  readonly content: Uint8Array;
}

export interface NewBlock extends StoredBlock {
  /** ISO 8601. */
  readonly firstAt: string;
  readonly lastAt: string;
  readonly carrierKeys: readonly string[];
}

/** A conversation whose messages, or some of them, have just been moved. */
export interface Archived {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly leadId: LeadId;
  readonly messages: number;
  readonly blocks: number;
  /** Compressed. */
  readonly bytes: number;
  /** Whether messages are left that the next transaction moves. */
  readonly hasMore: boolean;
}
