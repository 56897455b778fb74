/** One caller that reads and writes one value without end, and how long each of its calls took. */
import type { CacheKey } from '../../services/cache/types.js';
import type { Cache } from '../../services/cache.js';

export interface SteadyTraffic {
  readonly durationsMs: number[];
  readonly errors: unknown[];
  readonly wrong: string[];
  stop(): Promise<void>;
}

/** Reads and writes one value, which carries a rev, one call after the other. */
export function startSteadyTraffic(cache: Cache, key: CacheKey<string>): SteadyTraffic {
  const [durationsMs, errors, wrong]: [number[], unknown[], string[]] = [[], [], []];
  let isRunning = true;
  const timed = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    const startedAtMs = performance.now();
    try {
      return await work();
    } catch (error) {
      errors.push(error);
      return undefined;
    } finally {
      durationsMs.push(performance.now() - startedAtMs);
    }
  };
  const running = (async () => {
    let last: string | undefined;
    for (let n = 0; isRunning; n += 1) {
      const found = await timed(() => cache.get(key));
      if (found !== undefined && found !== last) wrong.push(found);
      last = `value ${n}`;
      await timed(() => cache.set(key, `value ${n}`));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const stop = async () => {
    isRunning = false;
    await running;
  };
  return { durationsMs, errors, wrong, stop };
}
