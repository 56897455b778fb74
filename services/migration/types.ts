/** What is moved in, in the form that the record takes, and what came of it. */
import type {
  ConversationId,
  Direction,
  E164,
  LeadId,
  Media,
  MessageStatus,
  OrganizationId,
  OrganizationSettings,
  Owner,
  Sender,
  Slots,
  Vehicle,
} from '../types.js';

/** The Maps of a server that keeps its state in the process, in the order in which they are moved. */
export const MAP_KINDS = [
  'organizations',
  'agentConfigs',
  'phoneToLead',
  'leadToPhone',
  'conversationHistory',
  'conversationContexts',
  'conversationSummaries',
] as const;
export type MapKind = (typeof MAP_KINDS)[number];

/** The two lists of a chat library's JSON database. */
export const CHAT_KINDS = ['conversations', 'keys'] as const;
export type ChatKind = (typeof CHAT_KINDS)[number];

export type MigrationKind = MapKind | ChatKind;

/** Maps keyed `organization:phone`, `organization:leadId` or by organization; bare phones need `organizationOf`. */
export type LegacyMaps = { readonly [Kind in MapKind]?: ReadonlyMap<string, unknown> };

export interface ImportedMessage {
  /** The id it had in the source; only used to know it again. */
  readonly sourceId: string | undefined;
  readonly accountSid: string | undefined;
  readonly messageSid: string | undefined;
  readonly direction: Direction;
  readonly sender: Sender;
  readonly body: string;
  readonly media: readonly Media[];
  readonly status: MessageStatus;
  /** Milliseconds since the epoch; undefined when the source does not say. */
  readonly atMs: number | undefined;
}

export interface ImportedContext {
  readonly slots: Slots;
  readonly summary: string | undefined;
  readonly isOptedOut: boolean;
  readonly optedOutAtMs: number | undefined;
  readonly owner: Owner | undefined;
  readonly ownerName: string | undefined;
  readonly dealershipNumber: E164 | undefined;
  readonly email: string | undefined;
  /** When the source last changed it. */
  readonly updatedAtMs: number | undefined;
}

export interface ImportedLead {
  /** The id it had in the source. A UUID that nobody has is kept as the lead's id. */
  readonly sourceId: string | undefined;
  readonly phone: E164;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly status: string | undefined;
}

export interface ImportedOrganization {
  readonly name: string;
  readonly timezone: string;
  readonly phoneNumbers: readonly E164[];
  readonly settings: OrganizationSettings;
}

export interface ImportedAgent {
  readonly settings: OrganizationSettings;
  readonly inventory: readonly Vehicle[];
}

export interface ImportedChat {
  readonly id: string;
  readonly userName: string;
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly lastMessageAtMs: number | undefined;
}

export interface ImportedProviderKey {
  readonly key: string;
  readonly queries: number;
  readonly tokens: number;
  readonly balance: number | undefined;
}

interface Of<Kind extends MigrationKind, Value> {
  readonly kind: Kind;
  readonly organizationId: OrganizationId;
  readonly value: Value;
}

interface OfPerson<Kind extends MigrationKind, Value> extends Of<Kind, Value> {
  readonly phone: E164;
}

export type ConversationItem =
  | OfPerson<'conversationHistory', readonly ImportedMessage[]>
  | OfPerson<'conversationContexts', ImportedContext>
  | OfPerson<'conversationSummaries', { readonly summary: string }>;
export type LeadItem = OfPerson<'phoneToLead', ImportedLead> | OfPerson<'leadToPhone', ImportedLead>;

/** One entry, checked and brought into the record's terms. */
export type ImportItem =
  | Of<'organizations', ImportedOrganization>
  | Of<'agentConfigs', ImportedAgent>
  | LeadItem
  | ConversationItem
  | Of<'conversations', ImportedChat>
  | Of<'keys', ImportedProviderKey>;

/** `differs`: the record holds something else, which stays. */
export type Outcome = 'written' | 'skipped' | 'differs';

export interface Applied {
  readonly outcome: Outcome | 'invalid';
  /** Why it is invalid. */
  readonly reason?: string;
  /** Worth telling the operator, without personal data: `field_without_a_place:mood`. */
  readonly notes?: readonly string[];
  /** The conversation that changed, whose snapshot may be put into the cache. */
  readonly conversation?: {
    readonly id: ConversationId;
    readonly leadId: LeadId;
    readonly lastMessageAtMs: number;
  };
}

/** Where entries go; services/record/imports.ts is the record's. */
export interface ImportRecord {
  /** Idempotent; in one transaction, which is rolled back for a dry run. @throws JackError E_DB_UNAVAILABLE */
  apply(item: ImportItem, options: { readonly isDryRun: boolean }): Promise<Applied>;
  /** For each item, in order, whether exactly this was moved in before. */
  areKnown(items: readonly ImportItem[]): Promise<readonly boolean[]>;
}

export interface KindCounts {
  /** Entries seen. */
  read: number;
  written: number;
  /** The record has it already, or something newer. */
  skipped: number;
  differs: number;
  needsOrganization: number;
  invalid: number;
}

export interface RejectedEntry {
  readonly kind: MigrationKind;
  /** Masked. */
  readonly key: string;
  readonly reason: string;
}

export interface MigrationResult {
  readonly isDryRun: boolean;
  /** False when it was stopped between two batches. */
  readonly isComplete: boolean;
  readonly durationMs: number;
  readonly kinds: Readonly<Partial<Record<MigrationKind, KindCounts>>>;
  /** How often each reason and note came up, over all kinds. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly notes: Readonly<Record<string, number>>;
  /** The first of them. */
  readonly rejected: readonly RejectedEntry[];
  readonly warmed: number;
}
