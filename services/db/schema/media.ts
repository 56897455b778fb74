/** Pictures and files that shoppers sent: where each is to be had, what became of it, and what is still to be erased. */
import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { ConversationId, MessageId } from '../../types.js';
import { createdAt, moment, organizationId } from './organizations.js';

export type MediaState = 'pending' | 'stored' | 'refused';

/** @param conversation the column that it belongs to: handed in, so that the schema's files need no cycle. */
export const mediaTable = (conversation: () => AnyPgColumn) =>
  pgTable(
    'media',
    {
      id: uuid('id').primaryKey(),
      organizationId: organizationId(),
      conversationId: uuid('conversation_id')
        .$type<ConversationId>()
        .notNull()
        .references(conversation, { onDelete: 'cascade' }),
      /** Without a foreign key: messages move into the archive, their media stay. */
      messageId: uuid('message_id').$type<MessageId>().notNull(),
      /** Which of the message's media, from 0. */
      position: integer('position').notNull(),
      accountSid: text('account_sid').notNull(),
      /** At the carrier; empty once nothing is fetched any more. */
      sourceUrl: text('source_url').notNull(),
      /** As the carrier announced it. */
      declaredType: text('declared_type').notNull(),
      state: text('state').$type<MediaState>().notNull().default('pending'),
      /** Why it was refused, or why the last attempt failed. */
      reason: text('reason'),
      /** What the bytes are. */
      contentType: text('content_type'),
      bytes: integer('bytes'),
      /** SHA-256 of the bytes, hex: their name in the store. Known a moment before they are there. */
      digest: text('digest'),
      attempts: integer('attempts').notNull().default(0),
      dueAt: moment('due_at').notNull().default(sql`clock_timestamp()`),
      fence: bigint('fence', { mode: 'number' }).notNull().default(0),
      leaseUntil: moment('lease_until'),
      createdAt: createdAt(),
    },
    (t) => [
      unique('media_of_message').on(t.messageId, t.position),
      index('media_due').on(t.dueAt).where(sql`state = 'pending'`),
      index('media_conversation').on(t.conversationId),
      index('media_content').on(t.organizationId, t.digest).where(sql`digest is not null`),
    ],
  );

/** Bytes that nobody may need any more. Without foreign keys: it is what is left to do when their owner is gone. */
export const mediaErasures = pgTable(
  'media_erasures',
  {
    organizationId: text('organization_id').notNull(),
    digest: text('digest').notNull(),
    /** Raised each time the bytes were deleted: a second time catches what was being stored during the first. */
    passes: integer('passes').notNull().default(0),
    dueAt: moment('due_at').notNull().default(sql`clock_timestamp()`),
    leaseUntil: moment('lease_until'),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.digest] }), index('media_erasures_due').on(t.dueAt)],
);
