/** Loading what is missing, over several processes that share a Redis: each Cache here stands for a process. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { CacheKey } from '../../services/cache/types.js';
import type { Cache } from '../../services/cache.js';
import { type CacheOnRedis, openCacheOnRedis, valueKey } from '../support/cacheOnRedis.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

describeWithRedis('Loading', () => {
  let server: RedisServer;
  const opened: CacheOnRedis[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    server.resume();
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });
  afterAll(() => server.stop());

  async function processes(count: number, guard = {}): Promise<Cache[]> {
    const made = await Promise.all(
      Array.from({ length: count }, () => openCacheOnRedis({ url: server.url, guard })),
    );
    opened.push(...made);
    await until(() => made.every(({ cache }) => cache.mode === 'redis'), { what: 'all on Redis' });
    return made.map(({ cache }) => cache);
  }

  function slowLoad(takesMs: number) {
    const load = { count: 0 };
    const run = async () => {
      load.count += 1;
      const own = load.count;
      await new Promise((resolve) => setTimeout(resolve, takesMs));
      return `load ${own}`;
    };
    return { load, run };
  }

  it('by fifty processes at once happens once when it has a lease', async () => {
    // Fifty on one event loop keep each other waiting for longer than one process would.
    const caches = await processes(50, { deadlineMs: 2_000 });
    const key: CacheKey<string> = { ...valueKey<string>(), loadLeaseMs: 3_000 };
    const { load, run } = slowLoad(150);
    const values = await Promise.all(caches.map((cache) => cache.getOrLoad(key, run)));
    expect([load.count, new Set(values)]).toEqual([1, new Set(['load 1'])]);
  });

  it('goes on in another process when the one with the lease fails', async () => {
    const [one, two] = await processes(2);
    const key: CacheKey<string> = { ...valueKey<string>(), loadLeaseMs: 200 };
    let hasBegun = false;
    const failing = one!.getOrLoad(key, async () => {
      hasBegun = true;
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error('the record is away');
    });
    await until(() => hasBegun, { everyMs: 1 });
    const other = two!.getOrLoad(key, async () => 'loaded');
    await expect(failing).rejects.toThrow('the record is away');
    expect(await other).toBe('loaded');
  });

  it('waits for nobody when Redis hangs', async () => {
    const [cache] = await processes(1);
    const key: CacheKey<string> = { ...valueKey<string>(), loadLeaseMs: 3_000 };
    server.pause();
    const startedAtMs = performance.now();
    expect(await cache!.getOrLoad(key, async () => 'loaded')).toBe('loaded');
    expect(performance.now() - startedAtMs).toBeLessThan(600);
  });

  it('of a value of some age goes on behind its back, once, and a failure leaves the value', async () => {
    const [one, two] = await processes(2);
    const key: CacheKey<string> = { ...valueKey<string>(), refreshAfterMs: 100, loadLeaseMs: 1_000 };
    expect(await one!.getOrLoad(key, async () => 'first')).toBe('first');
    await new Promise((resolve) => setTimeout(resolve, 120));
    const { load, run } = slowLoad(50);
    const answers = [one!, one!, two!, two!].map((cache) => cache.getOrLoad(key, run));
    expect(await Promise.all(answers)).toEqual(Array(4).fill('first'));
    await until(async () => (await two!.get(key)) === 'load 1', { what: 'the new value' });
    expect(load.count).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 120));
    const fail = async () => Promise.reject(new Error('the record is away'));
    expect(await one!.getOrLoad(key, fail)).toBe('load 1');
    await until(() => opened[0]!.log().some((line) => line.includes('could not be loaded anew')));
    expect(await one!.get(key)).toBe('load 1');
  });

  it('that finds nothing is remembered, for its own time', async () => {
    const [cache] = await processes(1);
    const key: CacheKey<string | null> = { ...valueKey<string | null>(), negativeTtlMs: 100 };
    const { load, run } = slowLoad(1);
    const nothing = async () => {
      await run();
      return null;
    };
    expect([await cache!.getOrLoad(key, nothing), await cache!.getOrLoad(key, nothing)]).toEqual([
      null,
      null,
    ]);
    expect(load.count).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 130));
    await cache!.getOrLoad(key, nothing);
    expect(load.count).toBe(2);
  });

  it('through a function that remembers asks once for each key', async () => {
    const [cache] = await processes(1);
    const keys = new Map([1, 2].map((n) => [n, valueKey<number>()]));
    let asked = 0;
    const square = cache!.memoize(
      (n: number) => keys.get(n)!,
      async (n) => {
        asked += 1;
        return n * n;
      },
    );
    expect([await square(1), await square(2), await square(1), await square(2)]).toEqual([1, 4, 1, 4]);
    expect(asked).toBe(2);
  });
});
