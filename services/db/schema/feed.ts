/**
 * The feed: what happened in an organization, for streams that must not miss anything. Rows are written by triggers in
 * the transaction of the change (migrations/*_feed.sql) without a position; `feed_number` gives positions afterwards,
 * under the lock of the organization's counter, so a position becomes visible only when all before it are.
 */
import { sql } from 'drizzle-orm';
import { bigint, bigserial, integer, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { ConversationId } from '../../types.js';
import { moment, organizationId } from './organizations.js';

/** The counter of an organization, made when its feed is first read. */
export const feedHeads = pgTable('feed_heads', {
  organizationId: organizationId().primaryKey(),
  /** The position given last. */
  lastId: bigint('last_id', { mode: 'number' }).notNull().default(0),
  /** Up to here events may have been removed: who asks for what came after an earlier position has missed some. */
  trimmedId: bigint('trimmed_id', { mode: 'number' }).notNull().default(0),
});

export const feedEvents = pgTable(
  'feed_events',
  {
    /** Order of writing, which for one conversation is the order of its changes: they hold its row's lock. */
    n: bigserial('n', { mode: 'number' }).primaryKey(),
    organizationId: organizationId(),
    /** Position in the organization's feed; null until somebody reads it. */
    id: bigint('id', { mode: 'number' }),
    type: text('type').notNull(),
    /**
     * Null where it concerns the organization. Without a foreign key: what is told of an erased conversation is skipped
     * by readers and goes with its time.
     */
    conversationId: uuid('conversation_id').$type<ConversationId>(),
    /** Of the message; null where the event is about the conversation. */
    seq: integer('seq'),
    /** Of the alert; null where the event is about something else. */
    alertId: uuid('alert_id'),
    at: moment('at').notNull().default(sql`clock_timestamp()`),
  },
  (t) => [uniqueIndex('feed_events_position').on(t.organizationId, t.id)],
);
