/** The samples of the last hour, and what changed between them. */
import type { Recent, Sample } from './types.js';

/** What "recent" means: long enough to hold some hundred reads of a quiet dealership, short enough to be news. */
const RECENT_MS = 10 * 60_000;

export class History {
  readonly #samples: Sample[] = [];
  readonly #maxSamples: number;

  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples;
  }

  get length(): number {
    return this.#samples.length;
  }

  add(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > this.#maxSamples) this.#samples.shift();
  }

  /** What changed from the oldest recent sample to this one. */
  recent(now: Sample): Recent {
    const recent = this.#samples.filter(({ atMs }) => now.atMs - atMs <= RECENT_MS);
    const before = recent[0] ?? now;
    return {
      ...changes(before, now),
      roundTrips: percentile99([...recent, now].flatMap(({ roundTripsMs }) => roundTripsMs)),
    };
  }
}

function changes(before: Sample, now: Sample): Omit<Recent, 'roundTrips'> {
  const kinds = Object.entries(now.kinds).map(([kind, { hits, misses }]) => {
    const earlier = before.kinds[kind];
    return [kind, { hits: hits - (earlier?.hits ?? 0), misses: misses - (earlier?.misses ?? 0) }] as const;
  });
  return {
    spanMs: now.atMs - before.atMs,
    kinds: Object.fromEntries(kinds),
    fallbackEvictions: now.fallbackEvictions - before.fallbackEvictions,
    redisEvictions: redisEvictions(before, now),
  };
}

/** A server that started in between has begun to count again, and all of its count is recent. */
function redisEvictions(before: Sample, now: Sample): number | null {
  if (now.redisEvictions === null || before.redisEvictions === null) return null;
  const difference = now.redisEvictions - before.redisEvictions;
  return difference < 0 ? now.redisEvictions : difference;
}

function percentile99(values: readonly number[]): Recent['roundTrips'] {
  const sorted = [...values].sort((a, b) => a - b);
  const p99Ms = sorted[Math.ceil(sorted.length * 0.99) - 1];
  return p99Ms === undefined ? null : { count: sorted.length, p99Ms };
}
