/** Who is logged in: guests of the phone page and staff of a dealership. */
import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { createdAt, moment, organizationId } from './organizations.js';

const now = sql`clock_timestamp()`;

export const sessions = pgTable(
  'sessions',
  {
    /** May be shown; opens nothing. */
    id: uuid('id').primaryKey(),
    organizationId: organizationId(),
    /** SHA-256 of the token, hex. The token is 256 random bits, so no slow hash is needed. */
    tokenHash: text('token_hash').notNull(),
    kind: text('kind').$type<'guest' | 'staff'>().notNull(),
    /** Guest: an opaque id of the handset. Staff: the name that the person gave. */
    userId: text('user_id').notNull(),
    /** Staff: the key it was opened with. Without a foreign key, so that a session that ended with its key is still known as ended. */
    apiKeyId: uuid('api_key_id'),
    data: jsonb('data').$type<Readonly<Record<string, unknown>>>().notNull().default({}),
    /** Raised by every change of `data` and by the end: a cached copy of an older one does not count. */
    rev: integer('rev').notNull().default(1),
    createdAt: createdAt(),
    lastSeenAt: moment('last_seen_at').notNull().default(now),
    idleTtlSeconds: integer('idle_ttl_seconds').notNull(),
    /** Whatever the use; null: only idleness ends it. */
    endsAt: moment('ends_at'),
    /** The nearer of idleness and `endsAt`; that of an ended session is its end. */
    expiresAt: moment('expires_at').notNull(),
    /** When `rev` was raised last; null: never. */
    changedAt: moment('changed_at'),
    endedAt: moment('ended_at'),
  },
  (t) => [
    uniqueIndex('sessions_token').on(t.tokenHash),
    index('sessions_user').on(t.organizationId, t.userId),
    index('sessions_expiry').on(t.expiresAt),
    index('sessions_changes').on(t.changedAt).where(sql`changed_at is not null`),
    index('sessions_key').on(t.apiKeyId).where(sql`api_key_id is not null`),
  ],
);
