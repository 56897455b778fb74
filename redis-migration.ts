/**
 * The state door: the only way in for routes and turns. Every wrapper reads through Redis (or the Map), else the
 * record, and puts what it read back. The organization comes first, so a call that forgets it does not compile.
 */
import type { FallbackValue } from './services/cache/fallbackValues.js';
import type { CacheMode, CacheReport } from './services/cache.js';
import type { CacheAdapter } from './services/cacheAdapter.js';
import type { Clock } from './services/clock.js';
import type {
  AssistantMessage,
  ContextChange,
  ContextEdits,
  EditBy,
  MessageCounts,
} from './services/contextEdits.js';
import type { Logger } from './services/logger.js';
import { withLegacyReads } from './services/migration/legacyRecord.js';
import { Migration, type MigrationReport } from './services/migration/migration.js';
import type { LegacyReadThrough, ReadThroughOptions } from './services/migration/readThrough.js';
import type { MigrationOptions } from './services/migration/runTypes.js';
import type { EntrySource } from './services/migration/sources.js';
import type { ImportRecord, LegacyMaps, MigrationResult } from './services/migration/types.js';
import type {
  AgentConfiguration,
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  LiveView,
  Message,
  ModelContext,
  Organization,
  OrganizationId,
  Presence,
  PresenceKind,
  ProviderKey,
  Rev,
  Session,
  Slots,
  Transcript,
} from './services/types.js';

/** The shape of what `exportFallback` gives, for those who check it at the edge. */
export { fallbackValueSchema } from './services/cache/fallbackValues.js';

/** What the door asks the record for; services/record/state.ts answers. */
export interface StateRecord {
  /** State and last messages as of one moment; `rev` is the base rev. */
  readSnapshot(
    organizationId: OrganizationId,
    conversationId: ConversationId,
  ): Promise<ConversationSnapshot | undefined>;
  /** The rev that a lead's history is checked by; undefined when the organization has no such lead. */
  readHistoryRev(organizationId: OrganizationId, leadId: LeadId): Promise<Rev | undefined>;
  readHistory(
    organizationId: OrganizationId,
    leadId: LeadId,
    limit: number,
  ): Promise<{ readonly rev: Rev; readonly messages: readonly Message[] } | undefined>;
  findLeadIdByPhone(organizationId: OrganizationId, phone: E164): Promise<LeadId | undefined>;
  findPhoneByLeadId(organizationId: OrganizationId, leadId: LeadId): Promise<E164 | undefined>;
  findOrganizationIdByNumber(account: string, phone: E164): Promise<OrganizationId | undefined>;
  readOrganization(organizationId: OrganizationId): Promise<Organization | undefined>;
  readAgentConfiguration(organizationId: OrganizationId): Promise<AgentConfiguration | undefined>;
  /** Undefined when there is no such organization. */
  readLiveView(organizationId: OrganizationId): Promise<LiveView | undefined>;
  /** The token names the organization. Undefined when the session is over. */
  readSession(tokenHash: string): Promise<Session | undefined>;
}

/** What the door asks the record for what came from other servers; services/record/imports.ts answers. */
export interface ImportsRecord extends ImportRecord {
  /** What a cached transcript is checked by; undefined when there is none or its time is over. */
  readTranscriptRev(organizationId: OrganizationId, id: string): Promise<string | undefined>;
  readTranscript(organizationId: OrganizationId, id: string): Promise<Transcript | undefined>;
  /** Changes with any of the organization's keys. */
  readProviderKeysRev(organizationId: OrganizationId): Promise<string>;
  readProviderKeys(organizationId: OrganizationId): Promise<readonly ProviderKey[]>;
}

/** The movers' own needs. */
export interface MoverDeps {
  readonly imports: ImportsRecord;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface StateReport extends CacheReport {
  /** How often each wrapper was answered by the cache, and how often it had to ask the record. */
  readonly reads: Readonly<Record<string, { readonly cache: number; readonly record: number }>>;
}

const HISTORY_MESSAGES = 50;

export class StateDoor {
  readonly #adapter: CacheAdapter;
  readonly #record: StateRecord;
  readonly #reads = new Map<string, { cache: number; record: number }>();
  readonly #imports: ImportsRecord | undefined;
  readonly #migration: Migration | undefined;
  readonly #edits: ContextEdits | undefined;

  private constructor(
    adapter: CacheAdapter,
    record: StateRecord,
    movers: MoverDeps | undefined,
    edits: ContextEdits | undefined,
  ) {
    this.#adapter = adapter;
    this.#edits = edits;
    this.#imports = movers?.imports;
    this.#migration =
      movers &&
      Migration.create({
        ...movers,
        record: movers.imports,
        warm: async (organizationId, { conversationId }) => {
          const snapshot = await record.readSnapshot(organizationId, conversationId);
          if (snapshot) await adapter.storeSnapshot(organizationId, snapshot);
        },
        warmTranscript: (organizationId, id) => this.getTranscript(organizationId, id),
      });
    this.#record = withLegacyReads(record, () => this.#migration?.readThroughs ?? []);
  }

  /** @param movers absent where nothing is moved in from other servers. @param edits where no context is changed. */
  static create({
    adapter,
    record,
    movers,
    edits,
  }: {
    readonly adapter: CacheAdapter;
    readonly record: StateRecord;
    readonly movers?: MoverDeps;
    readonly edits?: ContextEdits;
  }): StateDoor {
    return new StateDoor(adapter, record, movers, edits);
  }

  /**
   * Moves the Maps of a running server into the record, where they are kept, and warms the cache with what is in use.
   * Safe to call again: entries that have not changed since are skipped, and nothing newer is overwritten.
   */
  async migrateExistingMaps(maps: LegacyMaps, options?: MigrationOptions): Promise<MigrationResult> {
    return await this.#movers().migrateMaps(maps, options);
  }

  /** The same from a file; services/migration/jsonFile.ts reads them. */
  async migrateFrom(source: EntrySource, options?: MigrationOptions): Promise<MigrationResult> {
    return await this.#movers().migrate(source, options);
  }

  /** From here on a read that finds nothing asks this Map too, and moves what it finds, once. */
  createLegacyReadThrough(options: ReadThroughOptions): LegacyReadThrough {
    return this.#movers().createLegacyReadThrough(options);
  }

  /** Of this process; null when it moves nothing. */
  migrationReport(): MigrationReport | null {
    return this.#migration?.report() ?? null;
  }

  /** A chat that was taken over from a chat library; undefined when there is none or its 30 days are over. */
  async getTranscript(organizationId: OrganizationId, id: string): Promise<Transcript | undefined> {
    const rev = await this.#imports?.readTranscriptRev(organizationId, id);
    if (rev === undefined) return undefined;
    const cached = await this.#adapter.getTranscript(organizationId, id, rev);
    this.#count('transcript', cached !== undefined);
    if (cached) return cached;
    const transcript = await this.#imports?.readTranscript(organizationId, id);
    if (transcript) await this.#adapter.storeTranscript(organizationId, transcript);
    return transcript;
  }

  /** Keys of model providers, sealed; they never expire. */
  async getProviderKeys(organizationId: OrganizationId): Promise<readonly ProviderKey[]> {
    const imports = this.#imports;
    if (!imports) return [];
    const rev = await imports.readProviderKeysRev(organizationId);
    const cached = await this.#adapter.getProviderKeys(organizationId, rev);
    this.#count('providerKey', cached !== undefined);
    if (cached) return cached;
    const keys = await imports.readProviderKeys(organizationId);
    await this.#adapter.storeProviderKeys(organizationId, { rev, keys });
    return keys;
  }

  /**
   * The state of a conversation for a turn. A snapshot from the cache is exactly that of `baseRev`. One from the record
   * is that of now, so its `rev` is the caller's to compare; it is not stored here, since the turn stores a newer one.
   */
  async getConversationSnapshot(
    organizationId: OrganizationId,
    { conversationId, baseRev }: { readonly conversationId: ConversationId; readonly baseRev: Rev },
  ): Promise<{ readonly snapshot: ConversationSnapshot | undefined; readonly source: 'cache' | 'record' }> {
    const cached = await this.#adapter.getSnapshot(organizationId, conversationId, baseRev);
    this.#count('snapshot', cached !== undefined);
    if (cached) return { snapshot: cached, source: 'cache' };
    return { snapshot: await this.#record.readSnapshot(organizationId, conversationId), source: 'record' };
  }

  async storeConversationSnapshot(
    organizationId: OrganizationId,
    snapshot: ConversationSnapshot,
  ): Promise<void> {
    await this.#adapter.storeSnapshot(organizationId, snapshot);
  }

  /** What the assistant has learned. */
  async getConversationContext(
    organizationId: OrganizationId,
    at: { readonly conversationId: ConversationId; readonly baseRev: Rev },
  ): Promise<Slots | undefined> {
    return (await this.getConversationSnapshot(organizationId, at)).snapshot?.slots;
  }

  async getConversationSummary(
    organizationId: OrganizationId,
    at: { readonly conversationId: ConversationId; readonly baseRev: Rev },
  ): Promise<string | undefined> {
    return (await this.getConversationSnapshot(organizationId, at)).snapshot?.summary;
  }

  /** The first message that the assistant may see; undefined when there is none. */
  async getFirstMessage(organizationId: OrganizationId, leadId: LeadId): Promise<Message | undefined> {
    return await this.#contextEdits().firstMessage(organizationId, leadId);
  }

  async getLastMessage(organizationId: OrganizationId, leadId: LeadId): Promise<Message | undefined> {
    return await this.#contextEdits().lastMessage(organizationId, leadId);
  }

  async countMessages(organizationId: OrganizationId, leadId: LeadId): Promise<MessageCounts | undefined> {
    return await this.#contextEdits().countMessages(organizationId, leadId);
  }

  /** Takes the last messages out of the assistant's context, with what it learned since; people still see them. */
  async retractLast(
    organizationId: OrganizationId,
    by: EditBy,
    count: 1 | 2,
  ): Promise<ContextChange | undefined> {
    return await this.#dropped(organizationId, this.#contextEdits().retractLast(organizationId, by, count));
  }

  async retractLastWithMedia(organizationId: OrganizationId, by: EditBy): Promise<ContextChange | undefined> {
    return await this.#dropped(organizationId, this.#contextEdits().retractLastWithMedia(organizationId, by));
  }

  /** The assistant begins anew: no message, nothing learned. */
  async resetConversation(organizationId: OrganizationId, by: EditBy): Promise<ContextChange | undefined> {
    return await this.#dropped(organizationId, this.#contextEdits().reset(organizationId, by));
  }

  /** Records what the assistant said elsewhere; nothing is sent. @throws JackError E_CONFLICT, E_INPUT_INVALID */
  async appendAssistantMessages(
    organizationId: OrganizationId,
    by: EditBy,
    messages: readonly AssistantMessage[],
  ): Promise<readonly Message[] | undefined> {
    return await this.#contextEdits().appendAssistantMessages(organizationId, by, messages);
  }

  /** The last 50 messages of a lead, oldest first; undefined when the organization has no such lead. */
  async getConversationHistory(
    organizationId: OrganizationId,
    leadId: LeadId,
  ): Promise<readonly Message[] | undefined> {
    const rev = await this.#record.readHistoryRev(organizationId, leadId);
    if (rev === undefined) return undefined;
    const cached = await this.#adapter.getHistory(organizationId, leadId, rev);
    this.#count('history', cached !== undefined);
    if (cached) return cached.messages;
    const page = await this.#record.readHistory(organizationId, leadId, HISTORY_MESSAGES);
    if (page) await this.#adapter.storeHistory(organizationId, leadId, page);
    return page?.messages;
  }

  async getLeadIdByPhone(organizationId: OrganizationId, phone: E164): Promise<LeadId | undefined> {
    return await this.#adapter.leadIdByPhone(
      organizationId,
      phone,
      this.#counted('phoneToLead', () => this.#record.findLeadIdByPhone(organizationId, phone)),
    );
  }

  async getPhoneByLeadId(organizationId: OrganizationId, leadId: LeadId): Promise<E164 | undefined> {
    return await this.#adapter.phoneByLeadId(
      organizationId,
      leadId,
      this.#counted('leadToPhone', () => this.#record.findPhoneByLeadId(organizationId, leadId)),
    );
  }

  /** Call it after the commit that erased a lead or changed its phone. */
  async dropLead(organizationId: OrganizationId, leadId: LeadId, phone: E164): Promise<void> {
    await this.#adapter.dropLead(organizationId, leadId, phone);
  }

  /** Call it after the commit that put its messages into the archive. */
  async dropConversation(
    organizationId: OrganizationId,
    at: { readonly conversationId: ConversationId; readonly leadId: LeadId },
  ): Promise<void> {
    await this.#adapter.dropConversation(organizationId, at);
  }

  /** Whether the cache holds the snapshot of this rev, so that warming may pass it over. */
  async hasConversationSnapshot(
    organizationId: OrganizationId,
    { conversationId, baseRev }: { readonly conversationId: ConversationId; readonly baseRev: Rev },
  ): Promise<boolean> {
    return (await this.#adapter.getSnapshot(organizationId, conversationId, baseRev)) !== undefined;
  }

  /** Counts and newest conversations, up to 10 s old: for a glance, not for what follows a caller's own write. */
  async getLiveView(organizationId: OrganizationId): Promise<LiveView | undefined> {
    return await this.#adapter.liveView(
      organizationId,
      this.#counted('liveView', () => this.#record.readLiveView(organizationId)),
    );
  }

  /** Who looks at a conversation or writes in it; only the cache knows. */
  async getPresence(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    kind: PresenceKind,
  ): Promise<Presence | undefined> {
    return await this.#adapter.getPresence(organizationId, conversationId, kind);
  }

  async storePresence(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    kind: PresenceKind,
    presence: Presence,
  ): Promise<void> {
    await this.#adapter.storePresence(organizationId, conversationId, kind, presence);
  }

  /** What `storeModelContext` kept at this base rev; anything else is a miss. */
  async getModelContext(
    organizationId: OrganizationId,
    { conversationId, baseRev }: { readonly conversationId: ConversationId; readonly baseRev: Rev },
  ): Promise<ModelContext | undefined> {
    return await this.#adapter.getModelContext(organizationId, conversationId, baseRev);
  }

  async storeModelContext(organizationId: OrganizationId, context: ModelContext): Promise<void> {
    await this.#adapter.storeModelContext(organizationId, context);
  }

  /**
   * What `model` answered to the same question (but for case and white space) of the same organization at the same `rev`.
   * Questions of more than 2,000 characters have no answers kept.
   */
  async getModelAnswer(
    organizationId: OrganizationId,
    question: { readonly rev: Rev; readonly model: string; readonly prompt: string },
  ): Promise<string | undefined> {
    return await this.#adapter.getModelAnswer(organizationId, question);
  }

  /** Only for answers that depend on nothing but the organization and the question: whoever asks gets them for a day. */
  async storeModelAnswer(
    organizationId: OrganizationId,
    question: { readonly rev: Rev; readonly model: string; readonly prompt: string },
    answer: string,
  ): Promise<void> {
    await this.#adapter.storeModelAnswer(organizationId, question, answer);
  }

  async getOrganization(organizationId: OrganizationId, rev: Rev): Promise<Organization | undefined> {
    return await this.#adapter.organization(
      organizationId,
      rev,
      this.#counted('organization', () => this.#record.readOrganization(organizationId)),
    );
  }

  async getOrganizationIdByNumber(account: string, phone: E164): Promise<OrganizationId | undefined> {
    return await this.#adapter.organizationIdByNumber(
      account,
      phone,
      this.#counted('organizationByNumber', () => this.#record.findOrganizationIdByNumber(account, phone)),
    );
  }

  /** Call it after the commit that added or removed a number. */
  async dropNumber(account: string, phone: E164): Promise<void> {
    await this.#adapter.dropNumber(account, phone);
  }

  async getAgentConfiguration(
    organizationId: OrganizationId,
    rev: Rev,
  ): Promise<AgentConfiguration | undefined> {
    return await this.#adapter.agentConfiguration(
      organizationId,
      rev,
      this.#counted('agent', () => this.#record.readAgentConfiguration(organizationId)),
    );
  }

  /** The live session of a token. @param isUsable whether a copy may stand for the record (services/sessions.ts). */
  async getSession(tokenHash: string, isUsable: (copy: Session) => boolean): Promise<Session | undefined> {
    const cached = await this.#adapter.getSession(tokenHash, isUsable);
    this.#count('session', cached !== undefined);
    if (cached) return cached;
    const session = await this.#record.readSession(tokenHash);
    if (session) await this.#adapter.storeSession(session);
    return session;
  }

  async storeSession(session: Session): Promise<void> {
    await this.#adapter.storeSession(session);
  }

  /** Call it after the commit that ended them. */
  async dropSessions(tokenHashes: readonly string[]): Promise<void> {
    await this.#adapter.dropSessions(tokenHashes);
  }

  /** @returns how many cached values of the organization there were. */
  async clearOrganization(organizationId: OrganizationId): Promise<number> {
    return await this.#adapter.clearOrganization(organizationId);
  }

  /** What the Map holds for Redis: values that carry a rev, to be saved before a restart in an outage. */
  exportFallback(): Generator<FallbackValue> {
    return this.#adapter.exportFallback();
  }

  /** Takes them in again. @throws JackError E_INPUT_INVALID for a value that is not of this deployment. */
  importFallback(values: readonly FallbackValue[]): void {
    this.#adapter.importFallback(values);
  }

  mode(): CacheMode {
    return this.#adapter.mode();
  }

  /** Serves from the Map although Redis answers, until called with `false`. @returns the mode now in force. */
  async setForced(isForced: boolean): Promise<CacheMode> {
    return await this.#adapter.setForced(isForced);
  }

  report(): StateReport {
    return { ...this.#adapter.report(), reads: Object.fromEntries(this.#reads) };
  }

  /** No copy with the old base is usable; what was taken out need not lie in Redis until its time is over either. */
  async #dropped(
    organizationId: OrganizationId,
    changing: Promise<ContextChange | undefined>,
  ): Promise<ContextChange | undefined> {
    const change = await changing;
    if (change) await this.#adapter.dropSnapshot(organizationId, change.conversationId);
    return change;
  }

  #contextEdits(): ContextEdits {
    if (!this.#edits) throw new Error('This door has no record whose context could be changed.');
    return this.#edits;
  }

  #movers(): Migration {
    if (!this.#migration) throw new Error('This door has no record to move entries into.');
    return this.#migration;
  }

  #counted<T>(kind: string, load: () => Promise<T>): () => Promise<T> {
    return async () => {
      this.#count(kind, false);
      return await load();
    };
  }

  #count(kind: string, isCached: boolean): void {
    const counts = this.#reads.get(kind) ?? { cache: 0, record: 0 };
    counts[isCached ? 'cache' : 'record'] += 1;
    this.#reads.set(kind, counts);
  }
}
