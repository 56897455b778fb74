/**
 * Loads what is missing, once: for all callers of this process by single flight, and for those of all processes by a
 * short lease when loading costs more than asking. Values of a certain age are answered and loaded anew meanwhile.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import { type Flight, SingleFlight } from './singleFlight.js';
import type { CacheDriver, CacheKey } from './types.js';

export type SharedLease = Pick<CacheDriver, 'acquireLease' | 'releaseLease'>;

export interface LoaderDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** @param isCounted whether it is a read of the caller's, or our own second look. */
  find<T>(
    key: CacheKey<T>,
    isCounted: boolean,
  ): Promise<{ readonly value: T; readonly ageMs: number } | undefined>;
  store<T>(key: CacheKey<T>, value: T): Promise<void>;
  /** Undefined while there is no store that processes share: then each loads for itself. */
  lease(): SharedLease | undefined;
}

type Load<T> = () => Promise<T | undefined>;

const LOOK_AGAIN_MS = 20;

export class Loader {
  readonly #deps: LoaderDeps;
  readonly #flights = new SingleFlight();
  readonly #refreshing = new Set<string>();

  constructor(deps: LoaderDeps) {
    this.#deps = deps;
  }

  async get<T>(key: CacheKey<T>, load: Load<T>): Promise<T | undefined> {
    return await this.#flights.run(key.name, async (flight) => {
      const found = await this.#deps.find(key, true);
      if (!found) return await this.#loadOnce(key, load, flight);
      if (key.refreshAfterMs !== undefined && found.ageMs >= key.refreshAfterMs) this.#refresh(key, load);
      return found.value;
    });
  }

  /** Something newer was written or deleted: what a running load brings is not stored. */
  abandon(name: string): void {
    this.#flights.abandon(name);
  }

  abandonAll(): void {
    this.#flights.abandonAll();
  }

  /** In the background; when it fails, the value stays until it expires. */
  #refresh<T>(key: CacheKey<T>, load: Load<T>): void {
    if (this.#refreshing.has(key.name)) return;
    this.#refreshing.add(key.name);
    this.#flights
      .run(`${key.name} refresh`, (flight) => this.#loadOnce(key, load, flight, true))
      .catch((error: unknown) => {
        const { kind, organizationId } = key;
        this.#deps.logger.warn('a cached value could not be loaded anew', { kind, organizationId, error });
      })
      .finally(() => this.#refreshing.delete(key.name));
  }

  async #loadOnce<T>(
    key: CacheKey<T>,
    load: Load<T>,
    flight: Flight,
    isRefresh = false,
  ): Promise<T | undefined> {
    const lease = key.loadLeaseMs === undefined ? undefined : this.#deps.lease();
    if (!lease || key.loadLeaseMs === undefined) return await this.#loadAndStore(key, load, flight);
    const name = `${key.name}:load`;
    const token = randomUUID();
    // One exchange: the answer of the second is from after the first, and somebody may have brought it since our look.
    const [isOurs, found] = await Promise.all([
      this.#acquire(lease, name, token, key),
      isRefresh ? undefined : this.#deps.find(key, false),
    ]);
    if (isOurs) {
      const release = () => this.#release(lease, name, token, key);
      if (!found) return await this.#loadAndStore(key, load, flight, release);
      flight.lastsUntil(release());
    }
    if (found) return found.value;
    // Another process loads it anew already.
    if (isRefresh) return undefined;
    const brought = await this.#waitFor(key, key.loadLeaseMs);
    return brought ? brought.value : await this.#loadAndStore(key, load, flight);
  }

  /** @returns true as well when the store gives no answer: then this process loads for itself. */
  async #acquire<T>(lease: SharedLease, name: string, token: string, key: CacheKey<T>): Promise<boolean> {
    try {
      return await lease.acquireLease(name, token, key.loadLeaseMs ?? 0);
    } catch (error) {
      this.#deps.logger.debug('no lease for loading', {
        kind: key.kind,
        organizationId: key.organizationId,
        error,
      });
      return true;
    }
  }

  async #release<T>(lease: SharedLease, name: string, token: string, key: CacheKey<T>): Promise<void> {
    try {
      await lease.releaseLease(name, token);
    } catch (error) {
      // It runs out by itself.
      this.#deps.logger.debug('a lease stays until it ends', {
        kind: key.kind,
        organizationId: key.organizationId,
        error,
      });
    }
  }

  async #waitFor<T>(key: CacheKey<T>, waitMs: number): Promise<{ readonly value: T } | undefined> {
    const endMs = this.#deps.clock.monotonicMs() + waitMs;
    // When no store is shared any more, nobody brings it.
    while (this.#deps.clock.monotonicMs() < endMs && this.#deps.lease()) {
      await pause(LOOK_AGAIN_MS);
      const found = await this.#deps.find(key, false);
      if (found) return found;
    }
    return undefined;
  }

  async #keep<T>(key: CacheKey<T>, loaded: T): Promise<void> {
    try {
      await this.#deps.store(key, loaded);
    } catch (error) {
      // The caller has what was loaded; the next one loads again.
      const { kind, organizationId } = key;
      this.#deps.logger.warn('a loaded value could not be stored', { kind, organizationId, error });
    }
  }

  /**
   * The caller does not wait for what it has to be stored: on a slow link that would be half of its time.
   * @param release of the lease: sent right behind the value, so that whoever has the lease next finds it.
   */
  async #loadAndStore<T>(
    key: CacheKey<T>,
    load: Load<T>,
    flight: Flight,
    release?: () => Promise<void>,
  ): Promise<T | undefined> {
    let storing: Promise<void> | undefined;
    try {
      const loaded = await load();
      if (loaded !== undefined && flight.isCurrent()) storing = this.#keep(key, loaded);
      return loaded;
    } finally {
      flight.lastsUntil(Promise.all([storing, release?.()]));
    }
  }
}
