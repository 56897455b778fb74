/**
 * Counts and times, per kind and per store: aggregates only, no key and no tenant in them. Times are histograms, which
 * can be added up over processes and minutes; percentiles cannot.
 */
import { Histogram, type Times } from '../histogram.js';

export interface KindStats {
  readonly hits: number;
  /** Of the hits, those that this process answered without asking a store. */
  readonly localHits: number;
  readonly misses: number;
  /** 0 to 1; null before the first read. */
  readonly hitRate: number | null;
  readonly errors: number;
  /** Of the errors, those for want of an answer in time. */
  readonly timeouts: number;
  /** As stored, encoded. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Of the operations that asked a store. */
  readonly times: Times;
}

export interface StoreStats {
  readonly hits: number;
  readonly misses: number;
  readonly hitRate: number | null;
  readonly errors: number;
  readonly times: Times;
}

type KindCount = 'hits' | 'localHits' | 'misses' | 'errors' | 'timeouts' | 'bytesRead' | 'bytesWritten';
type StoreCount = 'hits' | 'misses' | 'errors';

interface Timed<Count extends string> {
  readonly counts: Record<Count, number>;
  readonly times: Histogram;
}

export class CacheStats {
  readonly #kinds = new Map<string, Timed<KindCount>>();
  readonly #stores = new Map<string, Timed<StoreCount>>();

  count(kind: string, what: KindCount, by = 1): void {
    this.#kind(kind).counts[what] += by;
  }

  countStore(store: string, what: StoreCount, by = 1): void {
    this.#store(store).counts[what] += by;
  }

  /** @param startedAtMs of performance.now() */
  time(kind: string, store: string, startedAtMs: number): void {
    const tookMs = performance.now() - startedAtMs;
    this.#kind(kind).times.recordMs(tookMs);
    this.#store(store).times.recordMs(tookMs);
  }

  kinds(): Record<string, KindStats> {
    return Object.fromEntries(
      [...this.#kinds].map(([kind, { counts, times }]) => [
        kind,
        { ...counts, hitRate: rateOf(counts), times: times.report() },
      ]),
    );
  }

  stores(): Record<string, StoreStats> {
    return Object.fromEntries(
      [...this.#stores].map(([store, { counts, times }]) => [
        store,
        { ...counts, hitRate: rateOf(counts), times: times.report() },
      ]),
    );
  }

  #kind(kind: string): Timed<KindCount> {
    const known = this.#kinds.get(kind);
    if (known) return known;
    const counts = {
      hits: 0,
      localHits: 0,
      misses: 0,
      errors: 0,
      timeouts: 0,
      bytesRead: 0,
      bytesWritten: 0,
    };
    const made = { counts, times: new Histogram() };
    this.#kinds.set(kind, made);
    return made;
  }

  #store(store: string): Timed<StoreCount> {
    const known = this.#stores.get(store);
    if (known) return known;
    const made = { counts: { hits: 0, misses: 0, errors: 0 }, times: new Histogram() };
    this.#stores.set(store, made);
    return made;
  }
}

function rateOf({ hits, misses }: { readonly hits: number; readonly misses: number }): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses);
}
