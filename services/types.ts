/**
 * Branded identifiers. A phone cannot be passed as an organization, and a state call without its
 * organization does not compile. `parse…` functions validate and refuse; nothing is ever scrubbed into shape.
 */
import { randomUUID } from 'node:crypto';
import parsePhoneNumber from 'libphonenumber-js/min';
import { JackError } from './errors.js';

export type OrganizationId = string & { readonly __brand: 'OrganizationId' };
export type LeadId = string & { readonly __brand: 'LeadId' };
export type ConversationId = string & { readonly __brand: 'ConversationId' };
export type MessageId = string & { readonly __brand: 'MessageId' };
/** A phone number in E.164: `+` and 7 to 15 digits. */
export type E164 = string & { readonly __brand: 'E164' };
/** The random token the record renews when something changes; see docs/ARCHITECTURE.md, "The revision rule". */
export type Rev = string & { readonly __brand: 'Rev' };

const ORGANIZATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isOrganizationId(value: string): value is OrganizationId {
  return ORGANIZATION_ID.test(value);
}

/** @throws JackError E_INPUT_INVALID when the id holds anything but letters, digits, `.`, `_`, `-` (64 at most). */
export function parseOrganizationId(value: string): OrganizationId {
  if (isOrganizationId(value)) return value;
  throw new JackError(
    'E_INPUT_INVALID',
    'An organization id has 1 to 64 letters, digits, ".", "_" or "-" and begins with a letter or digit.',
  );
}

export function isUuid(value: string): boolean {
  return UUID.test(value);
}

export const newOrganizationId = (): OrganizationId => randomUUID() as OrganizationId;
export const newLeadId = (): LeadId => randomUUID() as LeadId;
export const newConversationId = (): ConversationId => randomUUID() as ConversationId;
export const newMessageId = (): MessageId => randomUUID() as MessageId;

/**
 * `+1 (604) 555-0123` → `+16045550123`. Accepts a number in international form with usual punctuation.
 * "Possible" length is the test, not "valid" ranges: 555-01xx numbers are possible and never assigned.
 */
export function toE164(value: string): E164 | undefined {
  if (value.length > 40 || !value.trimStart().startsWith('+')) return undefined;
  const parsed = parsePhoneNumber(value);
  return parsed?.isPossible() && !parsed.ext ? (parsed.number as string as E164) : undefined;
}

/** @throws JackError E_INPUT_INVALID */
export function parseE164(value: string): E164 {
  const phone = toE164(value);
  if (phone) return phone;
  throw new JackError('E_INPUT_INVALID', 'A phone number is written in E.164, for example +16045550123.');
}

export type Owner = 'assistant' | 'human';
export type Direction = 'inbound' | 'outbound';
export type Sender = 'lead' | 'assistant' | 'staff' | 'system';

/** A message's way: inbound is `received`; outbound climbs and never comes down (DOMAIN.md 4.2). */
export type MessageStatus =
  | 'received'
  | 'queued'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'undelivered'
  | 'failed'
  | 'canceled'
  /** On channels that tell; an SMS ends as `delivered`. */
  | 'read';

export interface Media {
  /** Of what a shopper sent and Jack fetches or has fetched (services/media.ts). */
  readonly id?: string;
  /** With an `id`: where staff get it, on this server. Without one, as of imported messages: where it was said to be. */
  readonly url: string;
  readonly contentType: string;
}

/** One text as people and the assistant see it. `createdAt` is ISO 8601 UTC. */
export interface Message {
  readonly seq: number;
  readonly id: MessageId;
  readonly direction: Direction;
  readonly sender: Sender;
  readonly body: string;
  readonly media: readonly Media[];
  readonly segments: number;
  readonly status: MessageStatus;
  readonly errorCode: number | null;
  /** Taken out of the assistant's context. */
  readonly retracted?: boolean;
  /** Kinds of identifiers that were masked in it before it was stored; absent: none. */
  readonly masked?: readonly string[];
  readonly createdAt: string;
}

/** One text as the assistant sees it: what was said, not what became of it on the way. */
export interface ContextMessage {
  readonly seq: number;
  readonly direction: Direction;
  readonly sender: Sender;
  readonly body: string;
  readonly media: readonly Media[];
  readonly createdAtMs: number;
}

/** What the assistant has learned. Absent means "not known yet". */
export interface Slots {
  readonly name?: string;
  /** The vehicle the shopper is after, in words: `2021 Honda Civic`. */
  readonly vehicle?: string;
  /** Stock number, when the wish matched one vehicle of the inventory. */
  readonly stockNumber?: string;
  /** The vehicle to trade in, in words, or `none`. */
  readonly tradeIn?: string;
  /** When the shopper means to buy, in words: `this week`. */
  readonly timeframe?: string;
  /** An agreed or proposed visit: ISO 8601 local date-time of the dealership. */
  readonly visitAt?: string;
  readonly visitStatus?: 'proposed' | 'agreed';
  /** What the assistant asked last, so that a bare "yes" has a meaning. */
  readonly lastQuestion?: 'vehicle' | 'tradeIn' | 'timeframe' | 'name' | 'visit';
  /** Questions already put to the shopper: none is put twice. */
  readonly asked?: readonly string[];
}

/**
 * Everything a turn needs to know of a conversation, as of `rev`: the revision rule makes a cached copy usable
 * only when `rev` is the record's base rev at the claim.
 */
export interface ConversationSnapshot {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly leadId: LeadId;
  readonly rev: Rev;
  readonly lastSeq: number;
  readonly owner: Owner;
  readonly optedOut: boolean;
  readonly summary: string;
  readonly slots: Slots;
  /** The last 50 at most, oldest first. */
  readonly messages: readonly ContextMessage[];
}

export interface OpeningHours {
  /** `0` Sunday … `6` Saturday → opening spans `["09:00","18:00"]` in the dealership's zone; absent means closed. */
  readonly [weekday: string]: readonly (readonly [string, string])[];
}

/** Milliseconds without a text until the reply to it is due; REPLY_MAX_WAIT_MS bounds all of them. */
export interface ReplyWindow {
  /** After a finished question or sentence. */
  readonly shortestMs: number;
  readonly normalMs: number;
  /** After a fragment. */
  readonly longestMs: number;
}

export interface FollowUpStep {
  /** Since the inquiry arrived. */
  readonly afterHours: number;
  /** May name `{name}`, `{vehicle}`, `{dealership}` and `{assistant}`. */
  readonly text: string;
}

export interface OrganizationSettings {
  readonly address?: string;
  readonly publicPhone?: string;
  readonly website?: string;
  readonly hours?: OpeningHours;
  /** Name the assistant gives itself; default `Jack`. */
  readonly assistantName?: string;
  /** How long to wait for more after a text, instead of the deployment's windows; `off`: every text is answered at once. */
  readonly replyWindow?: ReplyWindow | 'off';
  /** `off`: nothing leaves, whoever asks. */
  readonly sending?: 'on' | 'off';
  readonly quietHours?: {
    /** Replies to a shopper's text wait for the morning too. */
    readonly holdReplies?: boolean;
  };
  readonly limits?: {
    /** Texts that we start, to one person within 24 hours; at most what the law allows. */
    readonly startedPerPersonAndDay?: number;
    readonly segmentsPerText?: number;
    /** Of each of its numbers; default by kind: long code 1, toll-free 3, short code 100. */
    readonly segmentsPerSecond?: number;
    /** Of the assistant and the system; counted from when it is set. */
    readonly textsPerDay?: number;
  };
  /** Texts after an inquiry that nobody answered, in the order of their hours; absent: none. */
  readonly followUps?: readonly FollowUpStep[];
  readonly takeover?: {
    /** After so much silence of staff the assistant speaks again; absent: only when it is released. */
    readonly returnAfterMinutes?: number;
  };
  readonly alerts?: {
    /** Gets every alert, signed (services/alerts). */
    readonly webhookUrl?: string;
    /** Of the dealership's own people, who are texted when a person is needed. */
    readonly phones?: readonly E164[];
    /** Which kinds are texted; default: those that ask for a person now (TEXTED_KINDS). */
    readonly textedKinds?: readonly string[];
    /** Most texts to one phone; what is more is counted in the next. */
    readonly textsPerHour?: number;
  };
}

export interface Organization {
  readonly id: OrganizationId;
  readonly rev: Rev;
  readonly name: string;
  /** IANA zone, `America/Vancouver`. */
  readonly timezone: string;
  readonly phoneNumbers: readonly E164[];
  readonly settings: OrganizationSettings;
}

export interface Vehicle {
  readonly stockNumber: string;
  readonly condition: 'new' | 'used';
  readonly year: number;
  readonly make: string;
  readonly model: string;
  readonly trim: string;
  readonly bodyStyle: string;
  readonly color: string;
  readonly odometerKm: number;
  /** Whole units of `currency`; null when the dealership does not publish a price. */
  readonly price: number | null;
  readonly currency: string;
}

/** What the assistant of one organization works with; immutable for a given `rev`. */
export interface AgentConfiguration {
  readonly organization: Organization;
  readonly inventory: readonly Vehicle[];
}

/** What an organization's inbox shows at a glance, as of `asOf`. Times are ISO 8601 UTC. */
export interface LiveView {
  readonly asOf: string;
  /** Conversations in which something was said and that are not in the archive. */
  readonly open: number;
  /** Of these: a person speaks in them, and the shopper's text is the last. */
  readonly waitingForPerson: number;
  /** Of these: the assistant owes a reply. */
  readonly waitingForAssistant: number;
  readonly optedOut: number;
  readonly newestAt: string | null;
  /** The newest, at most ten. */
  readonly newest: readonly {
    readonly leadId: LeadId;
    readonly owner: Owner;
    readonly lastSeq: number;
    readonly lastMessageAt: string;
  }[];
}

/** A conversation as a model is asked with it, made at `rev`: the base rev, as of a snapshot. */
export interface ModelContext {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly rev: Rev;
  readonly messages: readonly {
    readonly role: 'system' | 'user' | 'assistant';
    readonly content: string;
  }[];
}

/** A chat that was taken over from a chat library; `rev` changes with its content. */
export interface Transcript {
  readonly id: string;
  readonly rev: string;
  readonly userName: string;
  /** As they were in the library's file, oldest first. */
  readonly messages: readonly Readonly<Record<string, unknown>>[];
}

/** A model provider's API key of one organization, sealed (services/secrets.ts), and what it was used for. */
export interface ProviderKey {
  readonly keySealed: string;
  readonly queries: number;
  readonly tokens: number;
  readonly balance: number | null;
}

/** Small facts of a session, as JSON; see services/sessions.ts for how much. */
export type SessionData = Readonly<Record<string, unknown>>;

/** Somebody who is logged in, as of `readAtMs`. All times are the record's clock, in milliseconds since the epoch. */
export interface Session {
  /** May be shown; opens nothing. */
  readonly id: string;
  /** SHA-256 of the token, hex. */
  readonly tokenHash: string;
  readonly organizationId: OrganizationId;
  readonly kind: 'guest' | 'staff';
  /** Guest: an opaque id of the handset. Staff: the name that the person gave. */
  readonly userId: string;
  /** Staff: the key it was opened with, without which it ends. */
  readonly apiKeyId: string | null;
  readonly data: SessionData;
  /** Raised by every change of `data` and by the end. */
  readonly rev: number;
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  readonly expiresAtMs: number;
  /** Whatever the use; null: only idleness ends it. */
  readonly endsAtMs: number | null;
  readonly readAtMs: number;
}

/** Of staff at a conversation: `presence` looks at it, `typing` writes. */
export type PresenceKind = 'presence' | 'typing';
/** By name, until when (milliseconds since the epoch) somebody is taken to be there. */
export type Presence = Readonly<Record<string, number>>;
