/** How long exchanges with the server take, in all and by operation; measured, not sampled. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

export interface LatencyReport {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export class Latency {
  readonly #all = createHistogram();
  readonly #byOperation = new Map<string, RecordableHistogram>();

  async time<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      return await work();
    } finally {
      const microseconds = Math.max(1, Math.round((performance.now() - startedAtMs) * 1_000));
      this.#all.record(microseconds);
      this.#of(operation).record(microseconds);
    }
  }

  report(): LatencyReport {
    return reportOf(this.#all);
  }

  byOperation(): Record<string, LatencyReport> {
    return Object.fromEntries([...this.#byOperation].map(([name, times]) => [name, reportOf(times)]));
  }

  #of(operation: string): RecordableHistogram {
    const times = this.#byOperation.get(operation) ?? createHistogram();
    this.#byOperation.set(operation, times);
    return times;
  }
}

function reportOf(times: RecordableHistogram): LatencyReport {
  const at = (percentile: number) => (times.count === 0 ? 0 : times.percentile(percentile) / 1_000);
  return { count: times.count, p50Ms: at(50), p95Ms: at(95), p99Ms: at(99) };
}
