/**
 * What happens to the Map's content when Redis returns. First, while reads are still served by the Map, every name
 * that was deleted or written without a rev is deleted in Redis, so that nothing older than the outage speaks. Then,
 * in the background, values that carry a rev are moved; a wrong one among them can cost a miss and nothing else.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { RedisAwayError } from '../redis/guard.js';
import type { OrganizationId } from '../types.js';
import type { MemoryDriver } from './memoryDriver.js';
import type { CacheDriver, CacheKey, Step } from './types.js';

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
  /** Goes through the guard, so that a Redis that dies again ends the work at once. */
  readonly run: Step;
  isRedisInUse(): boolean;
}

const BATCH = 100;
/** Between batches, so that moving never crowds out the texts of the moment. */
const PAUSE_MS = 2;
/** After a batch that got no answer although Redis is still in use. */
const PAUSE_AFTER_MISS_MS = 100;
/** An outage that drops more names than this loses the oldest: they expire by themselves within minutes. */
const MAX_NAMES = 500_000;

export class HandBack {
  readonly #deps: HandBackDeps;
  /** Names to delete in Redis; the number tells a name noted again while it was being deleted. */
  readonly #drops = new Map<string, number>();
  /** Names whose value in the Map is to be moved. */
  readonly #moves = new Map<string, number>();
  /** Organizations of which Redis may hold nothing from before. */
  readonly #clears = new Map<OrganizationId, number>();
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

  noteClear(organizationId: OrganizationId): void {
    this.#noted += 1;
    this.#clears.set(organizationId, this.#noted);
  }

  /** Whether Redis may hold something older under this name, so that its answer does not count. */
  owes({ name, organizationId }: CacheKey<unknown>): boolean {
    return this.#drops.has(name) || this.#clears.has(organizationId);
  }

  /** Redis is given a newer value, so the Map's is not wanted there any more. */
  supersede(name: string): void {
    if (this.#moves.delete(name)) this.#superseded += 1;
  }

  /**
   * Before traffic returns, and after single failures. What is noted meanwhile waits for the next time, since `owes`
   * keeps it from being read. @throws when Redis goes away again; what is left stays noted.
   */
  async dropStale(redisRun: Step = (work) => work()): Promise<void> {
    this.#startedAtMs = performance.now();
    for (const [organizationId, noted] of [...this.#clears]) {
      await this.#deps.redis.clearOrganization(organizationId, redisRun);
      if (this.#clears.get(organizationId) === noted) this.#clears.delete(organizationId);
    }
    for (let left = this.#drops.size; left > 0; left -= BATCH * 5) {
      await this.#drop(take(this.#drops, Math.min(left, BATCH * 5)), redisRun);
    }
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

  async #drop(batch: readonly (readonly [string, number])[], redisRun: Step): Promise<void> {
    const names = batch.map(([name]) => name);
    await redisRun(() => this.#deps.redis.delete(names));
    const settled = batch.filter(([name, noted]) => this.#drops.get(name) === noted).map(([name]) => name);
    for (const name of settled) this.#drops.delete(name);
    // A value that stayed in the Map would speak again in the next outage, over a newer one in Redis.
    await this.#deps.memory.delete(settled);
    this.#superseded += settled.length;
  }

  async #move(): Promise<void> {
    const { memory, isRedisInUse } = this.#deps;
    while (this.#moves.size > 0) {
      if (this.#isStopped || !isRedisInUse()) return;
      const waitMs = await this.#moveSome(take(this.#moves, BATCH).map(([name]) => name));
      await pause(waitMs, undefined, { ref: false });
    }
    if (!isRedisInUse()) return;
    memory.clear();
    this.#lastDurationMs = performance.now() - this.#startedAtMs;
  }

  /** Reads the Map at the last moment: what was cleared, written anew or has expired meanwhile is not moved. @returns how long to wait before more. */
  async #moveSome(names: readonly string[]): Promise<number> {
    const { memory, redis, run } = this.#deps;
    const batch = names.flatMap((name) => memory.entry(name) ?? []);
    try {
      if (batch.length > 0) await run(() => redis.set(batch));
      this.#moved += batch.length;
      this.#superseded += names.length - batch.length;
    } catch (error) {
      if (error instanceof RedisAwayError) return PAUSE_AFTER_MISS_MS;
      // Redis is there and does not want it, when it is full for instance: the record has it.
      this.#failed += names.length;
      this.#deps.logger.warn('Redis refused values of the hand-back', { count: names.length, error });
    }
    for (const name of names) this.#moves.delete(name);
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
