/** Callers that write and read while servers fail over, and how they fared. Every value carries the number of its write. */
import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { CacheKey } from '../../services/cache/types.js';
import type { Cache } from '../../services/cache.js';
import { valueKey } from './cacheOnRedis.js';

/** What one caller may be kept waiting, once. */
export const STALL_MS = 150;

export interface FailoverReport {
  readonly calls: number;
  readonly errors: readonly unknown[];
  /** Moments (not calls) at which callers waited longer than `STALL_MS`, without what this process itself stood still. */
  readonly stalls: number;
  readonly longestMs: number;
  /** Values read that were not the last written under their name. */
  readonly wrong: readonly string[];
}

export interface FailoverTraffic {
  readonly keys: readonly CacheKey<string>[];
  report(): FailoverReport;
  stop(): Promise<FailoverReport>;
}

/** Some 400 calls a second, each key by one caller, one call after the other. */
export function startFailoverTraffic(cache: Cache, count = 20): FailoverTraffic {
  const keys = Array.from({ length: count }, () => valueKey<string>('checked'));
  const errors: unknown[] = [];
  const wrong: string[] = [];
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  let isRunning = true;
  let [calls, stalls, longestMs, lastStallMs] = [0, 0, 0, Number.NEGATIVE_INFINITY];

  async function timed<T>(work: () => Promise<T>): Promise<T | undefined> {
    const startedAtMs = performance.now();
    try {
      return await work();
    } catch (error) {
      errors.push(error);
      return undefined;
    } finally {
      calls += 1;
      const endedAtMs = performance.now();
      const tookMs = endedAtMs - startedAtMs - delay.max / 1e6;
      longestMs = Math.max(longestMs, tookMs);
      if (tookMs > STALL_MS) {
        // Calls that were under way together waited for one thing.
        if (startedAtMs > lastStallMs) stalls += 1;
        lastStallMs = endedAtMs;
      }
    }
  }

  async function caller(key: CacheKey<string>): Promise<void> {
    for (let n = 0; isRunning; n += 1) {
      const value = `${n} ${randomUUID()}`;
      await timed(() => cache.set(key, value));
      await pause(50);
      const found = await timed(() => cache.get(key));
      // A miss is always right; an older value never is.
      if (found !== undefined && found !== value) wrong.push(`${found} instead of ${value}`);
      await pause(50);
    }
  }

  const running = Promise.all(keys.map(caller));
  const report = () => ({ calls, errors, stalls, longestMs, wrong });
  return {
    keys,
    report,
    stop: async () => {
      isRunning = false;
      await running;
      delay.disable();
      return report();
    },
  };
}
