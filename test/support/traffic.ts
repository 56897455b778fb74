/** Callers that read and write all the time, and how they fared. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cache } from '../../services/cache.js';
import { valueKey } from './cacheOnRedis.js';

export interface TrafficReport {
  readonly calls: number;
  readonly errors: readonly unknown[];
  /** Without the longest time that this process itself stood still: on a busy machine that is not the cache's. */
  readonly slowestMs: number;
}

/** Some 800 calls a second over 20 keys of each freshness. @returns what to call to end it. */
export function startTraffic(cache: Cache): () => Promise<TrafficReport> {
  const keys = (['timed', 'checked'] as const).flatMap((freshness) =>
    Array.from({ length: 20 }, () => valueKey<string>(freshness)),
  );
  const errors: unknown[] = [];
  let calls = 0;
  let slowestMs = 0;
  let isRunning = true;
  const stalls = monitorEventLoopDelay({ resolution: 5 });
  stalls.enable();

  async function timed(work: Promise<unknown>): Promise<void> {
    const startedAtMs = performance.now();
    calls += 1;
    await work.catch((error: unknown) => errors.push(error));
    slowestMs = Math.max(slowestMs, performance.now() - startedAtMs);
  }

  async function run(): Promise<void> {
    const underWay: Promise<void>[] = [];
    for (let n = 0; isRunning; n += 1) {
      const key = keys[n % keys.length]!;
      underWay.push(timed(cache.set(key, `value ${n}`)), timed(cache.get(key)));
      underWay.push(
        timed(cache.getOrLoad(valueKey<string>(), async () => 'loaded')),
        timed(cache.delete([key])),
      );
      await pause(5);
    }
    await Promise.all(underWay);
  }

  const running = run();
  return async () => {
    isRunning = false;
    await running;
    stalls.disable();
    return { calls, errors, slowestMs: slowestMs - stalls.max / 1e6 };
  };
}
