/**
 * Which store answers: Redis while its breaker is closed, the Map otherwise, and what Redis must hear of afterwards.
 */
import { EventEmitter } from 'node:events';
import type { Clock } from '../clock.js';
import { asError, JackError } from '../errors.js';
import type { Logger } from '../logger.js';
import { type Breaker, RedisAwayError } from '../redis/guard.js';
import { HandBack, type HandBackStats } from './handBack.js';
import { LatestChanges } from './latestChanges.js';
import type { SharedLease } from './loader.js';
import type { MemoryDriver } from './memoryDriver.js';
import type { CacheStats } from './stats.js';
import type { CacheDriver, CacheKey, StoredEntry, Tag } from './types.js';

/** `redis`: shared. `memory`: this process only. `unavailable`: Redis is away and the fallback is switched off. */
export type CacheMode = 'redis' | 'memory' | 'unavailable';

export interface StoresOptions {
  readonly memory: MemoryDriver;
  readonly redis?: { readonly driver: CacheDriver; readonly breaker: Breaker; isReady(): boolean };
  readonly isFallbackEnabled: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stats: CacheStats;
}

export interface StoresReport {
  readonly mode: CacheMode;
  readonly degradedReason: string | null;
  readonly since: string;
  readonly isForced: boolean;
  readonly modeChanges: number;
  readonly isBreakerOpen: boolean | null;
  readonly handBack: HandBackStats;
}

const FLUSH_AFTER_MS = 100;
const FLUSH_AGAIN_AFTER_MS = 1_000;
const NOTHING_OWED: HandBackStats = { pending: 0, moved: 0, superseded: 0, failed: 0, lastDurationMs: null };

export class Stores {
  readonly #options: StoresOptions;
  readonly #events = new EventEmitter();
  readonly #handBack: HandBack | undefined;
  readonly #changes = new LatestChanges();
  #isForced = false;
  #degradedReason: string | null = null;
  #mode: CacheMode;
  #sinceMs: number;
  #modeChanges = 0;
  #isStarting = false;
  #isStopped = false;
  #hasFlushFailed = false;
  #flusher: NodeJS.Timeout | undefined;

  constructor(options: StoresOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
    const { redis, memory, logger } = options;
    this.#mode = redis ? 'redis' : 'memory';
    if (!redis) return;
    const isRedisInUse = () => this.#mode === 'redis';
    const handBack = new HandBack({ memory, redis: redis.driver, logger, isRedisInUse });
    this.#handBack = handBack;
    redis.breaker.onBeforeClose(() => (this.#isForced ? Promise.resolve() : handBack.dropStale()));
    redis.breaker.onChange((isOpen, reason) => this.#settle(isOpen ? reason : null));
  }

  connectionLost(): void {
    this.#options.redis?.breaker.open('not connected');
  }

  start(): void {
    this.#isStarting = true;
    if (this.#options.redis && !this.#options.redis.isReady()) this.connectionLost();
    this.#isStarting = false;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#flusher);
    this.#options.redis?.breaker.stop();
    await this.#handBack?.stop();
  }

  get mode(): CacheMode {
    return this.#mode;
  }

  onModeChange(listener: (mode: CacheMode, reason: string | null) => void): void {
    this.#events.on('mode', listener);
  }

  async setForced(isForced: boolean): Promise<CacheMode> {
    if (!this.#options.redis || this.#isForced === isForced) return this.#mode;
    this.#isForced = isForced;
    if (!isForced) await this.#dropBeforeReturn();
    this.#settle(null);
    return this.#mode;
  }

  /** Bytes from the Map when Redis may still hold something older under this name. */
  async read(key: CacheKey<unknown>): Promise<Buffer | undefined> {
    const names = [key.name];
    const [bytes] =
      this.#mode === 'redis' && this.#handBack?.owes(key)
        ? await this.#options.memory.getMany(names)
        : await this.#on(
            key.kind,
            (driver) => driver.getMany(names),
            (found) => found[0] !== undefined,
          );
    return bytes;
  }

  write(key: CacheKey<unknown>, entry: StoredEntry): Promise<void> {
    const owed = key.freshness === 'timed' ? 'drop' : 'move';
    return this.#change(key.kind, [entry.name], owed, (driver) => driver.set([entry]));
  }

  async delete(names: readonly string[]): Promise<void> {
    await this.#change('delete', names, 'drop', (driver, own) => driver.delete(own));
  }

  /** @throws JackError E_CACHE_UNAVAILABLE when neither Redis nor the Map may do it. */
  async clearTag(tag: Tag): Promise<number> {
    const { memory, redis } = this.#options;
    const inMemory = await memory.clearTag(tag);
    if (!redis) return inMemory;
    if (this.#mode === 'unavailable') throw unavailable(this.#degradedReason);
    if (this.#mode === 'redis') {
      const inRedis = await this.#clearInRedis(redis.driver, tag);
      if (inRedis !== undefined) return inMemory + inRedis;
    }
    // Redis may hold more of it than this process knows; it hears of it before it serves again.
    this.#handBack?.noteClear(tag);
    if (this.#mode === 'redis') this.#flushSoon();
    return inMemory;
  }

  /** Another process has deleted them. */
  forgetInMemory(names: readonly string[]): void {
    this.#options.memory.forget(names);
  }

  forgetTagInMemory(tag: Tag): void {
    this.#options.memory.clearTag(tag).catch((error: unknown) => {
      this.#options.logger.warn('the Map could not forget a tag', { error });
    });
  }

  /** Values of the Map that carry a rev, and so may be given to another process. */
  *owedValues(): Generator<StoredEntry> {
    for (const entry of this.#options.memory.entries()) {
      if (this.#handBack?.owesMove(entry.name)) yield entry;
    }
  }

  takeIn(entries: readonly StoredEntry[]): void {
    this.#options.memory.put(entries);
    for (const { name } of entries) this.#handBack?.noteMove(name);
    if (this.#mode === 'redis') this.#handBack?.moveInBackground();
  }

  /** Leases that other processes see; undefined while there are none. */
  /** None while Redis may be hanging: whoever has waited for it once loads without waiting for it again. */
  sharedLease(): SharedLease | undefined {
    const { redis } = this.#options;
    if (!redis || redis.breaker.isInDoubt || this.#mode !== 'redis') return undefined;
    const { driver } = redis;
    return {
      acquireLease: (name, token, ttlMs) => driver.acquireLease(name, token, ttlMs),
      releaseLease: async (name, token) => {
        try {
          return await driver.releaseLease(name, token);
        } catch (error) {
          // Else all wait for a holder that is done. Ending the lease of the next one costs a load.
          this.#owe('drop', name);
          throw error;
        }
      },
    };
  }

  report(): StoresReport {
    return {
      mode: this.#mode,
      degradedReason: this.#degradedReason,
      since: new Date(this.#sinceMs).toISOString(),
      isForced: this.#isForced,
      modeChanges: this.#modeChanges,
      isBreakerOpen: this.#options.redis?.breaker.isOpen ?? null,
      handBack: this.#handBack?.stats() ?? NOTHING_OWED,
    };
  }

  /** @returns undefined when Redis did not hear of all of it. */
  async #clearInRedis(driver: CacheDriver, tag: Tag): Promise<number | undefined> {
    const startedAtMs = performance.now();
    try {
      return await driver.clearTag(tag);
    } catch (error) {
      this.#countFailure('clear', error);
      if (!this.#options.isFallbackEnabled) throw unavailable(error);
      return undefined;
    } finally {
      this.#options.stats.time('clear', 'redis', startedAtMs);
    }
  }

  /** When Redis does not hear of it now, the breaker opens, and its probes see to it. */
  async #dropBeforeReturn(): Promise<void> {
    const breaker = this.#options.redis?.breaker;
    if (!breaker || breaker.isOpen) return;
    try {
      await this.#handBack?.dropStale();
    } catch (error) {
      breaker.open(asError(error).message);
    }
  }

  /** @param work of the names that it is given. */
  async #change(
    kind: string,
    names: readonly string[],
    owed: 'drop' | 'move',
    work: (driver: CacheDriver, names: readonly string[]) => Promise<unknown>,
  ): Promise<void> {
    if (this.#mode === 'unavailable') throw unavailable(this.#degradedReason);
    const number = this.#changes.begin(names);
    try {
      if (this.#mode === 'redis' && (await this.#changeInRedis(kind, names, number, work))) return;
      // A change that Redis did not hear of is owed to it.
      const own = this.#changes.stillLast(names, number);
      if (own.length === 0) return;
      await this.#timed(kind, this.#options.memory, (driver) => work(driver, own));
      for (const name of own) this.#owe(owed, name);
    } finally {
      this.#changes.end(names, number);
    }
  }

  /** @returns false when Redis gave no answer, and the Map is to serve. */
  async #changeInRedis(
    kind: string,
    names: readonly string[],
    number: number,
    work: (driver: CacheDriver, names: readonly string[]) => Promise<unknown>,
  ): Promise<boolean> {
    const { redis, isFallbackEnabled, stats } = this.#options;
    if (!redis) return false;
    // Before it is sent as well: a hand-back under way must not send the Map's older value after it.
    this.#supersede(names);
    const startedAtMs = performance.now();
    try {
      await work(redis.driver, names);
      this.#supersede(this.#changes.stillLast(names, number));
      return true;
    } catch (error) {
      this.#countFailure(kind, error);
      if (!isFallbackEnabled) throw unavailable(error);
      return false;
    } finally {
      stats.time(kind, redis.driver.name, startedAtMs);
    }
  }

  /** Redis has something newer, which the Map must not hide when a later call is answered from it. */
  #supersede(names: readonly string[]): void {
    for (const name of names) this.#handBack?.supersede(name);
    if (!this.#options.memory.isEmpty()) this.#options.memory.forget(names);
  }

  /** Redis through its breaker, else the Map. @throws JackError E_CACHE_UNAVAILABLE when there may be no else. */
  async #on<T>(
    kind: string,
    work: (driver: CacheDriver) => Promise<T>,
    isHit?: (result: T) => boolean,
  ): Promise<T> {
    const { redis, memory } = this.#options;
    if (redis && this.#mode === 'redis') {
      try {
        return await this.#timed(kind, redis.driver, work, isHit);
      } catch (error) {
        this.#countFailure(kind, error);
        if (!this.#options.isFallbackEnabled) throw unavailable(error);
      }
    } else if (this.#mode === 'unavailable') {
      throw unavailable(this.#degradedReason);
    }
    return await this.#timed(kind, memory, work, isHit);
  }

  async #timed<T>(
    kind: string,
    driver: CacheDriver,
    work: (driver: CacheDriver) => Promise<T>,
    isHit?: (result: T) => boolean,
  ): Promise<T> {
    const { stats } = this.#options;
    const startedAtMs = performance.now();
    try {
      const result = await work(driver);
      if (isHit) stats.countStore(driver.name, isHit(result) ? 'hits' : 'misses');
      return result;
    } finally {
      stats.time(kind, driver.name, startedAtMs);
    }
  }

  #countFailure(kind: string, error: unknown): void {
    const { stats } = this.#options;
    stats.count(kind, 'errors');
    stats.countStore('redis', 'errors');
    if (error instanceof RedisAwayError && error.reason === 'deadline') stats.count(kind, 'timeouts');
  }

  /** Notes what Redis must hear of; when it is in use, soon. */
  #owe(what: 'drop' | 'move', name: string): void {
    const handBack = this.#handBack;
    if (!handBack) return;
    // Only a value of a longer outage is worth moving; one failed write is made good by dropping the old value.
    if (what === 'move' && this.#mode !== 'redis') handBack.noteMove(name);
    else handBack.noteDrop(name);
    if (this.#mode === 'redis') this.#flushSoon();
  }

  #flushSoon(afterMs = FLUSH_AFTER_MS): void {
    if (this.#isStopped) return;
    this.#flusher ??= setTimeout(() => {
      this.#flusher = undefined;
      this.#flush().then(
        () => {
          this.#hasFlushFailed = false;
        },
        (error: unknown) => {
          // Said once for each time that it goes wrong, not for each try.
          if (!this.#hasFlushFailed)
            this.#options.logger.warn('stale names could not be dropped yet', { error });
          this.#hasFlushFailed = true;
          this.#flushSoon(FLUSH_AGAIN_AFTER_MS);
        },
      );
    }, afterMs);
  }

  async #flush(): Promise<void> {
    if (this.#mode !== 'redis') return;
    await this.#handBack?.dropStale();
    this.#handBack?.moveInBackground();
  }

  #settle(reason: string | null): void {
    const isOpen = this.#options.redis?.breaker.isOpen === true;
    const away = this.#isForced ? 'forced' : (reason ?? (isOpen ? 'not connected' : null));
    const mode = away === null ? 'redis' : this.#options.isFallbackEnabled ? 'memory' : 'unavailable';
    this.#degradedReason = away;
    if (mode === this.#mode) return;
    const from = this.#mode;
    this.#mode = mode;
    this.#sinceMs = this.#options.clock.now();
    // What is found at the start is a state and not a change; the connection has said why.
    if (this.#isStarting) return;
    this.#modeChanges += 1;
    this.#options.logger.info('the store of the state changed', { from, to: mode, reason: away });
    this.#events.emit('mode', mode, away);
    if (mode !== 'redis') return;
    this.#handBack?.moveInBackground();
    if (this.#handBack?.hasDrops) this.#flushSoon();
  }
}

const unavailable = (cause: unknown): JackError =>
  new JackError('E_CACHE_UNAVAILABLE', 'Redis is away and REDIS_FALLBACK_ENABLED is false.', { cause });
