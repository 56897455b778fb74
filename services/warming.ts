/**
 * After a start the caches of a new process, or an emptied Redis, are filled with what is in use: settings of the
 * organizations, and the conversations of the last hours. In the background, in small batches and at a bounded rate, so
 * that texts come first; what Redis holds at the right rev already is passed over. Nothing waits for it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { StateDoor } from '../redis-migration.js';
import type { Clock } from './clock.js';
import type { Database } from './db/client.js';
import { asError } from './errors.js';
import type { Logger } from './logger.js';
import { readSnapshots } from './record/state.js';
import { listRecent, type RecentConversation } from './record/warming.js';
import type { OrganizationId } from './types.js';

export interface WarmingLimits {
  /** Conversations in which something was said since so long; 0: none. */
  readonly sinceMs: number;
  readonly maxConversations: number;
  readonly batch: number;
  /** After each batch. */
  readonly pauseMs: number;
}

export interface WarmingReport {
  readonly state: 'waiting' | 'running' | 'done' | 'stopped' | 'failed';
  readonly organizations: number;
  /** Read from the record and stored. */
  readonly stored: number;
  /** Found in the cache. */
  readonly held: number;
  readonly durationMs: number;
}

export interface WarmingDeps {
  readonly database: Database;
  readonly state: Pick<
    StateDoor,
    'getAgentConfiguration' | 'hasConversationSnapshot' | 'storeConversationSnapshot'
  >;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<WarmingLimits>;
}

const DEFAULT_LIMITS: WarmingLimits = {
  sinceMs: 2 * 60 * 60_000,
  maxConversations: 5_000,
  batch: 50,
  // At most some 1,600 conversations a second.
  pauseMs: 30,
};
const PROGRESS_EVERY_MS = 5_000;

export class Warming {
  readonly #deps: WarmingDeps;
  readonly #limits: WarmingLimits;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #report: WarmingReport = { state: 'waiting', organizations: 0, stored: 0, held: 0, durationMs: 0 };

  private constructor(deps: WarmingDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  static create(deps: WarmingDeps): Warming {
    return new Warming(deps);
  }

  /** Returns at once. */
  start(): void {
    if (this.#limits.sinceMs <= 0 || this.#report.state !== 'waiting') return;
    this.#running = this.#run();
  }

  /** A batch under way is finished. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  report(): WarmingReport {
    return this.#report;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#deps;
    const startedAtMs = clock.monotonicMs();
    this.#update({ state: 'running' });
    try {
      await this.#warmAll(startedAtMs);
      this.#update({ state: this.#stopping.signal.aborted ? 'stopped' : 'done' });
    } catch (error) {
      this.#update({ state: 'failed' });
      logger.warn('warming broke off; what is missing is read when it is needed', { error: asError(error) });
    }
    this.#update({ durationMs: Math.round(clock.monotonicMs() - startedAtMs) });
    if (this.#report.stored + this.#report.held > 0) logger.info('warming ended', { ...this.#report });
  }

  async #warmAll(startedAtMs: number): Promise<void> {
    const { database, logger, clock } = this.#deps;
    const { sinceMs, maxConversations, batch, pauseMs } = this.#limits;
    const organizations = new Set<OrganizationId>();
    let toldAtMs = startedAtMs;
    let seen = 0;
    for (let after: RecentConversation | undefined; seen < maxConversations && !this.#isStopping(); ) {
      const limit = Math.min(batch, maxConversations - seen);
      const recent = await listRecent(database, { sinceMs, after, limit });
      await this.#warmOrganizations(recent, organizations);
      await this.#warmConversations(recent);
      seen += recent.length;
      after = recent.at(-1);
      if (recent.length < limit) return;
      if (clock.monotonicMs() - toldAtMs >= PROGRESS_EVERY_MS) {
        toldAtMs = clock.monotonicMs();
        logger.info('warming', { ...this.#report, most: maxConversations });
      }
      await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #warmOrganizations(recent: readonly RecentConversation[], known: Set<OrganizationId>): Promise<void> {
    const fresh = new Map(
      recent
        .filter(({ organizationId }) => !known.has(organizationId))
        .map((conversation) => [conversation.organizationId, conversation.organizationRev]),
    );
    for (const organizationId of fresh.keys()) known.add(organizationId);
    await Promise.all(
      [...fresh].map(([organizationId, rev]) => this.#deps.state.getAgentConfiguration(organizationId, rev)),
    );
    this.#update({ organizations: known.size });
  }

  async #warmConversations(recent: readonly RecentConversation[]): Promise<void> {
    const { state, database } = this.#deps;
    const isHeld = await Promise.all(
      recent.map((conversation) => state.hasConversationSnapshot(conversation.organizationId, conversation)),
    );
    const missing = recent.filter((_conversation, index) => !isHeld[index]);
    this.#update({ held: this.#report.held + recent.length - missing.length });
    if (missing.length === 0) return;
    // One statement, so that the texts keep their connections to the record.
    const snapshots = await readSnapshots(database, missing);
    // Where a turn has stored a newer one meanwhile, this costs that conversation one read of the record and nothing else.
    await Promise.all(
      snapshots.map((snapshot) => state.storeConversationSnapshot(snapshot.organizationId, snapshot)),
    );
    this.#update({ stored: this.#report.stored + snapshots.length });
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #update(change: Partial<WarmingReport>): void {
    this.#report = { ...this.#report, ...change };
  }
}
