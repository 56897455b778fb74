/** What a person at the dealership must look at, and how far the news of it has come. */
import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import type { ConversationId } from '../../types.js';
import { createdAt, moment, organizationId } from './organizations.js';

export type AlertKind =
  /** The assistant, or a rule, wants a person in the conversation. */
  | 'handoff_requested'
  /** The assistant could not answer, and the shopper was told that a person will. */
  | 'assistant_failed'
  /** A keyword came as the answer to a question: no text reaches the shopper any more. */
  | 'keyword_collision'
  /** Somebody said in their own words that they want no texts. */
  | 'revoked_in_words'
  /** Somebody said that this is not their number. */
  | 'wrong_number'
  /** A text was not delivered; `details.code` has the carrier's code. */
  | 'delivery_failed'
  /** The phone cannot get texts. */
  | 'not_textable'
  /** The carrier refuses the organization's account, number or registration: nothing leaves until that is mended. */
  | 'sending_stopped'
  /** Two machines seem to talk to each other. */
  | 'loop_detected'
  /** Card, identity or licence numbers were sent and masked. */
  | 'identifiers_masked'
  /** A picture or file could not be taken in. */
  | 'media_refused';

export const staffAlerts = pgTable(
  'staff_alerts',
  {
    id: uuid('id').primaryKey(),
    organizationId: organizationId(),
    /** Null where it concerns the organization. Without a foreign key: the news outlives the conversation. */
    conversationId: uuid('conversation_id').$type<ConversationId>(),
    kind: text('kind').$type<AlertKind>().notNull(),
    /** For people; never what somebody wrote, a phone or a secret. */
    reason: text('reason').notNull(),
    details: jsonb('details').$type<Record<string, string | number | boolean>>().notNull().default({}),
    createdAt: createdAt(),
    /** When somebody said that it is seen to. */
    resolvedAt: moment('resolved_at'),
  },
  (t) => [
    index('staff_alerts_organization').on(t.organizationId, t.createdAt.desc(), t.id),
    index('staff_alerts_conversation').on(t.conversationId).where(sql`conversation_id is not null`),
  ],
);
