/**
 * How often something took how long. Buckets are the same in every process and every minute, so histograms can be added
 * up; percentiles cannot. Recording costs some nanoseconds. A bucket is a sixteenth of its power of two wide, so what is
 * read out is at most 6 % too high.
 */

/** Upper bounds for reports and metrics, in milliseconds; above the last one there is everything. */
export const BUCKET_BOUNDS_MS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 80, 150, 250, 500, 1_000, 2_500, 5_000, 10_000,
] as const;

export interface Times {
  readonly count: number;
  readonly sumMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** How many took at most each of BUCKET_BOUNDS_MS: they add up over processes. */
  readonly buckets: readonly number[];
}

const STEPS = 16;
const STEP_BITS = 4;
/** 2^31 µs are 36 minutes; what took longer counts there. */
const MAX_MICROSECONDS = 2 ** 31 - 1;
const BUCKETS = (32 - STEP_BITS + 1) * STEPS;

export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #sumMicroseconds = 0;

  recordMs(ms: number): void {
    const microseconds = Math.min(MAX_MICROSECONDS, Math.max(0, Math.round(ms * 1_000)));
    const at = bucketOf(microseconds);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count += 1;
    this.#sumMicroseconds += microseconds;
  }

  add(other: Histogram): void {
    for (const [at, count] of other.#counts.entries()) this.#counts[at] = (this.#counts[at] ?? 0) + count;
    this.#count += other.#count;
    this.#sumMicroseconds += other.#sumMicroseconds;
  }

  report(): Times {
    return {
      count: this.#count,
      sumMs: this.#sumMicroseconds / 1_000,
      p50Ms: this.#percentileMs(50),
      p95Ms: this.#percentileMs(95),
      p99Ms: this.#percentileMs(99),
      buckets: this.#cumulative(),
    };
  }

  /** 0 when nothing was recorded. */
  #percentileMs(percentile: number): number {
    const wanted = Math.ceil((this.#count * percentile) / 100);
    let seen = 0;
    for (const [at, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted && seen > 0) return upperBoundOf(at) / 1_000;
    }
    return 0;
  }

  /** Exact to the width of a bucket. */
  #cumulative(): number[] {
    let at = 0;
    let seen = 0;
    return BUCKET_BOUNDS_MS.map((boundMs) => {
      for (; at < BUCKETS && upperBoundOf(at) <= boundMs * 1_000; at += 1) seen += this.#counts[at] ?? 0;
      return seen;
    });
  }
}

function bucketOf(microseconds: number): number {
  if (microseconds < STEPS) return microseconds;
  const exponent = 31 - Math.clz32(microseconds) - STEP_BITS;
  return exponent * STEPS + (microseconds >>> exponent);
}

/** The largest number of microseconds that counts in the bucket. */
function upperBoundOf(at: number): number {
  if (at < STEPS) return at;
  const exponent = Math.floor(at / STEPS) - 1;
  return (at - exponent * STEPS + 1) * 2 ** exponent - 1;
}
