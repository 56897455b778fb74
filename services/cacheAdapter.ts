/**
 * State of conversations as verbs, the organization first. What is read is checked here: a snapshot counts only for
 * the rev, organization and conversation that were asked for, whatever lies under its name.
 */
import type { Cache, CacheMode, CacheReport } from './cache.js';
import type { Keys } from './cacheAdapter/keys.js';
import type { HistoryPage } from './cacheAdapter/types.js';
import type {
  AgentConfiguration,
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  Organization,
  OrganizationId,
  Rev,
} from './types.js';

/** Raised when the shape of a snapshot changes: another version's is a miss. */
const SNAPSHOT_VERSION = 1;

type Stored = ConversationSnapshot & { readonly v?: number };

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
  async getSnapshot(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    rev: Rev,
  ): Promise<ConversationSnapshot | undefined> {
    const stored = (await this.#cache.get(this.#keys.snapshot(organizationId, conversationId))) as
      | Stored
      | undefined;
    const fits =
      stored?.v === SNAPSHOT_VERSION &&
      stored.organizationId === organizationId &&
      stored.conversationId === conversationId &&
      stored.rev === rev;
    return fits ? stored : undefined;
  }

  async storeSnapshot(organizationId: OrganizationId, snapshot: ConversationSnapshot): Promise<void> {
    const stored: Stored = { ...snapshot, v: SNAPSHOT_VERSION };
    await this.#cache.set(this.#keys.snapshot(organizationId, snapshot.conversationId), stored);
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
    const page = await this.#cache.get(this.#keys.history(organizationId, leadId));
    return page?.rev === rev ? page : undefined;
  }

  async storeHistory(organizationId: OrganizationId, leadId: LeadId, page: HistoryPage): Promise<void> {
    await this.#cache.set(this.#keys.history(organizationId, leadId), page);
  }

  async leadIdByPhone(
    organizationId: OrganizationId,
    phone: E164,
    load: () => Promise<LeadId | undefined>,
  ): Promise<LeadId | undefined> {
    return await this.#cache.getOrLoad(this.#keys.phoneToLead(organizationId, phone), load);
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

  async organizationIdByNumber(
    account: string,
    phone: E164,
    load: () => Promise<OrganizationId | undefined>,
  ): Promise<OrganizationId | undefined> {
    return await this.#cache.getOrLoad(this.#keys.organizationByNumber(account, phone), load);
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

  /** @returns how many values there were. */
  async clearOrganization(organizationId: OrganizationId): Promise<number> {
    return await this.#cache.clearOrganization(organizationId);
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
