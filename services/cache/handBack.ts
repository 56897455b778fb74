/**
 * What happens to the Map's content when Redis returns. First, while reads are still served by the Map, every name
 * that was deleted or written without a rev is deleted in Redis, so that nothing older than the outage speaks. Then,
 * in the background, values that carry a rev are moved; a wrong one among them can cost a miss and nothing else.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import type { OrganizationId } from '../types.js';
import type { MemoryDriver } from './memoryDriver.js';
import type { CacheDriver, Step } from './types.js';

export interface HandBackStats {
  /** Names that Redis must still hear of. */
  readonly pending: number;
  readonly moved: number;
  /** Dropped on purpose: a rev in the record decides, or a newer value may be there. */
  readonly superseded: number;
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
/** An outage that drops more names than this loses the oldest: they expire by themselves within minutes. */
const MAX_NAMES = 500_000;

export class HandBack {
  readonly #deps: HandBackDeps;
  /** Names to delete in Redis. */
  readonly #drops = new Set<string>();
  /** Names whose value in the Map is to be moved. */
  readonly #moves = new Set<string>();
  /** Organizations of which Redis may hold nothing from before. */
  readonly #clears = new Set<OrganizationId>();
  #moved = 0;
  #superseded = 0;
  #failed = 0;
  #lastDurationMs: number | null = null;
  #startedAtMs = 0;
  #moving: Promise<void> | undefined;

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
    this.#clears.add(organizationId);
  }

  /** Redis has a newer value, so the Map's is not wanted there any more. */
  supersede(name: string): void {
    if (this.#moves.delete(name)) this.#superseded += 1;
  }

  /** Before traffic returns. @throws when Redis goes away again; what is left stays noted. */
  async dropStale(redisRun: Step = (work) => work()): Promise<void> {
    this.#startedAtMs = performance.now();
    for (const organizationId of this.#clears) {
      await this.#deps.redis.clearOrganization(organizationId, redisRun);
      this.#clears.delete(organizationId);
    }
    while (this.#drops.size > 0) {
      const batch = take(this.#drops, BATCH * 5);
      await redisRun(() => this.#deps.redis.delete(batch));
      for (const name of batch) this.#drops.delete(name);
      this.#superseded += batch.length;
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

  async idle(): Promise<void> {
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

  async #move(): Promise<void> {
    const { memory, redis, isRedisInUse, run } = this.#deps;
    let batch = [];
    for (const entry of [...memory.entries()]) {
      if (!this.#moves.has(entry.name)) continue;
      batch.push(entry);
      if (batch.length < BATCH) continue;
      await this.#store(batch, run, redis);
      batch = [];
      if (!isRedisInUse()) return;
      await pause(PAUSE_MS);
    }
    if (batch.length > 0) await this.#store(batch, run, redis);
    if (!isRedisInUse()) return;
    // What is still noted has expired or was evicted: the record has it.
    this.#superseded += this.#moves.size;
    this.#moves.clear();
    // A value that stayed here would speak again in the next outage, over a newer one in Redis.
    memory.clear();
    this.#lastDurationMs = performance.now() - this.#startedAtMs;
  }

  async #store(
    batch: Parameters<CacheDriver['set']>[0],
    run: HandBackDeps['run'],
    redis: CacheDriver,
  ): Promise<void> {
    await run(() => redis.set(batch));
    for (const { name } of batch) this.#moves.delete(name);
    this.#moved += batch.length;
  }

  #add(names: Set<string>, name: string): void {
    // Added again at the end: a set keeps the order of insertion, and the oldest is given up first.
    names.delete(name);
    names.add(name);
    if (names.size <= MAX_NAMES) return;
    const [oldest] = names;
    if (oldest !== undefined) names.delete(oldest);
    this.#failed += 1;
  }
}

function take(names: Set<string>, count: number): string[] {
  const taken: string[] = [];
  for (const name of names) {
    if (taken.push(name) === count) break;
  }
  return taken;
}
