/**
 * The one door to caching: Redis while it answers, the Map while it does not. The call that fails and all after it
 * are answered from the Map (cache/stores.ts); what that means for values is in cache/handBack.ts.
 */
import { randomUUID } from 'node:crypto';
import { jsonCodec } from './cache/codec.js';
import { type FallbackValue, toEntry, toFallbackValue } from './cache/fallbackValues.js';
import type { HandBackStats } from './cache/handBack.js';
import { Loader } from './cache/loader.js';
import { LocalValues } from './cache/localValues.js';
import type { MemoryDriver, MemoryStats } from './cache/memoryDriver.js';
import { CacheStats, type KindStats, type StoreStats } from './cache/stats.js';
import { type CacheMode, Stores } from './cache/stores.js';
import type { CacheBus, CacheDriver, CacheKey, Tag } from './cache/types.js';
import type { Clock } from './clock.js';
import { asError } from './errors.js';
import type { Logger } from './logger.js';
import type { Breaker } from './redis/guard.js';

export type { CacheMode } from './cache/stores.js';

export interface CacheOptions {
  readonly memory: MemoryDriver;
  /** Absent: the Map is the chosen store and nothing is degraded. */
  readonly redis?: {
    /** Its exchanges go through the breaker. */
    readonly driver: CacheDriver;
    readonly breaker: Breaker;
    isReady(): boolean;
  };
  readonly isFallbackEnabled: boolean;
  /** Tells other processes what was cleared. Absent: they hold it until it expires or fails its check. */
  readonly bus?: CacheBus;
  /** How much this process keeps decoded, counted as encoded; 0: every value is read from the store. */
  readonly localMaxBytes?: number | undefined;
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
  /** Whether the breaker keeps calls from Redis; null without a Redis. */
  readonly isBreakerOpen: boolean | null;
  readonly kinds: Record<string, KindStats>;
  readonly stores: Record<string, StoreStats>;
  readonly memory: MemoryStats;
  /** Values kept decoded in this process. */
  readonly local: { readonly entries: number; readonly bytes: number };
  readonly handBack: HandBackStats;
}

type Accept<T> = (value: T) => boolean;

export class Cache {
  readonly #options: CacheOptions;
  readonly #stats = new CacheStats();
  readonly #local: LocalValues;
  readonly #stores: Stores;
  readonly #loader: Loader;
  /** Tells the messages of this process from those of others. */
  readonly #origin = randomUUID();
  #hasLoggedDamage = false;

  private constructor(options: CacheOptions) {
    this.#options = options;
    this.#local = new LocalValues({ clock: options.clock, maxBytes: options.localMaxBytes });
    this.#stores = new Stores({ ...options, stats: this.#stats });
    // What other processes delete is not heard of while the store is another.
    this.#stores.onModeChange(() => this.#local.clear());
    this.#loader = new Loader({
      clock: options.clock,
      logger: options.logger,
      find: (key, isCounted) => this.#find(key, undefined, isCounted),
      store: (key, value) => this.#store(key, value),
      lease: () => this.#stores.sharedLease(),
    });
  }

  static create(options: CacheOptions): Cache {
    const cache = new Cache(options);
    cache.#listen();
    return cache;
  }

  /** Told at once when the connection breaks, so that no call has to find out. */
  connectionLost(): void {
    this.#stores.connectionLost();
  }

  /** Before the first call: without a connection the Map serves from the start. */
  start(): void {
    this.#stores.start();
  }

  async stop(): Promise<void> {
    await this.#stores.stop();
  }

  get mode(): CacheMode {
    return this.#stores.mode;
  }

  onModeChange(listener: (mode: CacheMode, reason: string | null) => void): void {
    this.#stores.onModeChange(listener);
  }

  /** Serves from the Map although Redis answers; `false` goes back. @returns the mode now in force. */
  async setForced(isForced: boolean): Promise<CacheMode> {
    return await this.#stores.setForced(isForced);
  }

  /** @param accept tells whether a value is the one that is meant (by the rev inside); any other is a miss. */
  async get<T>(key: CacheKey<T>, accept?: Accept<T>): Promise<T | undefined> {
    const local = this.#findHere(key, this.#isKeptHere(key, accept !== undefined), accept);
    return local ? local.value : (await this.#findStored(key, accept))?.value;
  }

  /** @returns the values in the order asked for; one exchange with the store for all that this process does not hold. */
  async getMany<T>(keys: readonly CacheKey<T>[]): Promise<(T | undefined)[]> {
    return await Promise.all(keys.map((key) => this.get(key)));
  }

  /** Keeps the value for the key's lifetime. A failing store costs a later miss, so nothing is thrown for it. */
  set<T>(key: CacheKey<T>, value: T): Promise<void> {
    this.#loader.abandon(key.name);
    const stored = this.#store(key, value);
    // Others may hold what was there before; what they check, or what cannot change, does no harm.
    return key.freshness === 'timed' ? stored.finally(() => this.#tell({ names: [key.name] })) : stored;
  }

  async setMany<T>(pairs: readonly (readonly [CacheKey<T>, T])[]): Promise<void> {
    await Promise.all(pairs.map(([key, value]) => this.set(key, value)));
  }

  async delete(keys: readonly CacheKey<unknown>[]): Promise<void> {
    if (keys.length === 0) return;
    const names = keys.map(({ name }) => name);
    for (const name of names) this.#forget(name);
    try {
      await this.#stores.delete(names);
    } finally {
      // Once more, and only now told to others: a read meanwhile may have brought what was there before.
      for (const name of names) this.#forget(name);
      this.#tell({ names });
    }
  }

  /**
   * The cached value, else one load for all callers of this process that want it at once; with `loadLeaseMs` for those
   * of all processes. `null` is kept ("there is none"), `undefined` is not. A write or delete that comes while the load
   * runs is newer than what it brings, which is then not stored.
   */
  async getOrLoad<T>(key: CacheKey<T>, load: () => Promise<T | undefined>): Promise<T | undefined> {
    const local =
      key.refreshAfterMs === undefined ? this.#findHere(key, this.#isKeptHere(key, false)) : undefined;
    return local ? local.value : await this.#loader.get(key, load);
  }

  /** A function that remembers: `getOrLoad` under the key that its arguments make. */
  memoize<Args extends unknown[], T>(
    keyOf: (...args: Args) => CacheKey<T>,
    load: (...args: Args) => Promise<T | undefined>,
  ): (...args: Args) => Promise<T | undefined> {
    return (...args) => this.getOrLoad(keyOf(...args), () => load(...args));
  }

  /** Removes what was stored under the tag, here, in Redis and in the memory of the other processes. @returns how many values there were. */
  async clearTag(tag: Tag): Promise<number> {
    this.#forgetAll();
    try {
      return await this.#stores.clearTag(tag);
    } finally {
      this.#forgetAll();
      this.#tell({ tag });
    }
  }

  /** What the Map holds that Redis would be given back: values that carry a rev. */
  *exportFallback(): Generator<FallbackValue> {
    for (const entry of this.#stores.owedValues()) yield toFallbackValue(entry);
  }

  /** Takes such values in, for the hand-back when Redis is away, else at once. By the revision rule one that is too old costs a miss. */
  importFallback(values: readonly FallbackValue[]): void {
    this.#stores.takeIn(values.map(toEntry));
  }

  report(): CacheReport {
    return {
      ...this.#stores.report(),
      kinds: this.#stats.kinds(),
      stores: this.#stats.stores(),
      memory: this.#options.memory.stats(),
      local: this.#local.stats(),
    };
  }

  async #find<T>(
    key: CacheKey<T>,
    accept?: Accept<T>,
    isCounted = true,
  ): Promise<{ value: T; ageMs: number } | undefined> {
    return (
      this.#findHere(key, this.#isKeptHere(key, accept !== undefined), accept, isCounted) ??
      (await this.#findStored(key, accept, isCounted))
    );
  }

  async #findStored<T>(
    key: CacheKey<T>,
    accept?: Accept<T>,
    isCounted = true,
  ): Promise<{ value: T; ageMs: number } | undefined> {
    const isKept = this.#isKeptHere(key, accept !== undefined);
    const { epoch } = this.#local;
    const bytes = await this.#stores.read(key);
    const stored = bytes && this.#decode(key, bytes);
    const found = stored && this.#open(key, stored);
    const isHit = found !== undefined && (!accept || accept(found.value));
    if (isCounted) this.#stats.count(key.kind, isHit ? 'hits' : 'misses');
    if (!isHit || !stored) return undefined;
    if (isKept && epoch === this.#local.epoch) this.#local.keep(key, stored.value, bytes?.length ?? 1);
    return found;
  }

  #findHere<T>(
    key: CacheKey<T>,
    isKept: boolean,
    accept?: Accept<T>,
    isCounted = true,
  ): { value: T; ageMs: number } | undefined {
    const kept = isKept ? (this.#local.get(key.name) as Boxed<T> | undefined) : undefined;
    const local = kept && this.#open(key, kept);
    if (!local || (accept && !accept(local.value))) return undefined;
    if (isCounted) {
      this.#stats.count(key.kind, 'hits');
      this.#stats.count(key.kind, 'localHits');
    }
    return local;
  }

  #store<T>(key: CacheKey<T>, value: T): Promise<void> {
    const lifetimeMs = value === null ? (key.negativeTtlMs ?? key.ttlMs) : key.ttlMs;
    const ttlMs = lifetimeMs * (1 - this.#options.random() / 10);
    const stamped = (
      key.refreshAfterMs === undefined ? value : [this.#options.clock.now(), value]
    ) as Stamped<T>;
    let bytes: Buffer;
    try {
      bytes = (key.codec ?? jsonCodec).encode(stamped as T);
    } catch (error) {
      return Promise.reject(asError(error));
    }
    if (this.#isKeptHere(key, true)) this.#local.replace(key, stamped, bytes.length);
    else this.#local.drop(key.name);
    this.#stats.count(key.kind, 'bytesWritten', bytes.length);
    return this.#stores.write(key, { name: key.name, value: bytes, ttlMs, tags: key.tags });
  }

  /** What readers check by its rev is answered from here only to a reader that does; what nothing checks, only while we hear of deletes. */
  #isKeptHere(key: CacheKey<unknown>, isChecked: boolean): boolean {
    if (key.freshness === 'immutable') return true;
    if (key.freshness === 'checked') return isChecked;
    return this.mode === 'redis' && this.#options.bus?.isListening() === true;
  }

  /** A value that is refreshed carries when it was stored; clocks of two machines may differ, so it is never younger than 0. */
  #open<T>(key: CacheKey<T>, { value: stamped }: Boxed<T>): { value: T; ageMs: number } | undefined {
    if (key.refreshAfterMs === undefined) return { value: stamped as T, ageMs: 0 };
    if (!Array.isArray(stamped) || typeof stamped[0] !== 'number') return undefined;
    return { value: stamped[1] as T, ageMs: Math.max(0, this.#options.clock.now() - stamped[0]) };
  }

  #decode<T>(key: CacheKey<T>, bytes: Buffer): Boxed<T> | undefined {
    this.#stats.count(key.kind, 'bytesRead', bytes.length);
    const decoded = (key.codec ?? jsonCodec).decode(bytes);
    if (decoded.isUsable) return decoded as Boxed<T>;
    if (!this.#hasLoggedDamage) {
      this.#hasLoggedDamage = true;
      this.#options.logger.warn(
        'a cached value is of another version or damaged; such values count as misses',
        { kind: key.kind, organizationId: key.organizationId },
      );
    }
    return undefined;
  }

  #forget(name: string): void {
    this.#loader.abandon(name);
    this.#local.delete(name);
  }

  #forgetAll(): void {
    this.#local.clear();
    this.#loader.abandonAll();
  }

  #tell(what: { readonly names?: readonly string[]; readonly tag?: Tag }): void {
    this.#options.bus?.publish(JSON.stringify({ from: this.#origin, ...what }));
  }

  #listen(): void {
    const { bus } = this.#options;
    bus?.subscribe((message) => this.#heard(message));
    // What other processes said meanwhile is lost, so nothing kept here may be older than now.
    bus?.onBreak(() => this.#forgetAll());
  }

  #heard(message: string): void {
    const { from, names, tag } = JSON.parse(message) as { from?: string; names?: string[]; tag?: Tag };
    if (from === this.#origin) return;
    for (const name of names ?? []) this.#forget(name);
    if (names) this.#stores.forgetInMemory(names);
    if (tag === undefined) return;
    this.#forgetAll();
    this.#stores.forgetTagInMemory(tag);
  }
}

/** With `refreshAfterMs`: `[storedAtMs, value]`, else the value itself. */
type Stamped<T> = T | readonly [storedAtMs: number, value: T];

/** So that a value which is false, 0 or null is not taken for none. */
interface Boxed<T> {
  readonly value: Stamped<T>;
}
