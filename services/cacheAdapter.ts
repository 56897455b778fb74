/**
 * State of conversations as verbs, the organization first. What is read is checked here: a snapshot counts only for
 * the rev, organization and conversation that were asked for, whatever lies under its name.
 */
import type { FallbackValue } from './cache/fallbackValues.js';
import type { Cache, CacheMode, CacheReport } from './cache.js';
import type { Keys } from './cacheAdapter/keys.js';
import { normalisePrompt } from './cacheAdapter/prompt.js';
import type { HistoryPage, ProviderKeyList } from './cacheAdapter/types.js';
import { JackError } from './errors.js';
import type {
  AgentConfiguration,
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  LiveView,
  ModelContext,
  Organization,
  OrganizationId,
  Presence,
  PresenceKind,
  ProviderKey,
  Rev,
  Session,
  Transcript,
} from './types.js';

const MAX_ANSWER_LENGTH = 8_000;

export class CacheAdapter {
  readonly #cache: Cache;
  readonly #keys: Keys;

  private constructor(cache: Cache, keys: Keys) {
    this.#cache = cache;
    this.#keys = keys;
  }

  static create({ cache, keys }: { readonly cache: Cache; readonly keys: Keys }): CacheAdapter {
    return new CacheAdapter(cache, keys);
  }

  /** @returns the snapshot made at `rev`; anything else is a miss. */
  getSnapshot(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    rev: Rev,
  ): Promise<ConversationSnapshot | undefined> {
    return this.#cache.get(
      this.#keys.snapshot(organizationId, conversationId),
      (stored) =>
        stored.rev === rev &&
        stored.organizationId === organizationId &&
        stored.conversationId === conversationId,
    );
  }

  storeSnapshot(organizationId: OrganizationId, snapshot: ConversationSnapshot): Promise<void> {
    return this.#cache.set(this.#keys.snapshot(organizationId, snapshot.conversationId), snapshot);
  }

  /** All that is kept of one conversation, for when it is put away. */
  async dropConversation(
    organizationId: OrganizationId,
    { conversationId, leadId }: { readonly conversationId: ConversationId; readonly leadId: LeadId },
  ): Promise<void> {
    await this.#cache.delete([
      this.#keys.snapshot(organizationId, conversationId),
      this.#keys.modelContext(organizationId, conversationId),
      this.#keys.presence(organizationId, conversationId, 'presence'),
      this.#keys.presence(organizationId, conversationId, 'typing'),
      this.#keys.history(organizationId, leadId),
    ]);
  }

  async dropSnapshot(organizationId: OrganizationId, conversationId: ConversationId): Promise<void> {
    await this.#cache.delete([this.#keys.snapshot(organizationId, conversationId)]);
  }

  /** @returns the page read at `rev`; anything else is a miss. */
  async getHistory(
    organizationId: OrganizationId,
    leadId: LeadId,
    rev: Rev,
  ): Promise<HistoryPage | undefined> {
    return await this.#cache.get(this.#keys.history(organizationId, leadId), (page) => page.rev === rev);
  }

  async storeHistory(organizationId: OrganizationId, leadId: LeadId, page: HistoryPage): Promise<void> {
    await this.#cache.set(this.#keys.history(organizationId, leadId), page);
  }

  leadIdByPhone(
    organizationId: OrganizationId,
    phone: E164,
    load: () => Promise<LeadId | undefined>,
  ): Promise<LeadId | undefined> {
    return this.#cache.getOrLoad(this.#keys.phoneToLead(organizationId, phone), load);
  }

  async phoneByLeadId(
    organizationId: OrganizationId,
    leadId: LeadId,
    load: () => Promise<E164 | undefined>,
  ): Promise<E164 | undefined> {
    return await this.#cache.getOrLoad(this.#keys.leadToPhone(organizationId, leadId), load);
  }

  /** After a lead was erased or changed its phone. */
  async dropLead(organizationId: OrganizationId, leadId: LeadId, phone: E164): Promise<void> {
    await this.#cache.delete([
      this.#keys.phoneToLead(organizationId, phone),
      this.#keys.leadToPhone(organizationId, leadId),
      this.#keys.history(organizationId, leadId),
    ]);
  }

  async organization(
    organizationId: OrganizationId,
    rev: Rev,
    load: () => Promise<Organization | undefined>,
  ): Promise<Organization | undefined> {
    return await this.#cache.getOrLoad(this.#keys.organization(organizationId, rev), load);
  }

  organizationIdByNumber(
    account: string,
    phone: E164,
    load: () => Promise<OrganizationId | undefined>,
  ): Promise<OrganizationId | undefined> {
    return this.#cache.getOrLoad(this.#keys.organizationByNumber(account, phone), load);
  }

  async dropNumber(account: string, phone: E164): Promise<void> {
    await this.#cache.delete([this.#keys.organizationByNumber(account, phone)]);
  }

  async agentConfiguration(
    organizationId: OrganizationId,
    rev: Rev,
    load: () => Promise<AgentConfiguration | undefined>,
  ): Promise<AgentConfiguration | undefined> {
    return await this.#cache.getOrLoad(this.#keys.agent(organizationId, rev), load);
  }

  /** @param isUsable tells whether a copy may stand for the record; any other is a miss. */
  async getSession(tokenHash: string, isUsable: (session: Session) => boolean): Promise<Session | undefined> {
    return await this.#cache.get(
      this.#keys.session(tokenHash),
      (session) => session.tokenHash === tokenHash && isUsable(session),
    );
  }

  async storeSession(session: Session): Promise<void> {
    await this.#cache.set(this.#keys.session(session.tokenHash, session.organizationId), session);
  }

  async dropSessions(tokenHashes: readonly string[]): Promise<void> {
    await this.#cache.delete(tokenHashes.map((tokenHash) => this.#keys.session(tokenHash)));
  }

  async liveView(
    organizationId: OrganizationId,
    load: () => Promise<LiveView | undefined>,
  ): Promise<LiveView | undefined> {
    return await this.#cache.getOrLoad(this.#keys.liveView(organizationId), load);
  }

  /** Entries may be over already: readers compare the times inside. */
  async getPresence(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    kind: PresenceKind,
  ): Promise<Presence | undefined> {
    return await this.#cache.get(this.#keys.presence(organizationId, conversationId, kind));
  }

  async storePresence(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    kind: PresenceKind,
    presence: Presence,
  ): Promise<void> {
    await this.#cache.set(this.#keys.presence(organizationId, conversationId, kind), presence);
  }

  /** @returns the context made at `rev`; anything else is a miss. */
  async getModelContext(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    rev: Rev,
  ): Promise<ModelContext | undefined> {
    return await this.#cache.get(
      this.#keys.modelContext(organizationId, conversationId),
      (stored) =>
        stored.rev === rev &&
        stored.organizationId === organizationId &&
        stored.conversationId === conversationId,
    );
  }

  async storeModelContext(organizationId: OrganizationId, context: ModelContext): Promise<void> {
    await this.#cache.set(this.#keys.modelContext(organizationId, context.conversationId), context);
  }

  /** @returns what `model` answered to the same question while the organization had this rev. */
  async getModelAnswer(
    organizationId: OrganizationId,
    { rev, model, prompt }: { readonly rev: Rev; readonly model: string; readonly prompt: string },
  ): Promise<string | undefined> {
    const normalised = normalisePrompt(prompt);
    if (normalised === undefined) return undefined;
    return await this.#cache.get(this.#keys.answer(organizationId, rev, model, normalised));
  }

  /** Only for answers that depend on the organization and the question alone. Over 8,000 characters it is not kept. */
  async storeModelAnswer(
    organizationId: OrganizationId,
    { rev, model, prompt }: { readonly rev: Rev; readonly model: string; readonly prompt: string },
    answer: string,
  ): Promise<void> {
    const normalised = normalisePrompt(prompt);
    if (normalised === undefined || answer.length > MAX_ANSWER_LENGTH) return;
    await this.#cache.set(this.#keys.answer(organizationId, rev, model, normalised), answer);
  }

  /** @returns the transcript of this rev; anything else is a miss. */
  async getTranscript(
    organizationId: OrganizationId,
    id: string,
    rev: string,
  ): Promise<Transcript | undefined> {
    return await this.#cache.get(
      this.#keys.transcript(organizationId, id),
      (transcript) => transcript.rev === rev && transcript.id === id,
    );
  }

  async storeTranscript(organizationId: OrganizationId, transcript: Transcript): Promise<void> {
    await this.#cache.set(this.#keys.transcript(organizationId, transcript.id), transcript);
  }

  /** @returns the sealed keys of this rev; anything else is a miss. */
  async getProviderKeys(
    organizationId: OrganizationId,
    rev: string,
  ): Promise<readonly ProviderKey[] | undefined> {
    const list = await this.#cache.get(
      this.#keys.providerKeys(organizationId),
      (stored) => stored.rev === rev,
    );
    return list?.keys;
  }

  async storeProviderKeys(organizationId: OrganizationId, list: ProviderKeyList): Promise<void> {
    await this.#cache.set(this.#keys.providerKeys(organizationId), list);
  }

  /** @returns how many values there were. */
  async clearOrganization(organizationId: OrganizationId): Promise<number> {
    return await this.#cache.clearTag(this.#keys.tags.organization(organizationId));
  }

  exportFallback(): Generator<FallbackValue> {
    return this.#cache.exportFallback();
  }

  /** @throws JackError E_INPUT_INVALID when one of them is not a value of this deployment; then none is taken in. */
  importFallback(values: readonly FallbackValue[]): void {
    if (values.some(({ name }) => !this.#keys.owns(name))) {
      throw new JackError('E_INPUT_INVALID', 'A value has a name that this deployment does not use.');
    }
    this.#cache.importFallback(values);
  }

  mode(): CacheMode {
    return this.#cache.mode;
  }

  async setForced(isForced: boolean): Promise<CacheMode> {
    return await this.#cache.setForced(isForced);
  }

  report(): CacheReport {
    return this.#cache.report();
  }
}
