import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import type { CacheDriver } from '../../services/cache/types.js';
import { createFakeClock, entry, newTag, realSubject } from '../support/cacheSubjects.js';
import { accessTo } from '../support/redisAccess.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { describeCacheDriver } from './cacheDriver.contract.js';

describeWithRedis('On a real Redis', () => {
  describeCacheDriver('a real Redis', realSubject, { name: 'redis', leaseScope: 'shared' });

  // Its own server: statistics and scripts are the server's, and other test files share the common one.
  let server: RedisServer;
  let redis: Redis;
  let driver: CacheDriver;
  let exchanges: string[] = [];
  const clock = createFakeClock();
  const indexName = (organizationId: string) => `test:index:{${organizationId}}`;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    driver = createRedisDriver({
      access: accessTo(redis, { onExchange: (operation) => exchanges.push(operation) }),
      clock,
      indexName,
    });
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('Every value and every index has an expiry', async () => {
    const org = newTag();
    const one = entry(org, 'x', { ttlMs: 5_000 });
    const two = entry(org, 'y', { ttlMs: 1e15 });
    await driver.set([one]);
    await driver.setIfAbsent(two);
    expect(await redis.pttl(one.name)).toBeGreaterThan(3_000);
    expect(await redis.pttl(one.name)).toBeLessThanOrEqual(5_000);
    expect(await redis.pttl(two.name)).toBeGreaterThan(0);
    expect(await redis.pttl(indexName(org))).toBeGreaterThan(await redis.pttl(two.name));
  });

  it('A first write travels with its listing, the next ones without, and what is asked for at once is one exchange', async () => {
    const org = newTag();
    const entries = Array.from({ length: 600 }, (_, n) => entry(org, String(n)));
    exchanges = [];
    await driver.set(entries);
    await driver.set(entries);
    await Promise.all(entries.map(({ name }) => driver.getMany([name])));
    expect(exchanges.slice(0, 2)).toEqual(['set', 'set']);
    expect(exchanges.slice(2).length).toBeLessThan(600 / 10);
    exchanges = [];
    await driver.clearTag(org);
    // 500 at a time: what is listed, then what goes with what is listed after it.
    expect(exchanges).toEqual(['clear', 'clear', 'clear']);
  });

  it('A name is listed while its value lives, however often it is stored without being listed anew', async () => {
    const org = newTag();
    const one = entry(org, 'x', { ttlMs: 60_000 });
    for (let n = 0; n < 20; n += 1) {
      await driver.set([one]);
      const left = Number(await redis.zscore(indexName(org), one.name)) - clock.now();
      expect(left).toBeGreaterThan(60_000);
      clock.advance(10_000);
    }
  });

  it('A name is listed for as long as one process stores it, though another cleared it and stored it for less', async () => {
    const org = newTag();
    const other = createRedisDriver({ access: accessTo(redis), clock, indexName });
    const long = entry(org, 'x', { ttlMs: 7_200_000 });
    await driver.set([long]);
    await other.clearTag(org);
    await other.set([{ ...long, ttlMs: 0.9 * 7_200_000 }]);
    clock.advance(0.45 * 7_200_000);
    await driver.set([long]);
    const left = Number(await redis.zscore(indexName(org), long.name)) - clock.now();
    expect(left).toBeGreaterThan(7_200_000);
  });

  it('A name that is stored while it is being cleared, elsewhere than its list, is listed afterwards', async () => {
    const org = newTag();
    const groupOf = (name: string) => (name === indexName(org) ? 0 : 1);
    const other = createRedisDriver({ access: accessTo(redis), clock, indexName });
    const own = entry(org, 'x');
    await driver.set([own]);
    let exchanged = 0;
    const exchange = async <T>(work: () => Promise<T>): Promise<T> => {
      exchanged += 1;
      // Names read, values removed, and now the names would be forgotten.
      if (exchanged === 3) await other.set([own]);
      return await work();
    };
    const clearing = createRedisDriver({
      access: { ...accessTo(redis), groupOf, exchange },
      clock,
      indexName,
    });
    expect(await clearing.clearTag(org)).toBe(1);
    expect(exchanged).toBeGreaterThanOrEqual(3);
    expect(await driver.getMany([own.name])).toEqual([own.value]);
    expect(await driver.clearTag(org)).toBe(1);
  });

  it('Everything flushed: the next write lists its name again', async () => {
    const org = newTag();
    const one = entry(org, 'x');
    await driver.set([one]);
    await redis.flushall();
    await driver.set([one]);
    expect(await driver.clearTag(org)).toBe(1);
  });

  it('A value that could not be listed is reported as not stored', async () => {
    const org = newTag();
    await redis.set(indexName(org), 'in the way');
    await expect(driver.set([entry(org, 'x')])).rejects.toThrow('WRONGTYPE');
  });

  it('Clearing costs the same beside a hundred thousand keys of others, and never walks them', async () => {
    const pipeline = redis.pipeline();
    for (let n = 0; n < 100_000; n += 1) pipeline.set(`test:other:${n}`, '1', 'PX', 60_000);
    await pipeline.exec();
    const org = newTag();
    await driver.set([entry(org, 'x'), entry(org, 'y')]);
    await redis.config('RESETSTAT');
    expect(await driver.clearTag(org)).toBe(2);
    const commands = await redis.info('commandstats');
    expect(commands).not.toMatch(/cmdstat_(scan|keys):/);
    expect(commands).toMatch(/cmdstat_zrange:calls=2/);
  });

  it('The index forgets names whose values have expired, so it does not grow for ever', async () => {
    const org = newTag();
    for (let n = 0; n < 200; n += 1) {
      await driver.set([entry(org, 'x', { ttlMs: 1_000 })]);
      clock.advance(10_000);
    }
    expect(await redis.zcard(indexName(org))).toBeLessThan(40);
  });

  it('When the scripts are flushed on the server, then a lease can still be given up', async () => {
    await driver.acquireLease('test:lease:{flushed}', 'token', 5_000);
    await redis.script('FLUSH');
    expect(await driver.releaseLease('test:lease:{flushed}', 'token')).toBe(true);
  });
});
