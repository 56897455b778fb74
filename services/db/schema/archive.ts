/**
 * Messages of conversations that have gone quiet, some hundreds in one compressed row (services/archive/block.ts). The
 * conversation itself, its lead and its consent stay in the hot tables.
 */
import { sql } from 'drizzle-orm';
import { type AnyPgColumn, customType, index, integer, pgTable, primaryKey, uuid } from 'drizzle-orm/pg-core';
import type { ConversationId } from '../../types.js';
import { moment, organizationId } from './organizations.js';

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** @param conversation the column that a block belongs to: handed in, so that the schema's files need no cycle. */
export const archivedMessagesTable = (conversation: () => AnyPgColumn) =>
  pgTable(
    'archived_messages',
    {
      conversationId: uuid('conversation_id')
        .$type<ConversationId>()
        .notNull()
        .references(conversation, { onDelete: 'cascade' }),
      firstSeq: integer('first_seq').notNull(),
      lastSeq: integer('last_seq').notNull(),
      organizationId: organizationId(),
      messageCount: integer('message_count').notNull(),
      firstAt: moment('first_at').notNull(),
      lastAt: moment('last_at').notNull(),
      /** SHA-256 of the content. */
      digest: bytes('digest').notNull(),
      /** A version byte and deflated JSON. */
      content: bytes('content').notNull(),
      /**
       * One `carrierKey` an inbound text, so that a repeated webhook is known for ever. An array under one GIN index takes a
       * third of what a row and a B-tree entry each would.
       */
      carrierKeys: uuid('carrier_keys').array().notNull(),
      archivedAt: moment('archived_at').notNull().default(sql`clock_timestamp()`),
    },
    (t) => [
      primaryKey({ columns: [t.conversationId, t.firstSeq] }),
      index('archived_messages_organization').on(t.organizationId),
      // Without the pending list, which every look-up would have to read through.
      index('archived_messages_carrier_keys').using('gin', t.carrierKeys).with({ fastupdate: 'off' }),
    ],
  );
