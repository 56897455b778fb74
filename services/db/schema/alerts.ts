/** What a person at the dealership must look at, and how far the news of it has come. */
import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import type { AlertKind } from '../../record/alerts.js';
import type { ConversationId } from '../../types.js';
import { createdAt, moment, organizationId } from './organizations.js';

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
