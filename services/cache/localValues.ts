/**
 * Values kept decoded, so that a warm turn asks no store for them. Those whose name holds their rev, and those that a
 * reader checks by the rev inside, cannot be stale. Those that only their lifetime protects are kept for a minute at
 * most, and only while this process hears what the others delete. Callers share the value and must not change it.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { CacheKey } from './types.js';

/** Counted as encoded; decoded it is several times that. */
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;
const DEFAULT_MAX_VALUES = 10_000;

/** DESIGN: what cannot carry a rev lives at most this long in a process. */
const MAX_TIMED_MS = 60_000;

interface Kept {
  readonly value: unknown;
  readonly expiresAtMs: number;
}

export interface LocalValuesOptions {
  readonly clock: Clock;
  /** 0: nothing is kept. */
  readonly maxBytes?: number | undefined;
  readonly maxValues?: number;
}

export class LocalValues {
  readonly #clock: Clock;
  readonly #kept: LRUCache<string, Kept> | undefined;
  #epoch = 0;

  constructor({ clock, maxBytes = DEFAULT_MAX_BYTES, maxValues = DEFAULT_MAX_VALUES }: LocalValuesOptions) {
    this.#clock = clock;
    this.#kept = maxBytes > 0 ? new LRUCache({ max: maxValues, maxSize: maxBytes }) : undefined;
  }

  get(name: string): { readonly value: unknown } | undefined {
    const kept = this.#kept?.get(name);
    if (!kept || kept.expiresAtMs > this.#clock.monotonicMs()) return kept;
    this.#kept?.delete(name);
    return undefined;
  }

  /** Changes with every removal and replacement: what was read from a store before one is not kept after it. */
  get epoch(): number {
    return this.#epoch;
  }

  /** @param encodedBytes how large the value is as stored. */
  keep(key: CacheKey<unknown>, value: unknown, encodedBytes: number): void {
    const ttlMs = key.freshness === 'timed' ? Math.min(key.ttlMs, MAX_TIMED_MS) : key.ttlMs;
    if (ttlMs <= 0) return;
    const expiresAtMs = this.#clock.monotonicMs() + ttlMs;
    this.#kept?.set(key.name, { value, expiresAtMs }, { size: Math.max(1, encodedBytes) });
  }

  /** The same of a value that is stored now: what a read under way brings is older, and only a rev would tell. */
  replace(key: CacheKey<unknown>, value: unknown, encodedBytes: number): void {
    if (key.freshness === 'timed') this.#epoch += 1;
    this.keep(key, value, encodedBytes);
  }

  delete(name: string): void {
    this.#epoch += 1;
    this.#kept?.delete(name);
  }

  /** A newer value is stored elsewhere; a read that is under way may well bring it. */
  drop(name: string): void {
    this.#kept?.delete(name);
  }

  clear(): void {
    this.#epoch += 1;
    this.#kept?.clear();
  }

  stats(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#kept?.size ?? 0, bytes: this.#kept?.calculatedSize ?? 0 };
  }
}
