/**
 * Values whose name holds their rev cannot be stale, so they are kept decoded: a warm turn reads its settings without
 * asking a store. Callers share the value and must not change it.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { CacheKey } from './types.js';

/** Counted as encoded: settings of a dealership with 300 vehicles are some 10 kB, and several times that decoded. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_VALUES = 2_000;

interface Kept {
  readonly value: unknown;
  readonly expiresAtMs: number;
}

export class DecodedValues {
  readonly #clock: Clock;
  readonly #kept = new LRUCache<string, Kept>({ max: MAX_VALUES, maxSize: MAX_BYTES });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: CacheKey<unknown>): { readonly value: unknown } | undefined {
    const kept = this.#kept.get(key.name);
    if (!kept || kept.expiresAtMs > this.#clock.monotonicMs()) return kept;
    this.#kept.delete(key.name);
    return undefined;
  }

  /** @param encodedBytes how large the value is as stored. */
  keep(key: CacheKey<unknown>, value: unknown, encodedBytes: number): void {
    if (key.freshness !== 'immutable' || key.ttlMs <= 0) return;
    const expiresAtMs = this.#clock.monotonicMs() + key.ttlMs;
    this.#kept.set(key.name, { value, expiresAtMs }, { size: encodedBytes });
  }

  delete(name: string): void {
    this.#kept.delete(name);
  }

  clear(): void {
    this.#kept.clear();
  }
}
