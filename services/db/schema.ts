/**
 * The record. Every table but `installation` and `quarantine` carries its organization. Triggers that renew
 * `rev` and `base_rev` are in migrations/0001_revision_rule.sql.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { OutreachPurpose, Registration } from '../outbound/types.js';
import type { KeywordAnswers } from '../sms/keywords.js';
import type {
  ConversationId,
  Direction,
  E164,
  LeadId,
  Media,
  MessageId,
  MessageStatus,
  Owner,
  Rev,
  Sender,
  Slots,
} from '../types.js';
import { archivedMessagesTable } from './schema/archive.js';
import { deliveryEventsTable } from './schema/delivery.js';
import { followUpsTable, inquiriesTable, voiceCallsTable } from './schema/inquiries.js';
import { mediaTable } from './schema/media.js';
import { createdAt, moment, organizationId, organizations } from './schema/organizations.js';

export { organizations } from './schema/organizations.js';

/** Facts of this installation that no tenant owns, such as the secret made when none is configured. */
export const installation = pgTable('installation', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
});

export const phoneNumbers = pgTable(
  'phone_numbers',
  {
    /** `default`, or the AccountSid of the organization's own account. */
    account: text('account').notNull(),
    phoneNumber: text('phone_number').$type<E164>().notNull(),
    organizationId: organizationId(),
    /** Who answers STOP, START and HELP. */
    keywordAnswers: text('keyword_answers').$type<KeywordAnswers>().notNull().default('carrier'),
    /** Whether the number may text the United States (A2P 10DLC); null: nobody has said yet. */
    registration: text('registration').$type<Registration>(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.account, t.phoneNumber] }),
    index('phone_numbers_organization').on(t.organizationId),
  ],
);

export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid('id').primaryKey(),
    organizationId: organizationId(),
    /** Visible part of the key, for finding the row. */
    prefix: text('prefix').notNull(),
    /** SHA-256 of the whole key, hex. The key is 256 random bits, so no slow hash is needed. */
    secretHash: text('secret_hash').notNull(),
    createdAt: createdAt(),
    lastUsedAt: moment('last_used_at'),
  },
  (t) => [uniqueIndex('api_keys_prefix').on(t.prefix), index('api_keys_organization').on(t.organizationId)],
);

export const vehicles = pgTable(
  'vehicles',
  {
    organizationId: organizationId(),
    stockNumber: text('stock_number').notNull(),
    condition: text('condition').$type<'new' | 'used'>().notNull(),
    year: integer('year').notNull(),
    make: text('make').notNull(),
    model: text('model').notNull(),
    trim: text('trim').notNull().default(''),
    bodyStyle: text('body_style').notNull().default(''),
    color: text('color').notNull().default(''),
    odometerKm: integer('odometer_km').notNull().default(0),
    price: integer('price'),
    currency: text('currency').notNull(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.stockNumber] })],
);

export interface Geography {
  readonly city?: string;
  readonly state?: string;
  readonly zip?: string;
  readonly country?: string;
}

export const leads = pgTable(
  'leads',
  {
    id: uuid('id').$type<LeadId>().primaryKey(),
    organizationId: organizationId(),
    phone: text('phone').$type<E164>().notNull(),
    /** A phone that gets alerts (settings `alerts.phones`) has a `staff` row of its own beside that of its shopper. */
    kind: text('kind').$type<'shopper' | 'staff'>().notNull().default('shopper'),
    name: text('name'),
    email: text('email'),
    status: text('status').notNull().default('new'),
    source: text('source').notNull(),
    attributes: jsonb('attributes').$type<Record<string, unknown>>().notNull().default({}),
    /** What the carrier says of the number, not where the person is. */
    geography: jsonb('geography').$type<Geography>().notNull().default({}),
    /** The carrier's code that says that the phone gets no texts, and since when; both null while it may. */
    untextableCode: integer('untextable_code'),
    untextableAt: moment('untextable_at'),
    createdAt: createdAt(),
  },
  (t) => [
    unique('leads_organization_phone_kind').on(t.organizationId, t.phone, t.kind),
    // The few that no list shows.
    index('leads_staff').on(t.organizationId, t.id).where(sql`kind = 'staff'`),
    index('leads_newest').on(t.organizationId, t.createdAt.desc(), t.id),
    index('leads_email').on(t.organizationId, sql`lower(email)`).where(sql`email is not null`),
  ],
);

export const conversations = pgTable(
  'conversations',
  {
    id: uuid('id').$type<ConversationId>().primaryKey(),
    organizationId: organizationId(),
    leadId: uuid('lead_id')
      .$type<LeadId>()
      .notNull()
      .unique()
      .references(() => leads.id, { onDelete: 'cascade' }),
    owner: text('owner').$type<Owner>().notNull().default('assistant'),
    ownerName: text('owner_name'),
    ownerSince: moment('owner_since'),
    /** When the assistant speaks again by itself, unless staff say something before; null: only when it is released. */
    ownerUntil: moment('owner_until'),
    optedOut: boolean('opted_out').notNull().default(false),
    optedOutAt: moment('opted_out_at'),
    summary: text('summary').notNull().default(''),
    slots: jsonb('slots').$type<Slots>().notNull().default({}),
    /** The account and number the shopper last texted: replies leave from there. */
    account: text('account').notNull().default('default'),
    dealershipNumber: text('dealership_number').$type<E164>(),
    lastSeq: integer('last_seq').notNull().default(0),
    lastInboundSeq: integer('last_inbound_seq').notNull().default(0),
    lastOutboundSeq: integer('last_outbound_seq').notNull().default(0),
    lastMessageAt: moment('last_message_at').notNull().default(sql`clock_timestamp()`),
    /** Messages up to this `seq` are in `archived_messages`; the same as `lastSeq` while all of them are. */
    archivedSeq: integer('archived_seq').notNull().default(0),
    /** When a turn should run; null when nothing waits for an answer. */
    replyDueAt: moment('reply_due_at'),
    /** When the first text that still waits arrived. */
    replyWaitingSince: moment('reply_waiting_since'),
    /** Fencing token: raised by every claim. A reply commits only under the fence it was claimed with. */
    fence: bigint('fence', { mode: 'number' }).notNull().default(0),
    leaseUntil: moment('lease_until'),
    leaseHolder: text('lease_holder'),
    turnAttempts: integer('turn_attempts').notNull().default(0),
    rev: uuid('rev').$type<Rev>().notNull().default(sql`gen_random_uuid()`),
    /** `rev` as of the last change that was not simply a new text or a delivery status, and `lastSeq` then. */
    baseRev: uuid('base_rev').$type<Rev>().notNull().default(sql`gen_random_uuid()`),
    baseSeq: integer('base_seq').notNull().default(0),
    /** Transactions that renewed the two, so that each renews them once. */
    revTx: text('rev_tx').notNull().default(''),
    baseTx: text('base_tx').notNull().default(''),
    createdAt: createdAt(),
  },
  (t) => [
    index('conversations_due').on(t.replyDueAt).where(sql`reply_due_at is not null`),
    // One organization after the other, when more replies are due than can be begun.
    index('conversations_due_fair').on(t.organizationId, t.replyDueAt).where(sql`reply_due_at is not null`),
    index('conversations_owner_until').on(t.ownerUntil).where(sql`owner_until is not null`),
    index('conversations_inbox').on(t.organizationId, t.lastMessageAt.desc(), t.id),
    // The quiet ones for the archive and, from its other end, the busy ones for warming.
    index('conversations_hot').on(t.lastMessageAt, t.id).where(sql`archived_seq < last_seq`),
  ],
);

const conversationId = () =>
  uuid('conversation_id')
    .$type<ConversationId>()
    .notNull()
    .references(() => conversations.id, { onDelete: 'cascade' });

export const messages = pgTable(
  'messages',
  {
    id: uuid('id').$type<MessageId>().primaryKey(),
    organizationId: organizationId(),
    conversationId: conversationId(),
    seq: integer('seq').notNull(),
    direction: text('direction').$type<Direction>().notNull(),
    sender: text('sender').$type<Sender>().notNull(),
    body: text('body').notNull(),
    media: jsonb('media').$type<readonly Media[]>().notNull().default([]),
    encoding: text('encoding').$type<'GSM-7' | 'UCS-2'>().notNull(),
    segments: integer('segments').notNull(),
    /** The carrier's ids; both null until an outbound text was accepted. */
    accountSid: text('account_sid'),
    messageSid: text('message_sid'),
    status: text('status').$type<MessageStatus>().notNull(),
    errorCode: integer('error_code'),
    /** Taken out of the assistant's context; people see it. */
    retracted: boolean('retracted').notNull().default(false),
    /** Kinds of identifiers that were masked before the text was stored (services/privacy/mask.ts); null: none. */
    masked: jsonb('masked').$type<readonly string[]>(),
    /** Of a reply of the assistant: what it knew before it, to go back to when the reply is retracted. */
    contextBefore: jsonb('context_before').$type<{ readonly slots: Slots; readonly summary: string }>(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('messages_order').on(t.conversationId, t.seq),
    // Deduplication for ever: a text is one (AccountSid, MessageSid) whoever retries it.
    unique('messages_carrier_ids').on(t.accountSid, t.messageSid),
    index('messages_organization').on(t.organizationId),
  ],
);

export const archivedMessages = archivedMessagesTable(() => conversations.id);

export const media = mediaTable(() => conversations.id);

export { mediaErasures } from './schema/media.js';

export type OutboxState = 'queued' | 'sending' | 'unknown' | 'accepted' | 'refused' | 'canceled';

export const outbox = pgTable(
  'outbox',
  {
    messageId: uuid('message_id')
      .$type<MessageId>()
      .primaryKey()
      .references(() => messages.id, { onDelete: 'cascade' }),
    organizationId: organizationId(),
    conversationId: conversationId(),
    seq: integer('seq').notNull(),
    account: text('account').notNull(),
    fromNumber: text('from_number').$type<E164>().notNull(),
    toNumber: text('to_number').$type<E164>().notNull(),
    state: text('state').$type<OutboxState>().notNull().default('queued'),
    attempts: integer('attempts').notNull().default(0),
    dueAt: moment('due_at').notNull().default(sql`clock_timestamp()`),
    fence: bigint('fence', { mode: 'number' }).notNull().default(0),
    leaseUntil: moment('lease_until'),
    lastCode: integer('last_code'),
    lastReason: text('last_reason'),
    /** How often it went back into the outbox after the carrier had taken it and could not deliver it. */
    resends: integer('resends').notNull().default(0),
    /** The carrier's id of the attempt that was not delivered. */
    failedSid: text('failed_sid'),
    /** Nothing more is to be learned from the carrier of an accepted text; until then it is looked up at `due_at`. */
    isSettled: boolean('is_settled').notNull().default(false),
    /** The one text that confirms an opt-out leaves although the person has opted out. */
    passesOptOut: boolean('passes_opt_out').notNull().default(false),
    /** Of a text that we start: why. It is decided on once more when it is due. */
    purpose: text('purpose').$type<OutreachPurpose>(),
    /** Of such a text: when it is to leave, if that is not at once. */
    scheduledFor: moment('scheduled_for'),
    createdAt: createdAt(),
  },
  (t) => [
    // Walked from sender to sender, so that none has to wait behind another's queue.
    index('outbox_queues')
      .on(t.organizationId, t.account, t.fromNumber, t.dueAt)
      .where(sql`state = 'queued'`),
    index('outbox_lookups').on(t.dueAt).where(sql`state in ('sending', 'unknown')`),
    index('outbox_polls').on(t.dueAt).where(sql`state = 'accepted' and not is_settled`),
    index('outbox_conversation')
      .on(t.conversationId, t.seq)
      .where(sql`state in ('queued', 'sending', 'unknown')`),
    index('outbox_organization').on(t.organizationId),
    index('outbox_started').on(t.conversationId, t.createdAt).where(sql`purpose is not null`),
  ],
);

export const deliveryEvents = deliveryEventsTable(() => conversations.id);

/** Every decision of the outbound door, allowed or not. */
export const gateDecisions = pgTable(
  'gate_decisions',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    organizationId: organizationId(),
    conversationId: conversationId(),
    messageId: uuid('message_id').$type<MessageId>(),
    origin: text('origin').$type<'assistant' | 'staff' | 'system'>().notNull(),
    stage: text('stage').$type<'commit' | 'send'>().notNull(),
    allowed: boolean('allowed').notNull(),
    reason: text('reason').notNull(),
    /** What it was decided on: where the recipient may be and how that is known, until when a text waits. */
    details: jsonb('details').$type<Readonly<Record<string, unknown>>>(),
    createdAt: createdAt(),
  },
  (t) => [index('gate_decisions_conversation').on(t.conversationId, t.id)],
);

/** Texts to a number that belongs to nobody. No tenant: that is why they are here. */
export const quarantine = pgTable(
  'quarantine',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    accountSid: text('account_sid').notNull(),
    messageSid: text('message_sid').notNull(),
    fromAddress: text('from_address').notNull(),
    toAddress: text('to_address').notNull(),
    /** Empty once the text was given to an organization, or discarded. */
    body: text('body').notNull(),
    /** The rest of what the carrier said of it, to be able to take it in later as if it came now. */
    facts: jsonb('facts').$type<Record<string, unknown>>().notNull().default({}),
    reason: text('reason').notNull(),
    state: text('state').$type<'held' | 'assigned' | 'discarded'>().notNull().default('held'),
    /** Whom it was given to. */
    organizationId: text('organization_id').references(() => organizations.id, { onDelete: 'cascade' }),
    settledAt: moment('settled_at'),
    createdAt: createdAt(),
  },
  (t) => [
    unique('quarantine_carrier_ids').on(t.accountSid, t.messageSid),
    index('quarantine_newest').on(t.state, t.createdAt.desc(), t.id.desc()),
    index('quarantine_number').on(t.accountSid, t.toAddress, t.id).where(sql`state = 'held'`),
    index('quarantine_organization').on(t.organizationId).where(sql`organization_id is not null`),
  ],
);

export const audit = pgTable(
  'audit',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** Without a foreign key: the trail outlives the organization. `*` for the whole deployment. */
    organizationId: text('organization_id').notNull(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    subject: text('subject').notNull(),
    details: jsonb('details').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
  },
  (t) => [index('audit_organization').on(t.organizationId, t.id)],
);

/** What the simulated carrier took over and put on a handset; empty with a real carrier. */
export const simulatedTexts = pgTable(
  'simulated_texts',
  {
    messageId: uuid('message_id').$type<MessageId>().primaryKey(),
    organizationId: organizationId(),
    providerSid: text('provider_sid').notNull(),
    fromNumber: text('from_number').$type<E164>().notNull(),
    toNumber: text('to_number').$type<E164>().notNull(),
    body: text('body').notNull(),
    acceptedAt: moment('accepted_at').notNull().default(sql`clock_timestamp()`),
    deliveredAt: moment('delivered_at'),
  },
  (t) => [
    index('simulated_texts_undelivered').on(t.acceptedAt).where(sql`delivered_at is null`),
    index('simulated_texts_handset').on(t.organizationId, t.toNumber, t.acceptedAt),
  ],
);

export const inquiries = inquiriesTable(() => leads.id);
export const followUps = followUpsTable(
  () => conversations.id,
  () => inquiries.id,
);
export const voiceCalls = voiceCallsTable(() => conversations.id);

export * from './schema/alerts.js';
export * from './schema/consent.js';
export { senders, sendingHolds } from './schema/delivery.js';
export * from './schema/feed.js';
export * from './schema/imports.js';
export { leadDocuments } from './schema/inquiries.js';
export { outboundDays } from './schema/outboundDays.js';
export * from './schema/sessions.js';
