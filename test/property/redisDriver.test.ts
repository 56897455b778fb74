/** Calls of one moment for the same names, sent together and made good when a name is gone: the last one of the process counts. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import type { CacheDriver, StoredEntry, Tag } from '../../services/cache/types.js';
import { systemClock } from '../../services/clock.js';
import { bounded, timeLimitMs } from '../support/bounded.js';
import { newName, newTag } from '../support/cacheSubjects.js';
import { accessTo } from '../support/redisAccess.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';

const NAMES = 4;

type Op =
  | { readonly do: 'set'; readonly names: readonly number[] }
  | { readonly do: 'delete'; readonly names: readonly number[] }
  | { readonly do: 'clear' | 'flush' | 'wait' | 'turn' };

const names = fc.uniqueArray(fc.nat(NAMES - 1), { minLength: 1, maxLength: 3 });
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), names }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), names }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('flush', 'clear', 'wait', 'turn', 'turn') }) },
);

describeWithRedis('The Redis driver, with calls under way at once', () => {
  let server: RedisServer;
  let redis: Redis;
  let other: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    other = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    other.disconnect();
    await server.stop();
  });

  /** @returns what the name may hold in the end: its last write of this process, or nothing. */
  async function run(driver: CacheDriver, ops: readonly Op[]) {
    const tag = newTag();
    const own = Array.from({ length: NAMES }, newName);
    const last: (string | undefined)[] = Array.from({ length: NAMES }, () => undefined);
    const underWay: Promise<unknown>[] = [];
    const entry = (at: number, n: number): StoredEntry => ({
      name: own[at]!,
      value: Buffer.from(String(n)),
      ttlMs: 60_000,
      tags: [tag],
    });
    for (const [n, next] of ops.entries()) {
      if (next.do === 'set') {
        for (const at of next.names) last[at] = String(n);
        underWay.push(driver.set(next.names.map((at) => entry(at, n))));
      } else if (next.do === 'delete') {
        for (const at of next.names) last[at] = undefined;
        underWay.push(driver.delete(next.names.map((at) => own[at]!)));
      } else if (next.do === 'clear') underWay.push(driver.clearTag(tag));
      else if (next.do === 'flush') underWay.push(other.flushall());
      else if (next.do === 'turn') await new Promise((resolve) => setImmediate(resolve));
      else await Promise.all(underWay);
    }
    await Promise.all(underWay);
    const found = (await driver.getMany(own)).map((value) => value?.toString());
    return { tag, own, last, found };
  }

  it(
    'a name holds the last write of the process or nothing, is listed while it lives, and is cleared with its tag',
    async () => {
      const indexName = (tag: Tag) => `index:{${tag}}`;
      await fc.assert(
        fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 40, size: 'max' }), async (ops) => {
          const driver = createRedisDriver({ access: accessTo(redis), clock: systemClock, indexName });
          const { tag, own, last, found } = await run(driver, ops);
          for (const [at, value] of found.entries()) {
            if (value !== undefined) expect([at, value]).toEqual([at, last[at]]);
          }
          const alive = own.filter((_, at) => found[at] !== undefined);
          for (const name of alive) {
            const [score, pttl] = [await redis.zscore(indexName(tag), name), await redis.pttl(name)];
            expect(Number(score)).toBeGreaterThan(systemClock.now() + pttl);
          }
          expect(await driver.clearTag(tag)).toBe(alive.length);
          expect((await driver.getMany(own)).filter(Boolean)).toEqual([]);
        }),
        bounded(5, 400),
      );
    },
    timeLimitMs(5),
  );
});
