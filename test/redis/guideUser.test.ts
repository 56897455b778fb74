/** The user that REDIS_IMPLEMENTATION_GUIDE.md makes for Jack: all that the cache does, and nothing else. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import { systemClock } from '../../services/clock.js';
import { describeCache } from '../contract/cache.contract.js';
import { describeCacheDriver } from '../contract/cacheDriver.contract.js';
import { newName, type Subject } from '../support/cacheSubjects.js';
import { createGuideShell } from '../support/guideShell.js';
import { accessTo } from '../support/redisAccess.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';
import { testedBlocks } from '../unit/docs/_guide.js';

const PREFIX = 'jack:production:';
const LOGIN = { username: 'jack', password: 'the-password-of-jack' };

describeWithRedis('With the user of the guide', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
    const shell = createGuideShell({ REDIS_URL: server.url, JACK_REDIS_PASSWORD: LOGIN.password });
    expect(await shell.run(testedBlocks.get('A user for Jack 1') ?? '')).toMatch(/^OK\n/);
  });
  afterAll(() => server.stop());

  const subject = (): Subject => {
    const redis = new Redis(server.url, { ...LOGIN, keyPrefix: PREFIX });
    return {
      driver: createRedisDriver({
        access: accessTo(redis),
        clock: systemClock,
        indexName: (tag) => `index:{${tag}}`,
      }),
      passTime: async (ttlMs) => {
        const witness = newName();
        await redis.set(witness, '1', 'PX', ttlMs);
        await until(async () => (await redis.exists(witness)) === 0, { what: 'the server to let it go' });
      },
      close: async () => redis.disconnect(),
    };
  };
  describeCacheDriver('the user of the guide', subject, { name: 'redis', leaseScope: 'shared' });
  describeCache('the user of the guide', subject);

  it.each([
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['KEYS', '*'],
    ['SCAN', '0'],
    ['RANDOMKEY'],
    ['DBSIZE'],
    ['CONFIG', 'GET', 'requirepass'],
    ['CONFIG', 'SET', 'maxmemory', '1'],
    ['ACL', 'LIST'],
    ['CLIENT', 'LIST'],
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
    ['CLUSTER', 'RESET'],
    ['MONITOR'],
    ['SHUTDOWN'],
    ['REPLICAOF', 'NO', 'ONE'],
    ['SCRIPT', 'FLUSH'],
    ['SLOWLOG', 'GET'],
    ['GET', 'other:key'],
    ['SET', 'other:key', '1'],
    ['PUBLISH', 'other:channel', 'x'],
    ['SUBSCRIBE', 'other:channel'],
    ['PSUBSCRIBE', '*'],
    ['EVAL', "return redis.call('GET', KEYS[1])", '1', 'other:key'],
    ['EVAL', "return redis.call('FLUSHALL')", '0'],
  ])('%s %s is refused', async (command, ...args) => {
    const redis = new Redis(server.url, LOGIN);
    try {
      await expect(redis.call(command, ...args)).rejects.toThrow(/NOPERM|can't run this command/);
    } finally {
      redis.disconnect();
    }
  });
});
