/** Media of a text: rows to be fetched in the background, and what the message shows of them meanwhile and after. */
import { randomUUID } from 'node:crypto';
import type { NewMedia } from '../record/media.js';
import type { InboundSms } from '../twilio/webhook.js';
import type { ConversationId, LeadId, Media, MessageId, OrganizationId } from '../types.js';

export interface TextPlace {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
}

export const planMedia = (text: InboundSms, place: TextPlace): NewMedia[] =>
  text.media.map(({ url, contentType }, position) => ({
    ...place,
    id: randomUUID(),
    position,
    accountSid: text.accountSid,
    sourceUrl: url,
    declaredType: contentType,
  }));

/** The carrier's URL is in the row of the media alone: nobody who reads messages has a use for it. */
export const shownMedia = (leadId: LeadId, media: readonly NewMedia[]): Media[] =>
  media.map(({ id, declaredType }) => ({
    id,
    url: `/api/conversations/${leadId}/media/${id}`,
    contentType: declaredType,
  }));
