import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import type { CacheDriver } from '../../services/cache/types.js';
import { createFakeClock, entry, newOrganizationId, realSubject } from '../support/cacheSubjects.js';
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
      redis,
      clock,
      indexName,
      exchange: (work, operation) => {
        exchanges.push(operation);
        return work();
      },
    });
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('Every value and every index has an expiry', async () => {
    const org = newOrganizationId();
    const one = entry(org, 'x', { ttlMs: 5_000 });
    const two = entry(org, 'y', { ttlMs: 1e15 });
    await driver.set([one]);
    await driver.setIfAbsent(two);
    expect(await redis.pttl(one.name)).toBeGreaterThan(3_000);
    expect(await redis.pttl(one.name)).toBeLessThanOrEqual(5_000);
    expect(await redis.pttl(two.name)).toBeGreaterThan(0);
    expect(await redis.pttl(indexName(org))).toBeGreaterThan(await redis.pttl(two.name));
  });

  it('A write with its index is one round trip, a read is one, clearing is two for 500 values', async () => {
    const org = newOrganizationId();
    const entries = Array.from({ length: 600 }, (_, n) => entry(org, String(n)));
    exchanges = [];
    await driver.set(entries);
    await driver.getMany(entries.map(({ name }) => name));
    expect(exchanges).toEqual(['set', 'get']);
    exchanges = [];
    await driver.clearOrganization(org);
    expect(exchanges).toHaveLength(5);
  });

  it('Clearing costs the same beside a hundred thousand keys of others, and never walks them', async () => {
    const pipeline = redis.pipeline();
    for (let n = 0; n < 100_000; n += 1) pipeline.set(`test:other:${n}`, '1', 'PX', 60_000);
    await pipeline.exec();
    const org = newOrganizationId();
    await driver.set([entry(org, 'x'), entry(org, 'y')]);
    await redis.config('RESETSTAT');
    expect(await driver.clearOrganization(org)).toBe(2);
    const commands = await redis.info('commandstats');
    expect(commands).not.toMatch(/cmdstat_(scan|keys|eval)/);
    expect(commands).toMatch(/cmdstat_zrange:calls=2/);
  });

  it('The index forgets names whose values have expired, so it does not grow for ever', async () => {
    const org = newOrganizationId();
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
