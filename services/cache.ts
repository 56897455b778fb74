/**
 * The one door to caching: Redis while it answers, the Map while it does not. The call that fails and all after it
 * are answered from the Map; what that means for values is in cache/handBack.ts.
 */
import { EventEmitter } from 'node:events';
import { decode, encode } from './cache/codec.js';
import { DecodedValues } from './cache/decodedValues.js';
import { HandBack, type HandBackStats } from './cache/handBack.js';
import type { MemoryDriver, MemoryStats } from './cache/memoryDriver.js';
import { SingleFlight } from './cache/singleFlight.js';
import { CacheStats, type KindStats, type StoreStats } from './cache/stats.js';
import type { CacheDriver, CacheKey } from './cache/types.js';
import type { Clock } from './clock.js';
import { asError, JackError } from './errors.js';
import type { Logger } from './logger.js';
import { Guard, type GuardedLink, type GuardOptions } from './redis/guard.js';
import type { OrganizationId } from './types.js';

/** `redis`: shared. `memory`: this process only. `unavailable`: Redis is away and the fallback is switched off. */
export type CacheMode = 'redis' | 'memory' | 'unavailable';

export interface CacheOptions {
  readonly memory: MemoryDriver;
  /** Absent: the Map is the chosen store and nothing is degraded. */
  readonly redis?: {
    readonly driver: CacheDriver;
    readonly link: GuardedLink;
    readonly guard?: Partial<GuardOptions>;
  };
  readonly isFallbackEnabled: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 up to 1: lifetimes are shortened by up to a tenth, so that what was stored together does not expire together. */
  readonly random: () => number;
}

export interface CacheReport {
  readonly mode: CacheMode;
  /** Why the Map serves although there is a Redis; null when it does not. */
  readonly degradedReason: string | null;
  /** ISO 8601: since when the mode is in force. */
  readonly since: string;
  readonly isForced: boolean;
  readonly modeChanges: number;
  readonly kinds: Record<string, KindStats>;
  readonly stores: Record<string, StoreStats>;
  readonly memory: MemoryStats;
  readonly handBack: HandBackStats;
}

const FLUSH_AFTER_MS = 100;
const FLUSH_AGAIN_AFTER_MS = 1_000;

export class Cache {
  readonly #options: CacheOptions;
  readonly #events = new EventEmitter();
  readonly #stats = new CacheStats();
  readonly #loads = new SingleFlight();
  readonly #decoded: DecodedValues;
  readonly #guard: Guard | undefined;
  readonly #handBack: HandBack | undefined;
  #isForced = false;
  #degradedReason: string | null = null;
  #mode: CacheMode;
  #sinceMs: number;
  #modeChanges = 0;
  #hasLoggedDamage = false;
  #isStarting = false;
  #isStopped = false;
  #flusher: NodeJS.Timeout | undefined;

  private constructor(options: CacheOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
    this.#decoded = new DecodedValues(options.clock);
    const { redis, memory, logger } = options;
    if (redis) {
      const handBack = new HandBack({
        memory,
        redis: redis.driver,
        logger,
        run: (work) => this.#requireGuard().run(work),
        isRedisInUse: () => this.#mode === 'redis',
      });
      this.#handBack = handBack;
      this.#guard = Guard.create({
        ...redis.guard,
        link: redis.link,
        beforeClose: () => (this.#isForced ? Promise.resolve() : handBack.dropStale()),
        onChange: (isOpen, reason) => this.#settle(isOpen ? reason : null),
      });
    }
    this.#mode = redis ? 'redis' : 'memory';
  }

  static create(options: CacheOptions): Cache {
    return new Cache(options);
  }

  /** Told at once when the connection breaks, so that no call has to find out. */
  connectionLost(): void {
    this.#guard?.open('not connected');
  }

  /** Before the first call: without a connection the Map serves from the start. */
  start(): void {
    this.#isStarting = true;
    if (this.#options.redis && !this.#options.redis.link.isReady()) this.connectionLost();
    this.#isStarting = false;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#flusher);
    this.#guard?.stop();
    await this.#handBack?.stop();
  }

  get mode(): CacheMode {
    return this.#mode;
  }

  onModeChange(listener: (mode: CacheMode, reason: string | null) => void): void {
    this.#events.on('mode', listener);
  }

  /** Serves from the Map although Redis answers; `false` goes back. @returns the mode now in force. */
  async setForced(isForced: boolean): Promise<CacheMode> {
    if (!this.#options.redis || this.#isForced === isForced) return this.#mode;
    this.#isForced = isForced;
    if (!isForced) await this.#dropBeforeReturn();
    this.#settle(null);
    return this.#mode;
  }

  async get<T>(key: CacheKey<T>): Promise<T | undefined> {
    const kept = this.#decoded.get(key);
    if (kept) {
      this.#stats.count(key.kind, 'hits');
      return kept.value as T;
    }
    const [bytes] = await this.#bytesOf(key);
    const value = bytes && this.#decode(bytes);
    this.#stats.count(key.kind, value ? 'hits' : 'misses');
    if (bytes && value) this.#decoded.keep(key, value.value, bytes.length);
    return value?.value as T | undefined;
  }

  /** Keeps the value for the key's lifetime. A failing store costs a later miss, so nothing is thrown for it. */
  async set<T>(key: CacheKey<T>, value: T): Promise<void> {
    this.#loads.abandon(key.name);
    await this.#store(key, value);
  }

  async delete(keys: readonly CacheKey<unknown>[]): Promise<void> {
    if (keys.length === 0) return;
    const names = keys.map(({ name }) => name);
    for (const name of names) {
      this.#loads.abandon(name);
      this.#decoded.delete(name);
    }
    await this.#change('delete', names, 'drop', (driver) => driver.delete(names));
  }

  /**
   * One load for all callers of this process that want the same value at once. `null` is kept, `undefined` is not.
   * A write or delete that comes while the load runs is newer than what it brings, which is then not stored.
   */
  async getOrLoad<T>(key: CacheKey<T>, load: () => Promise<T | undefined>): Promise<T | undefined> {
    return await this.#loads.run(key.name, async (isCurrent) => {
      const cached = await this.get(key);
      if (cached !== undefined) return cached;
      const loaded = await load();
      if (loaded !== undefined && isCurrent()) await this.#store(key, loaded);
      return loaded;
    });
  }

  /** @returns how many values of the organization there were. */
  async clearOrganization(organizationId: OrganizationId): Promise<number> {
    this.#decoded.clear();
    this.#loads.abandonAll();
    const { memory, redis } = this.#options;
    const inMemory = await memory.clearOrganization(organizationId);
    if (!redis) return inMemory;
    if (this.#mode === 'unavailable') throw unavailable(this.#degradedReason);
    if (this.#mode === 'redis') {
      const inRedis = await this.#clearInRedis(redis.driver, organizationId);
      if (inRedis !== undefined) return inMemory + inRedis;
    }
    // Redis may hold more of it than this process knows; it hears of it before it serves again.
    this.#handBack?.noteClear(organizationId);
    if (this.#mode === 'redis') this.#flushSoon();
    return inMemory;
  }

  report(): CacheReport {
    return {
      mode: this.#mode,
      degradedReason: this.#degradedReason,
      since: new Date(this.#sinceMs).toISOString(),
      isForced: this.#isForced,
      modeChanges: this.#modeChanges,
      kinds: this.#stats.kinds(),
      stores: this.#stats.stores(),
      memory: this.#options.memory.stats(),
      handBack: this.#handBack?.stats() ?? {
        pending: 0,
        moved: 0,
        superseded: 0,
        failed: 0,
        lastDurationMs: null,
      },
    };
  }

  /** @returns undefined when Redis did not hear of all of it. */
  async #clearInRedis(driver: CacheDriver, organizationId: OrganizationId): Promise<number | undefined> {
    const guard = this.#requireGuard();
    try {
      return await this.#stats.time('redis', () =>
        driver.clearOrganization(organizationId, (work) => guard.run(work)),
      );
    } catch (error) {
      this.#stats.count('clear', 'errors');
      if (!this.#options.isFallbackEnabled) throw unavailable(error);
      return undefined;
    }
  }

  /** When Redis does not hear of it now, the guard opens, and its probes see to it. */
  async #dropBeforeReturn(): Promise<void> {
    const guard = this.#requireGuard();
    if (guard.isOpen) return;
    try {
      await this.#handBack?.dropStale((work) => guard.run(work));
    } catch (error) {
      guard.open(asError(error).message);
    }
  }

  async #store<T>(key: CacheKey<T>, value: T): Promise<void> {
    const ttlMs = key.ttlMs * (1 - this.#options.random() / 10);
    const entry = { name: key.name, value: encode(value), ttlMs, organizationId: key.organizationId };
    this.#decoded.keep(key, value, entry.value.length);
    const owed = key.freshness === 'timed' ? 'drop' : 'move';
    await this.#change(key.kind, [key.name], owed, (driver) => driver.set([entry]));
  }

  /** A change that Redis did not hear of is owed to it. */
  async #change(
    kind: string,
    names: readonly string[],
    owed: 'drop' | 'move',
    work: (driver: CacheDriver) => Promise<unknown>,
  ): Promise<void> {
    // Before it is sent as well: a hand-back under way must not send the Map's older value after it.
    if (this.#mode === 'redis') this.#forgetInMemory(names);
    const where = await this.#on(kind, async (driver) => {
      await work(driver);
      return driver.name;
    });
    if (where === 'redis') this.#forgetInMemory(names);
    else for (const name of names) this.#owe(owed, name);
  }

  /** From the Map when Redis may still hold something older under this name. */
  async #bytesOf(key: CacheKey<unknown>): Promise<readonly (Buffer | undefined)[]> {
    if (this.#mode === 'redis' && this.#handBack?.owes(key)) {
      return await this.#options.memory.getMany([key.name]);
    }
    return await this.#on(key.kind, (driver) => driver.getMany([key.name]));
  }

  /** Redis has something newer, which the Map must not hide when a later call is answered from it. */
  #forgetInMemory(names: readonly string[]): void {
    for (const name of names) this.#handBack?.supersede(name);
    this.#options.memory.forget(names);
  }

  /** Redis through the guard, else the Map. @throws JackError E_CACHE_UNAVAILABLE when there may be no else. */
  async #on<T>(kind: string, work: (driver: CacheDriver) => Promise<T>): Promise<T> {
    const { redis, memory } = this.#options;
    if (redis && this.#mode === 'redis') {
      try {
        return await this.#stats.time('redis', () => this.#requireGuard().run(() => work(redis.driver)));
      } catch (error) {
        this.#stats.count(kind, 'errors');
        if (!this.#options.isFallbackEnabled) throw unavailable(error);
      }
    } else if (this.#mode === 'unavailable') {
      throw unavailable(this.#degradedReason);
    }
    return await this.#stats.time('memory', () => work(memory));
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
      this.#flush().catch((error: unknown) => {
        this.#options.logger.warn('stale names could not be dropped yet', { error });
        this.#flushSoon(FLUSH_AGAIN_AFTER_MS);
      });
    }, afterMs);
  }

  async #flush(): Promise<void> {
    if (this.#mode !== 'redis') return;
    await this.#handBack?.dropStale((work) => this.#requireGuard().run(work));
    this.#handBack?.moveInBackground();
  }

  #settle(reason: string | null): void {
    const away = this.#isForced ? 'forced' : (reason ?? (this.#guard?.isOpen ? 'not connected' : null));
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

  #decode(bytes: Buffer): { readonly value: unknown } | undefined {
    const decoded = decode(bytes);
    if (decoded.isUsable) return decoded;
    if (!this.#hasLoggedDamage) {
      this.#hasLoggedDamage = true;
      this.#options.logger.warn(
        'a cached value is of another version or damaged; such values count as misses',
      );
    }
    return undefined;
  }

  #requireGuard(): Guard {
    if (!this.#guard) throw new Error('There is no Redis to guard.');
    return this.#guard;
  }
}

const unavailable = (cause: unknown): JackError =>
  new JackError('E_CACHE_UNAVAILABLE', 'Redis is away and REDIS_FALLBACK_ENABLED is false.', { cause });
