/** How long exchanges with the server take, in all and by operation; measured, not sampled. */
import { Histogram, type Times } from '../histogram.js';

export type LatencyReport = Times;

export class Latency {
  readonly #all = new Histogram();
  readonly #byOperation = new Map<string, Histogram>();

  async time<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      return await work();
    } finally {
      const tookMs = performance.now() - startedAtMs;
      this.#all.recordMs(tookMs);
      this.#of(operation).recordMs(tookMs);
    }
  }

  report(): LatencyReport {
    return this.#all.report();
  }

  byOperation(): Record<string, LatencyReport> {
    return Object.fromEntries([...this.#byOperation].map(([name, times]) => [name, times.report()]));
  }

  #of(operation: string): Histogram {
    const known = this.#byOperation.get(operation);
    if (known) return known;
    const made = new Histogram();
    this.#byOperation.set(operation, made);
    return made;
  }
}
