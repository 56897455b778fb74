/**
 * The guards of a cluster, one for each shard, and what they are together: away only when no shard is left. A dead
 * shard fails its own calls at once and no others.
 */
import type { Logger } from '../logger.js';
import { type Breaker, RedisAwayError } from './guard.js';
import { Shard, type ShardDeps } from './shard.js';
import { SLOTS } from './slot.js';

export interface ShardsDeps extends Omit<ShardDeps, 'owns'> {
  readonly logger: Logger;
}

type Slots = readonly (readonly string[] | undefined)[];

export class Shards implements Breaker {
  readonly #deps: ShardsDeps;
  readonly #ofSlot = Array.from<Shard | undefined>({ length: SLOTS });
  readonly #listeners: ((isOpen: boolean, reason: string) => void)[] = [];
  readonly #hooks: (() => Promise<void>)[] = [];
  #shards: Shard[] = [];
  #wasOpen = false;
  /** Once it was away, a shard that appears proves itself first: what was owed to the cluster is owed to it. */
  #mustProve = false;
  #isStopped = false;

  constructor(deps: ShardsDeps) {
    this.#deps = deps;
  }

  get isOpen(): boolean {
    return this.#shards.every(({ guard }) => guard.isOpen);
  }

  get isInDoubt(): boolean {
    return this.#shards.some(({ guard }) => guard.isInDoubt);
  }

  get all(): readonly Shard[] {
    return this.#shards;
  }

  ofSlot(slot: number): Shard | undefined {
    return this.#ofSlot[slot];
  }

  /** Every exchange goes through the guard of its shard; this is for work on the whole. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.isOpen) throw new RedisAwayError('open');
    return await work();
  }

  async runOn<T>(slot: number, work: () => Promise<T>): Promise<T> {
    const shard = this.#ofSlot[slot];
    if (!shard) throw new RedisAwayError('not connected');
    return await shard.guard.run(work);
  }

  open(reason: string): void {
    this.#mustProve = true;
    for (const { guard } of this.#shards) guard.open(reason);
    this.#settle(reason);
  }

  onChange(listener: (isOpen: boolean, reason: string) => void): void {
    this.#listeners.push(listener);
  }

  onBeforeClose(hook: () => Promise<void>): void {
    this.#hooks.push(hook);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { guard } of this.#shards) guard.stop();
  }

  /** @param slots for each slot the `host:port` of its servers, the one that takes writes first. */
  assign(slots: Slots): void {
    if (this.#isStopped || this.#isCurrent(slots)) return;
    const owned = countByNode(slots);
    const shards = this.#keepOrMake(owned);
    const moved = new Set<Shard>();
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const key = slots[slot]?.[0];
      const next = key === undefined ? undefined : shards.get(key);
      const before = this.#ofSlot[slot];
      if (before === next) continue;
      this.#ofSlot[slot] = next;
      for (const shard of [before, next]) shard?.moved();
      // What is owed to an away shard is now owed to whoever took the slot over.
      if (next && before?.guard.isOpen && !next.guard.isOpen) moved.add(next);
    }
    for (const gone of this.#shards.filter((shard) => shards.get(shard.nodeKey) !== shard)) gone.guard.stop();
    this.#shards = [...shards.values()];
    for (const shard of this.#shards) shard.slots = owned.get(shard.nodeKey)?.size ?? 0;
    for (const shard of moved) shard.guard.open('it took over slots of a shard that was away');
    this.#settle('not connected');
  }

  #isCurrent(slots: Slots): boolean {
    for (let slot = 0; slot < SLOTS; slot += 1) {
      if (this.#ofSlot[slot]?.nodeKey !== slots[slot]?.[0]) return false;
    }
    return true;
  }

  /** The shard of a promoted replica is the one whose slots it took over, guard and all. */
  #keepOrMake(owned: ReadonlyMap<string, ReadonlySet<number>>): Map<string, Shard> {
    const shards = new Map<string, Shard>();
    for (const key of owned.keys()) {
      const same = this.#shards.find(({ nodeKey }) => nodeKey === key);
      if (same) shards.set(key, same);
    }
    for (const [key, ofKey] of owned) {
      if (shards.has(key)) continue;
      const taken = new Set(shards.values());
      const heir = this.#shards.find(
        (shard) =>
          !owned.has(shard.nodeKey) &&
          !taken.has(shard) &&
          [...ofKey].some((slot) => this.#ofSlot[slot] === shard),
      );
      const shard = heir ?? this.#make(key);
      shard.nodeKey = key;
      shards.set(key, shard);
    }
    return shards;
  }

  #make(nodeKey: string): Shard {
    const shard = new Shard(nodeKey, (self) => ({
      ...this.#deps,
      owns: (slot) => this.#ofSlot[slot] === self,
    }));
    shard.guard.onBeforeClose(() => this.#runHooks(shard));
    shard.guard.onChange((isOpen, reason) => {
      const message = isOpen
        ? 'a shard of the Redis cluster is away'
        : 'a shard of the Redis cluster is back';
      this.#deps.logger.log(isOpen ? 'warn' : 'info', message, { slots: shard.slots, reason });
      this.#settle(reason);
    });
    if (this.#mustProve) shard.guard.open('not connected');
    return shard;
  }

  /**
   * What is owed to another shard that is still away cannot be paid now and must not keep this one from its traffic: the
   * cache does not read a name under which it still owes something.
   */
  async #runHooks(shard: Shard): Promise<void> {
    try {
      for (const hook of this.#hooks) await hook();
    } catch (error) {
      const isAlone = this.#shards.every((other) => other === shard || !other.guard.isOpen);
      if (isAlone || !(error instanceof RedisAwayError)) throw error;
    }
  }

  #settle(reason: string): void {
    const { isOpen } = this;
    if (isOpen === this.#wasOpen) return;
    this.#wasOpen = isOpen;
    if (isOpen) this.#mustProve = true;
    for (const listener of this.#listeners) listener(isOpen, reason);
  }
}

function countByNode(slots: Slots): Map<string, Set<number>> {
  const owned = new Map<string, Set<number>>();
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const key = slots[slot]?.[0];
    if (key === undefined) continue;
    const ofKey = owned.get(key);
    if (ofKey) ofKey.add(slot);
    else owned.set(key, new Set([slot]));
  }
  return owned;
}
