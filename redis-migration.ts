/**
 * The state door: the only way in for routes and turns. Every wrapper reads through Redis (or the Map), else the
 * record, and puts what it read back. The organization comes first, so a call that forgets it does not compile.
 */
import type { CacheMode, CacheReport } from './services/cache.js';
import type { CacheAdapter } from './services/cacheAdapter.js';
import type {
  AgentConfiguration,
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  Message,
  Organization,
  OrganizationId,
  Rev,
  Slots,
} from './services/types.js';

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

  private constructor(adapter: CacheAdapter, record: StateRecord) {
    this.#adapter = adapter;
    this.#record = record;
  }

  static create({
    adapter,
    record,
  }: {
    readonly adapter: CacheAdapter;
    readonly record: StateRecord;
  }): StateDoor {
    return new StateDoor(adapter, record);
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

  /** @returns how many cached values of the organization there were. */
  async clearOrganization(organizationId: OrganizationId): Promise<number> {
    return await this.#adapter.clearOrganization(organizationId);
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
