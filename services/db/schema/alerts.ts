/** What a person at the dealership must look at, and how far the news of it has come. */
import { sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import type { ConversationId, E164, MessageId, OrganizationId } from '../../types.js';
import { createdAt, moment, organizationId } from './organizations.js';

export const ALERT_KINDS = [
  /** The assistant, or a rule, wants a person in the conversation. */
  'handoff_requested',
  /** The assistant could not answer, and the shopper was told that a person will. */
  'assistant_failed',
  /** A keyword came as the answer to a question: no text reaches the shopper any more. */
  'keyword_collision',
  /** Somebody said in their own words that they want no texts. */
  'revoked_in_words',
  /** Somebody said that this is not their number. */
  'wrong_number',
  /** A text was not delivered; `details.code` has the carrier's code. */
  'delivery_failed',
  /** The phone cannot get texts. */
  'not_textable',
  /** The carrier refuses the organization's account, number or registration: nothing leaves until that is mended. */
  'sending_stopped',
  /** The carrier has texts of shoppers that never reached Jack. */
  'texts_missed',
  /** Two machines seem to talk to each other. */
  'loop_detected',
  /** Card, identity or licence numbers were sent and masked. */
  'identifiers_masked',
  /** A picture or file could not be taken in. */
  'media_refused',
] as const;

export type AlertKind = (typeof ALERT_KINDS)[number];

/**
 * Those that ask for a person in a conversation now: what is texted to staff unless the organization chooses. That texts are
 * stopped is not among them, as such a text would be stopped with them.
 */
export const TEXTED_KINDS = [
  'handoff_requested',
  'assistant_failed',
  'keyword_collision',
  'loop_detected',
] as const satisfies readonly AlertKind[];

/** An alert as it is raised. */
export interface StaffAlert {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId | null;
  readonly kind: AlertKind;
  /** For people, in a few words; never what somebody wrote, a phone or a secret. */
  readonly reason: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

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
    /** Who said so, as in the audit trail. */
    resolvedBy: text('resolved_by'),
  },
  (t) => [
    index('staff_alerts_organization').on(t.organizationId, t.createdAt.desc(), t.id),
    index('staff_alerts_conversation').on(t.conversationId).where(sql`conversation_id is not null`),
  ],
);

export type AlertDeliveryState =
  /** It is tried, or tried again. */
  | 'pending'
  | 'delivered'
  /** Not tried any more; `reason` says why. */
  | 'given_up';

/** How far the news of an alert has come outside of Jack. A row is leased while it is tried. */
export const alertDeliveries = pgTable(
  'alert_deliveries',
  {
    alertId: uuid('alert_id')
      .notNull()
      .references(() => staffAlerts.id, { onDelete: 'cascade' }),
    channel: text('channel').$type<'webhook'>().notNull(),
    organizationId: organizationId(),
    state: text('state').$type<AlertDeliveryState>().notNull().default('pending'),
    attempts: integer('attempts').notNull().default(0),
    dueAt: moment('due_at').notNull().default(sql`clock_timestamp()`),
    fence: bigint('fence', { mode: 'number' }).notNull().default(0),
    leaseUntil: moment('lease_until'),
    /** What the last attempt was answered with. */
    httpStatus: integer('http_status'),
    reason: text('reason'),
    settledAt: moment('settled_at'),
  },
  (t) => [
    primaryKey({ columns: [t.alertId, t.channel] }),
    // The oldest of each organization, and whether one of it is being tried.
    index('alert_deliveries_due').on(t.organizationId, t.dueAt).where(sql`state = 'pending'`),
    index('alert_deliveries_tried').on(t.organizationId).where(sql`lease_until is not null`),
  ],
);

export type AlertTextState =
  /** It is to be told, or is being told. */
  | 'pending'
  | 'texted'
  /** Not told; `reason` says why. */
  | 'dropped';

/** What is told of an alert to one staff phone. Several alerts share a text; they are leased together. */
export const alertTexts = pgTable(
  'alert_texts',
  {
    alertId: uuid('alert_id')
      .notNull()
      .references(() => staffAlerts.id, { onDelete: 'cascade' }),
    phone: text('phone').$type<E164>().notNull(),
    organizationId: organizationId(),
    state: text('state').$type<AlertTextState>().notNull().default('pending'),
    /** The text that tells of it, from when it was begun. Without a foreign key: texts move into the archive. */
    messageId: uuid('message_id').$type<MessageId>(),
    attempts: integer('attempts').notNull().default(0),
    dueAt: moment('due_at').notNull().default(sql`clock_timestamp()`),
    fence: bigint('fence', { mode: 'number' }).notNull().default(0),
    leaseUntil: moment('lease_until'),
    reason: text('reason'),
    settledAt: moment('settled_at'),
  },
  (t) => [
    primaryKey({ columns: [t.alertId, t.phone] }),
    index('alert_texts_due').on(t.dueAt).where(sql`state = 'pending'`),
    index('alert_texts_waiting').on(t.organizationId, t.phone).where(sql`state = 'pending'`),
    // How many texts a phone got in the last hour.
    index('alert_texts_told').on(t.organizationId, t.phone, t.settledAt).where(sql`state = 'texted'`),
  ],
);

/** What webhooks of an organization are signed with. */
export const webhookSecrets = pgTable('webhook_secrets', {
  organizationId: organizationId().primaryKey(),
  /** Sealed with the installation's key (services/secrets.ts), never in clear. */
  secretSealed: text('secret_sealed').notNull(),
  /** The one before, which signs too until `previousUntil`: receivers change without losing anything. */
  previousSealed: text('previous_sealed'),
  previousUntil: moment('previous_until'),
  createdAt: createdAt(),
});
