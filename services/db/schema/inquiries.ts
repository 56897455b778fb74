/**
 * How leads arrive: the document as it came, the inquiry that was read from it, and the texts that we start because of
 * it. Deleting an inquiry deletes its document (a trigger in the migration that made these tables): an erased person is not
 * left in a raw copy.
 */
import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Prospect } from '../../leads/prospect.js';
import type { ConversationId, LeadId } from '../../types.js';
import type { ConsentBasis } from './consent.js';
import { createdAt, moment, organizationId } from './organizations.js';

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** A request of the lead webhook, with identifiers masked and otherwise as it came. */
export const leadDocuments = pgTable(
  'lead_documents',
  {
    id: uuid('id').primaryKey(),
    organizationId: organizationId(),
    /** `key:` and the caller's Idempotency-Key, or `doc:` and the digest; null once that may come again. */
    requestKey: text('request_key'),
    /** SHA-256 of the bytes that came, hex. */
    digest: text('digest').notNull(),
    contentType: text('content_type').notNull(),
    form: text('form').$type<'adf' | 'json'>().notNull(),
    /** Before compression. */
    byteLength: integer('byte_length').notNull(),
    /** Deflated. */
    content: bytes('content').notNull(),
    createdAt: createdAt(),
  },
  (t) => [unique('lead_documents_request').on(t.organizationId, t.requestKey)],
);

/** Why we may text, and how that can be shown. */
export interface InquiryConsent {
  /** Null: there is none, so we do not text first. */
  readonly basis: ConsentBasis | null;
  readonly disclosure?: string;
  /** ISO 8601. */
  readonly at?: string;
  readonly ip?: string;
  readonly evidence?: string;
}

/** @param lead the column that an inquiry belongs to: handed in, so that the schema's files need no cycle. */
export const inquiriesTable = (lead: () => AnyPgColumn) =>
  pgTable(
    'inquiries',
    {
      id: uuid('id').primaryKey(),
      organizationId: organizationId(),
      leadId: uuid('lead_id').$type<LeadId>().notNull().references(lead, { onDelete: 'cascade' }),
      documentId: uuid('document_id').references(() => leadDocuments.id, { onDelete: 'set null' }),
      /** Which prospect of its document, from 0. */
      position: integer('position').notNull(),
      source: text('source').notNull(),
      /** The other system's id: with the source it says whether this inquiry has come before. */
      externalId: text('external_id'),
      prospect: jsonb('prospect').$type<Prospect>().notNull(),
      /** What was not said as it should be, and what it was taken for. */
      guessed: jsonb('guessed').$type<readonly string[]>().notNull().default([]),
      consent: jsonb('consent').$type<InquiryConsent>().notNull(),
      /** Why nobody is texted because of it; null: texts may be started. */
      noTextReason: text('no_text_reason'),
      /** When the person asked, as the other system says; when it arrived, if it says nothing. */
      requestedAt: moment('requested_at').notNull().default(sql`clock_timestamp()`),
      createdAt: createdAt(),
    },
    (t) => [
      unique('inquiries_external_id').on(t.organizationId, t.source, t.externalId),
      index('inquiries_lead').on(t.leadId, t.createdAt),
      index('inquiries_document').on(t.documentId),
    ],
  );

/** Texts that we start because of an inquiry. The row's id becomes the message's: no text can leave twice for one row. */
export const followUpsTable = (conversation: () => AnyPgColumn, inquiry: () => AnyPgColumn) =>
  pgTable(
    'follow_ups',
    {
      id: uuid('id').primaryKey(),
      organizationId: organizationId(),
      conversationId: uuid('conversation_id')
        .$type<ConversationId>()
        .notNull()
        .references(conversation, { onDelete: 'cascade' }),
      inquiryId: uuid('inquiry_id').notNull().references(inquiry, { onDelete: 'cascade' }),
      /** 0: the first touch; from 1: the place in the organization's `followUps`. */
      step: integer('step').notNull(),
      dueAt: moment('due_at').notNull(),
      /** `skipped`: this one was refused; `stopped`: this one and those after it are no longer wanted. */
      state: text('state').$type<'waiting' | 'sent' | 'skipped' | 'stopped'>().notNull().default('waiting'),
      reason: text('reason'),
      /** The shopper's last text when this was planned: a later one is a reply, and ends it. */
      knownSeq: integer('known_seq').notNull(),
      attempts: integer('attempts').notNull().default(0),
      fence: bigint('fence', { mode: 'number' }).notNull().default(0),
      leaseUntil: moment('lease_until'),
      createdAt: createdAt(),
      settledAt: moment('settled_at'),
    },
    (t) => [
      unique('follow_ups_step').on(t.inquiryId, t.step),
      // Nobody is greeted twice.
      uniqueIndex('follow_ups_first_touch').on(t.conversationId).where(sql`step = 0`),
      index('follow_ups_due').on(t.dueAt).where(sql`state = 'waiting'`),
      index('follow_ups_conversation').on(t.conversationId),
    ],
  );

/** One thing said in a call. */
export interface CallLine {
  readonly role: 'agent' | 'caller';
  readonly text: string;
  /** Since the call began. */
  readonly atSeconds: number | null;
}

/** Phone calls that a voice agent took or made. The conversation has a message of each; here is what was said. */
export const voiceCallsTable = (conversation: () => AnyPgColumn) =>
  pgTable(
    'voice_calls',
    {
      id: uuid('id').primaryKey(),
      organizationId: organizationId(),
      conversationId: uuid('conversation_id')
        .$type<ConversationId>()
        .notNull()
        .references(conversation, { onDelete: 'cascade' }),
      provider: text('provider').$type<'elevenlabs'>().notNull(),
      /** The provider's id of the call. */
      externalId: text('external_id').notNull(),
      direction: text('direction').$type<'inbound' | 'outbound'>().notNull(),
      startedAt: moment('started_at'),
      durationSeconds: integer('duration_seconds'),
      summary: text('summary').notNull(),
      transcript: jsonb('transcript').$type<readonly CallLine[]>().notNull(),
      createdAt: createdAt(),
    },
    (t) => [
      unique('voice_calls_external_id').on(t.provider, t.externalId),
      index('voice_calls_conversation').on(t.conversationId, t.createdAt),
    ],
  );
