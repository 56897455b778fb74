/** What came from other servers: which entries were taken over, chat transcripts, and sealed keys of model providers. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Rev } from '../../types.js';
import { createdAt, moment, organizationId } from './organizations.js';

const now = sql`clock_timestamp()`;

/** One row an entry that was moved in: an entry that has not changed since is left alone, also after an erasure. */
export const importedEntries = pgTable(
  'imported_entries',
  {
    organizationId: organizationId(),
    /** `history`, `context`, `summary`, … */
    kind: text('kind').notNull(),
    /** Keyed hash of the entry's key, which is a phone or an id of the server it came from. */
    sourceKey: text('source_key').notNull(),
    /** Keyed hash of what was moved in. */
    contentHash: text('content_hash').notNull(),
    /** The conversation's `base_rev` after the import: while it is the same, nothing newer has been said or learned. */
    baseRev: uuid('base_rev').$type<Rev>(),
    importedAt: moment('imported_at').notNull().default(now),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.sourceKey, t.kind] })],
);

export const importedChats = pgTable(
  'imported_chats',
  {
    organizationId: organizationId(),
    chatId: text('chat_id').notNull(),
    userName: text('user_name').notNull(),
    /** As they were in the file, oldest first. */
    messages: jsonb('messages').$type<readonly Record<string, unknown>[]>().notNull(),
    messageCount: integer('message_count').notNull(),
    contentHash: text('content_hash').notNull(),
    lastMessageAt: moment('last_message_at'),
    importedAt: moment('imported_at').notNull().default(now),
    expiresAt: moment('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.chatId] }),
    index('imported_chats_expiry').on(t.expiresAt),
  ],
);

export const providerKeys = pgTable(
  'provider_keys',
  {
    organizationId: organizationId(),
    /** Keyed hash, so that a key is found without opening any. */
    keyHash: text('key_hash').notNull(),
    /** Sealed with the installation's key (services/secrets.ts), never in clear. */
    keySealed: text('key_sealed').notNull(),
    queries: bigint('queries', { mode: 'number' }).notNull().default(0),
    tokens: bigint('tokens', { mode: 'number' }).notNull().default(0),
    balance: doublePrecision('balance'),
    createdAt: createdAt(),
    updatedAt: moment('updated_at').notNull().default(now),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.keyHash] })],
);
