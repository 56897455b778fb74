/** What the cache owes to Redis after a failure, and that nothing older speaks until the debt is paid (P8). */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import type { CacheDriver, CacheKey, Tag } from '../../services/cache/types.js';
import { Cache } from '../../services/cache.js';
import { systemClock } from '../../services/clock.js';
import { Guard, RedisAwayError } from '../../services/redis/guard.js';
import type { OrganizationId } from '../../services/types.js';
import { createChaosDriver, guardChaos } from '../support/chaosDriver.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

const FULL = 'OOM command not allowed when used memory > maxmemory';
const caches: Cache[] = [];
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.stop();
});

function world({ deadlineMs = 30 } = {}) {
  const server = createMemoryDriver({ clock: systemClock, maxBytes: 50_000_000 });
  const redis = createChaosDriver(server);
  const memory = createMemoryDriver({ clock: systemClock, maxBytes: 50_000_000 });
  const cache = Cache.create({
    memory,
    redis: guardChaos(redis, { deadlineMs, probeEveryMs: 5 }),
    isFallbackEnabled: true,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
  });
  cache.start();
  caches.push(cache);
  const goAway = () => {
    redis.goAway();
    cache.connectionLost();
  };
  const comeBack = async () => {
    redis.comeBack();
    await until(() => cache.mode === 'redis', { what: 'mode redis', everyMs: 1 });
  };
  const settled = async () =>
    await until(() => cache.report().handBack.pending === 0, { what: 'no debt', timeoutMs: 3_000 });
  return { server, redis, memory, cache, goAway, comeBack, settled };
}

const tagOf = (organizationId: OrganizationId) => organizationId as string as Tag;
const newOrganization = () => randomUUID() as OrganizationId;

function newKey(
  freshness: CacheKey<string>['freshness'],
  organizationId = newOrganization(),
): CacheKey<string> {
  const name = `debt:{${organizationId}}:${randomUUID()}`;
  const tags = [tagOf(organizationId)];
  return { name, kind: freshness, organizationId, ttlMs: 3_600_000, freshness, tags };
}

describe('After one call that failed while Redis stays in use', () => {
  it('a deleted value is not read again', async () => {
    const { redis, cache, settled } = world();
    const key = newKey('timed');
    await cache.set(key, 'old');
    redis.failNext(FULL);
    await cache.delete([key]);
    expect(await cache.get(key)).toBeUndefined();
    await settled();
    expect(await cache.get(key)).toBeUndefined();
  });

  it('the value before the write that failed is not read', async () => {
    const { redis, cache, settled } = world();
    const key = newKey('timed');
    await cache.set(key, 'old');
    redis.failNext(FULL);
    await cache.set(key, 'new');
    expect(await cache.get(key)).toBe('new');
    await settled();
    expect(await cache.get(key)).toBeUndefined();
  });

  it('an organization that could not be cleared is not read', async () => {
    const { redis, cache, settled } = world();
    const key = newKey('timed');
    await cache.set(key, 'old');
    redis.failNext(FULL);
    await cache.clearTag(tagOf(key.organizationId));
    expect(await cache.get(key)).toBeUndefined();
    await settled();
    expect(await cache.get(key)).toBeUndefined();
  });

  it('what the Map took in does not speak in a later outage, over what Redis got since', async () => {
    const { redis, cache, goAway } = world();
    const key = newKey('timed');
    redis.failNext(FULL);
    await cache.set(key, 'in the Map');
    await cache.set(key, 'newer, in Redis');
    goAway();
    expect(await cache.get(key)).toBeUndefined();
  });
});

describe('While one shard is away', () => {
  it('what is owed to the others is paid, and what is owed to it waits', async () => {
    const server = createMemoryDriver({ clock: systemClock, maxBytes: 1e7 });
    const chaos = guardChaos(createChaosDriver(server));
    let isShardAway = true;
    const refuse = (names: readonly string[]) => {
      if (isShardAway && names.some((name) => name.includes('dead'))) throw new RedisAwayError('open');
    };
    const driver: CacheDriver = {
      ...chaos.driver,
      set: async (entries) => {
        refuse(entries.map(({ name }) => name));
        // Also the healthy shard loses a write now and then, so that something is owed to it.
        if (entries.some(({ name }) => name.includes('lost'))) throw new RedisAwayError('deadline');
        await server.set(entries);
      },
      delete: async (names) => {
        refuse(names);
        return await server.delete(names);
      },
    };
    const cache = Cache.create({
      memory: createMemoryDriver({ clock: systemClock, maxBytes: 1e7 }),
      redis: { ...chaos, driver },
      isFallbackEnabled: true,
      clock: systemClock,
      random: () => 0,
      logger: silentLogger,
    });
    cache.start();
    caches.push(cache);
    const named = (name: string) => ({ ...newKey('timed'), name: `debt:{${name}}` });
    for (let n = 0; n < 5; n += 1) await cache.set(named(`dead ${n}`), 'v');
    for (let n = 0; n < 20; n += 1) await cache.set(named(`lost ${n}`), 'v');
    await until(() => cache.report().handBack.pending === 5, { what: 'the debts to the healthy shard' });
    isShardAway = false;
    await until(() => cache.report().handBack.pending === 0, { what: 'all debts', timeoutMs: 5_000 });
    expect(cache.mode).toBe('redis');
  });
});

describe('A hand-back', () => {
  it('tries a batch again that got no answer once', async () => {
    const { redis, cache, goAway, comeBack, settled } = world();
    const key = newKey('checked');
    goAway();
    await cache.set(key, 'v');
    const release = redis.hold('set');
    await comeBack();
    await until(() => cache.report().kinds.checked !== undefined || redis.calls.includes('set'));
    await until(() => redis.calls.filter((call) => call === 'set').length > 1, { what: 'a second try' });
    release();
    await settled();
    expect(cache.report().handBack).toMatchObject({ moved: 1, failed: 0 });
  });

  it('gives up a batch that Redis refuses, counts it, and goes on with the rest', async () => {
    const { redis, memory, cache, goAway, comeBack, settled } = world();
    goAway();
    for (let n = 0; n < 150; n += 1) await cache.set(newKey('checked'), 'v');
    redis.failNext(FULL);
    await comeBack();
    await settled();
    expect(cache.report().handBack).toMatchObject({ moved: 90, failed: 60 });
    await until(() => memory.stats().entries === 0, { what: 'the empty Map' });
  });

  it('brings nothing back of an organization that is cleared meanwhile', async () => {
    const { server, redis, cache, goAway, comeBack, settled } = world({ deadlineMs: 500 });
    const organizationId = newOrganization();
    goAway();
    for (let n = 0; n < 250; n += 1) await cache.set(newKey('checked', organizationId), 'v');
    const release = redis.hold('set');
    await comeBack();
    await until(() => redis.calls.includes('set'), { what: 'the first batch', everyMs: 1 });
    release();
    await cache.clearTag(tagOf(organizationId));
    await settled();
    expect(await server.clearTag(tagOf(organizationId))).toBe(0);
  });

  it('that was cut short leaves no value without a rev behind for the next outage', async () => {
    const { redis, cache, goAway, comeBack } = world();
    const key = newKey('timed');
    goAway();
    await cache.set(key, 'first outage');
    for (let n = 0; n < 150; n += 1) await cache.set(newKey('checked'), 'v');
    const release = redis.hold('set');
    await comeBack();
    goAway();
    release();
    expect(await cache.get(key)).toBeUndefined();
  });

  it('that is long does not keep the cache from stopping', async () => {
    const { cache, goAway, comeBack } = world();
    goAway();
    for (let n = 0; n < 20_000; n += 1) await cache.set(newKey('checked'), 'v');
    await comeBack();
    await cache.stop();
    expect(cache.report().handBack.pending).toBeGreaterThan(0);
  });
});

describe('The guard', () => {
  it('stays open when the connection breaks while it is about to close', async () => {
    let isReady = true;
    let attempts = 0;
    const guard = Guard.create({
      link: { isReady: () => isReady, probe: async () => undefined, reconnect: () => undefined },
      probeEveryMs: 2,
    });
    guard.onBeforeClose(async () => {
      attempts += 1;
      isReady = attempts > 1;
    });
    guard.onChange((isOpen) => {
      if (!isOpen) expect(isReady).toBe(true);
    });
    guard.open('test');
    await until(() => attempts === 1, { everyMs: 1 });
    expect(guard.isOpen).toBe(true);
    isReady = true;
    await until(() => !guard.isOpen, { everyMs: 1 });
    expect(attempts).toBe(2);
    guard.stop();
  });
});
