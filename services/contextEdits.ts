/**
 * Operations on the assistant's context of a conversation, between the state door and the record. `undefined` means that
 * the organization has no such lead.
 */
import type { ConversationId, LeadId, Message, OrganizationId, Sender } from './types.js';

/** Who changes what the assistant sees of which conversation. */
export interface EditBy {
  readonly leadId: LeadId;
  /** For the audit trail. */
  readonly actor: string;
}

export interface ContextChange {
  readonly conversationId: ConversationId;
  /** Of the messages that were taken out, lowest first. */
  readonly seqs: readonly number[];
}

/** Of the messages that the assistant may see; `retracted` and `archived` are those that it may not, or no longer. */
export interface MessageCounts {
  readonly all: number;
  readonly withMedia: number;
  readonly bySender: Readonly<Record<Sender, number>>;
  readonly retracted: number;
  readonly archived: number;
}

export interface AssistantMessage {
  readonly body: string;
  /** Now when absent. */
  readonly createdAt?: Date;
}

/** services/record/contextEdits.ts answers. */
export interface ContextEdits {
  /** Of what the assistant may see. */
  firstMessage(organizationId: OrganizationId, leadId: LeadId): Promise<Message | undefined>;
  lastMessage(organizationId: OrganizationId, leadId: LeadId): Promise<Message | undefined>;
  countMessages(organizationId: OrganizationId, leadId: LeadId): Promise<MessageCounts | undefined>;
  retractLast(organizationId: OrganizationId, by: EditBy, count: 1 | 2): Promise<ContextChange | undefined>;
  retractLastWithMedia(organizationId: OrganizationId, by: EditBy): Promise<ContextChange | undefined>;
  reset(organizationId: OrganizationId, by: EditBy): Promise<ContextChange | undefined>;
  appendAssistantMessages(
    organizationId: OrganizationId,
    by: EditBy,
    messages: readonly AssistantMessage[],
  ): Promise<readonly Message[] | undefined>;
}
