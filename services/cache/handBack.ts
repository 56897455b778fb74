/**
 * What happens to the Map's content when Redis returns. First, while reads are still served by the Map, every name
 * that was deleted or written without a rev is deleted in Redis, so that nothing older than the outage speaks. Then,
 * in the background, values that carry a rev are moved; a wrong one among them can cost a miss and nothing else.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { RedisAwayError } from '../redis/guard.js';
import type { MemoryDriver } from './memoryDriver.js';
import type { CacheDriver, CacheKey, Tag } from './types.js';

export interface HandBackStats {
  /** Names that Redis must still hear of. */
  readonly pending: number;
  readonly moved: number;
  /** Dropped on purpose: a rev in the record decides, or a newer value may be there. */
  readonly superseded: number;
  /** Given up: Redis refused the value, or there were too many names. */
  readonly failed: number;
  readonly lastDurationMs: number | null;
}

export interface HandBackDeps {
  readonly memory: MemoryDriver;
  readonly redis: CacheDriver;
  readonly logger: Logger;
  isRedisInUse(): boolean;
}

/** Values moved in one exchange: some 13,000 a second, while the p99 of the texts of the moment is 1.4 to 1.6 times as long (bench/README.md). */
const BATCH = 60;
/** Planned at a time. */
const BATCHES = 16;
const DROP_BATCH = 500;
/** Between batches, so that moving never crowds out the texts of the moment. */
const PAUSE_MS = 2;
/** After a batch that got no answer although Redis is still in use. */
const PAUSE_AFTER_MISS_MS = 100;
/** An outage that drops more names than this loses the oldest: they expire by themselves within minutes. */
const MAX_NAMES = 500_000;

/** A name, and when it was noted. */
type Noted = readonly [name: string, noted: number];

export class HandBack {
  readonly #deps: HandBackDeps;
  /** Names to delete in Redis; the number tells a name noted again while it was being deleted. */
  readonly #drops = new Map<string, number>();
  /** Names whose value in the Map is to be moved. */
  readonly #moves = new Map<string, number>();
  /** Tags of which Redis may hold nothing from before. */
  readonly #clears = new Map<Tag, number>();
  #noted = 0;
  #moved = 0;
  #superseded = 0;
  #failed = 0;
  #lastDurationMs: number | null = null;
  #startedAtMs = 0;
  #moving: Promise<void> | undefined;
  #isStopped = false;

  constructor(deps: HandBackDeps) {
    this.#deps = deps;
  }

  noteDrop(name: string): void {
    this.#moves.delete(name);
    this.#add(this.#drops, name);
  }

  noteMove(name: string): void {
    this.#drops.delete(name);
    this.#add(this.#moves, name);
  }

  /** Whether the Map's value of this name is one that Redis is to get. */
  owesMove(name: string): boolean {
    return this.#moves.has(name);
  }

  noteClear(tag: Tag): void {
    this.#noted += 1;
    this.#clears.set(tag, this.#noted);
  }

  /** Whether Redis may hold something older under this name, so that its answer does not count. */
  owes({ name, tags }: CacheKey<unknown>): boolean {
    return this.#drops.has(name) || (this.#clears.size > 0 && tags.some((tag) => this.#clears.has(tag)));
  }

  /** Redis is given a newer value, so the Map's is not wanted there any more. */
  supersede(name: string): void {
    if (this.#moves.delete(name)) this.#superseded += 1;
  }

  /**
   * Before traffic returns, and after single failures. What is noted meanwhile waits for the next time, since `owes`
   * keeps it from being read. @throws when Redis goes away again; what is left stays noted.
   */
  async dropStale(): Promise<void> {
    this.#startedAtMs = performance.now();
    const failures: unknown[] = [];
    for (const [tag, noted] of [...this.#clears]) {
      try {
        await this.#deps.redis.clearTag(tag);
        if (this.#clears.get(tag) === noted) this.#clears.delete(tag);
      } catch (error) {
        if (!this.#isPartAway(error)) throw error;
        failures.push(error);
      }
    }
    const owed = [...this.#drops];
    for (let at = 0; at < owed.length; at += DROP_BATCH) {
      await this.#drop(owed.slice(at, at + DROP_BATCH), failures);
    }
    if (failures.length > 0) throw failures[0];
  }

  /** After traffic has returned: moves what carries a rev, then empties the Map. */
  moveInBackground(): void {
    this.#moving ??= this.#move()
      .catch((error: unknown) => {
        this.#deps.logger.warn('the hand-back was interrupted and goes on when Redis is back', { error });
      })
      .finally(() => {
        this.#moving = undefined;
      });
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#moving;
  }

  get hasDrops(): boolean {
    return this.#drops.size + this.#clears.size > 0;
  }

  stats(): HandBackStats {
    return {
      pending: this.#drops.size + this.#clears.size + this.#moves.size,
      moved: this.#moved,
      superseded: this.#superseded,
      failed: this.#failed,
      lastDurationMs: this.#lastDurationMs,
    };
  }

  async #drop(batch: readonly (readonly [string, number])[], failures: unknown[]): Promise<void> {
    const names = batch.map(([name]) => name);
    try {
      await this.#deps.redis.delete(names);
    } catch (error) {
      if (!this.#isPartAway(error)) throw error;
      if (batch.length === 1) {
        failures.push(error);
        return;
      }
      const middle = batch.length >>> 1;
      await this.#drop(batch.slice(0, middle), failures);
      await this.#drop(batch.slice(middle), failures);
      return;
    }
    const settled = batch.filter(([name, noted]) => this.#drops.get(name) === noted).map(([name]) => name);
    for (const name of settled) this.#drops.delete(name);
    // A value that stayed in the Map would speak again in the next outage, over a newer one in Redis.
    await this.#deps.memory.delete(settled);
    this.#superseded += settled.length;
  }

  /** One shard of a cluster: calls to it fail at once, and the names of the others are not to wait for it. */
  #isPartAway(error: unknown): boolean {
    return error instanceof RedisAwayError && error.reason === 'open' && this.#deps.isRedisInUse();
  }

  async #move(): Promise<void> {
    const { memory, isRedisInUse } = this.#deps;
    while (this.#moves.size > 0) {
      for (const batch of this.#nextBatches()) {
        if (this.#isStopped || !isRedisInUse()) return;
        const waitMs = await this.#moveSome(batch);
        if (this.#moves.size > 0) await pause(waitMs, undefined, { ref: false });
      }
    }
    if (!isRedisInUse()) return;
    memory.clear();
    this.#lastDurationMs = performance.now() - this.#startedAtMs;
  }

  /** Names of one organization next to each other, since its list is told of all of a batch in one step. */
  #nextBatches(): Noted[][] {
    const ofTag = new Map<Tag | undefined, Noted[]>();
    for (const noted of take(this.#moves, BATCHES * BATCH)) {
      const tag = this.#deps.memory.entry(noted[0])?.tags[0];
      const own = ofTag.get(tag);
      if (own) own.push(noted);
      else ofTag.set(tag, [noted]);
    }
    const all = [...ofTag.values()].flat();
    return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, n) =>
      all.slice(n * BATCH, (n + 1) * BATCH),
    );
  }

  /** Reads the Map at the last moment: what was cleared, written anew or has expired meanwhile is not moved. @returns how long to wait before more. */
  async #moveSome(batch: readonly Noted[]): Promise<number> {
    const { memory, redis } = this.#deps;
    // What has been settled or noted again since it was taken is not this batch's.
    const isStillOwed = ([name, noted]: Noted) => this.#moves.get(name) === noted;
    const owed = batch.filter(isStillOwed);
    const entries = owed.flatMap(([name]) => memory.entry(name) ?? []);
    try {
      if (entries.length > 0) await redis.set(entries);
      this.#moved += entries.length;
      this.#superseded += owed.length - entries.length;
    } catch (error) {
      if (error instanceof RedisAwayError) return PAUSE_AFTER_MISS_MS;
      // Redis is there and does not want it, when it is full for instance: the record has it.
      this.#failed += owed.length;
      this.#deps.logger.warn('Redis refused values of the hand-back', { count: owed.length, error });
    }
    const settled = owed.filter(isStillOwed).map(([name]) => name);
    for (const name of settled) this.#moves.delete(name);
    // Bit by bit: to empty a full Map at the end would keep everybody waiting (25 ms for 50,000 values).
    memory.forget(settled);
    return PAUSE_MS;
  }

  #add(names: Map<string, number>, name: string): void {
    this.#noted += 1;
    // Added again at the end: a map keeps the order of insertion, and the oldest is given up first.
    names.delete(name);
    names.set(name, this.#noted);
    if (names.size <= MAX_NAMES) return;
    const [oldest] = names.keys();
    if (oldest !== undefined) names.delete(oldest);
    this.#failed += 1;
  }
}

function take(names: ReadonlyMap<string, number>, count: number): [string, number][] {
  const taken: [string, number][] = [];
  for (const entry of names) {
    if (taken.push(entry) === count) break;
  }
  return taken;
}
