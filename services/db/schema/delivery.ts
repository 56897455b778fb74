/** What the carrier says of texts, which senders must wait, and how fast each may go. */
import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigserial,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { ConversationId, E164, MessageId } from '../../types.js';
import { moment, organizationId } from './organizations.js';

const now = sql`clock_timestamp()`;

/** How a report came: a webhook, a question about one text, the daily look at the carrier's list, the simulated carrier. */
export type ReportSource = 'callback' | 'poll' | 'list' | 'simulated';

/**
 * Every report of the carrier, as it came and in the order of its coming; rows are only added.
 * @param conversation the column that it belongs to: handed in, so that the schema's files need no cycle.
 */
export const deliveryEventsTable = (conversation: () => AnyPgColumn) =>
  pgTable(
    'delivery_events',
    {
      id: bigserial('id', { mode: 'number' }).primaryKey(),
      organizationId: organizationId(),
      conversationId: uuid('conversation_id')
        .$type<ConversationId>()
        .notNull()
        .references(conversation, { onDelete: 'cascade' }),
      /** Without a foreign key: messages move into the archive, what was reported of them stays. */
      messageId: uuid('message_id').$type<MessageId>().notNull(),
      /** The carrier's id of this attempt to send; null where the carrier has none. */
      messageSid: text('message_sid'),
      /** In the carrier's words. */
      status: text('status').notNull(),
      errorCode: integer('error_code'),
      /** `YYMMDDhhmm` of the handset's network, without a zone; often missing. */
      rawDoneDate: text('raw_done_date'),
      source: text('source').$type<ReportSource>().notNull(),
      receivedAt: moment('received_at').notNull().default(now),
    },
    (t) => [
      index('delivery_events_conversation').on(t.conversationId, t.id),
      // For rates of one code, such as 30007.
      index('delivery_events_codes')
        .on(t.organizationId, t.errorCode, t.receivedAt)
        .where(sql`error_code is not null`),
    ],
  );

/** `us`: only for numbers of the United States. */
export type HoldScope = 'all' | 'us';
export type HoldKind =
  /** The carrier does not accept the account's credentials. */
  | 'credentials'
  /** The number or campaign is not registered for the United States. */
  | 'registration'
  /** The carrier's queue or a limit a minute is full. */
  | 'slow'
  /** A limit a day is reached. */
  | 'daily_cap';

/** Why nothing, or nothing to the United States, leaves for an organization now. */
export const sendingHolds = pgTable(
  'sending_holds',
  {
    organizationId: organizationId(),
    kind: text('kind').$type<HoldKind>().notNull(),
    scope: text('scope').$type<HoldScope>().notNull(),
    /** The carrier's. */
    code: integer('code').notNull(),
    since: moment('since').notNull().default(now),
    /** Null: until somebody lifts it. */
    heldUntil: moment('held_until'),
    /** How often in a row; each makes the next hold of its kind longer. */
    strikes: integer('strikes').notNull().default(1),
    /** Of `credentials`: the account that was refused, and a hash of what it was refused with. */
    account: text('account'),
    credentialHash: text('credential_hash'),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.kind] })],
);

/** The numbers that texts have left from. */
export const senders = pgTable(
  'senders',
  {
    organizationId: organizationId(),
    account: text('account').notNull(),
    phoneNumber: text('phone_number').$type<E164>().notNull(),
    /** When the carrier will have sent what it was given, at the sender's speed. */
    busyUntil: moment('busy_until').notNull().default(now),
    /** Up to here the carrier's list was compared with the record; null: never. */
    comparedTo: moment('compared_to'),
    /** Somebody compares until then. */
    compareLeaseUntil: moment('compare_lease_until'),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.account, t.phoneNumber] })],
);
