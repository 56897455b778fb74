/** Counts per kind and times per store: aggregates only, no key and no tenant in them. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

export interface KindStats {
  readonly hits: number;
  readonly misses: number;
  readonly errors: number;
  /** 0 to 1; null before the first read. */
  readonly hitRate: number | null;
}

export interface StoreStats {
  readonly operations: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

type Outcome = 'hits' | 'misses' | 'errors';

export class CacheStats {
  readonly #kinds = new Map<string, Record<Outcome, number>>();
  readonly #times = new Map<string, RecordableHistogram>();

  count(kind: string, outcome: Outcome, by = 1): void {
    const counts = this.#kinds.get(kind) ?? { hits: 0, misses: 0, errors: 0 };
    counts[outcome] += by;
    this.#kinds.set(kind, counts);
  }

  async time<T>(store: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      const histogram = this.#times.get(store) ?? createHistogram();
      this.#times.set(store, histogram);
      histogram.record(Math.max(1, Math.round((performance.now() - startedAt) * 1_000)));
    }
  }

  kinds(): Record<string, KindStats> {
    return Object.fromEntries(
      [...this.#kinds].map(([kind, counts]) => {
        const reads = counts.hits + counts.misses;
        return [kind, { ...counts, hitRate: reads === 0 ? null : counts.hits / reads }];
      }),
    );
  }

  stores(): Record<string, StoreStats> {
    return Object.fromEntries(
      [...this.#times].map(([store, histogram]) => {
        const at = (percentile: number) => histogram.percentile(percentile) / 1_000;
        return [store, { operations: histogram.count, p50Ms: at(50), p95Ms: at(95), p99Ms: at(99) }];
      }),
    );
  }
}
