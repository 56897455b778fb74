/** What processes tell each other, and what becomes of values kept decoded when they cannot. */

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../../services/cache/memoryDriver.js';
import type { CacheBus, CacheKey, Tag } from '../../../services/cache/types.js';
import { Cache } from '../../../services/cache.js';
import { systemClock } from '../../../services/clock.js';
import type { OrganizationId } from '../../../services/types.js';
import { createChaosDriver, guardChaos } from '../../support/chaosDriver.js';
import { silentLogger } from '../../support/testDatabase.js';

const caches: Cache[] = [];
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.stop();
});

/** Two processes on one store, and the line between them. */
function world() {
  const server = createMemoryDriver({ clock: systemClock, maxBytes: 1e7 });
  const line = new EventEmitter();
  const state = { isListening: true };
  const bus = (): CacheBus => ({
    publish: (message) => {
      if (state.isListening) line.emit('message', message);
    },
    subscribe: (listener) => line.on('message', listener),
    onBreak: (listener) => line.on('break', listener),
    isListening: () => state.isListening,
  });
  const process = () => {
    const redis = createChaosDriver(server);
    const memory = createMemoryDriver({ clock: systemClock, maxBytes: 1e7 });
    const cache = Cache.create({
      memory,
      redis: guardChaos(redis, { probeEveryMs: 5 }),
      isFallbackEnabled: true,
      bus: bus(),
      clock: systemClock,
      random: () => 0,
      logger: silentLogger,
    });
    cache.start();
    caches.push(cache);
    return { cache, redis };
  };
  const cut = () => {
    state.isListening = false;
    line.emit('break');
  };
  return { one: process(), two: process(), cut };
}

function newKey(freshness: CacheKey<string>['freshness']): CacheKey<string> {
  const organizationId = randomUUID() as OrganizationId;
  const tags = [organizationId as string as Tag];
  return { name: `bus:{${organizationId}}`, kind: 'test', organizationId, ttlMs: 60_000, freshness, tags };
}

describe('Processes that hear of each other', () => {
  it.each(['timed', 'immutable'] as const)('read a %s value once', async (freshness) => {
    const { one, two } = world();
    const key = newKey(freshness);
    await one.cache.set(key, 'v');
    for (let n = 0; n < 5; n += 1) expect(await two.cache.get(key)).toBe('v');
    expect(two.redis.calls).toEqual(['getMany']);
  });

  it.each(['timed', 'immutable', 'checked'] as const)(
    'drop a %s value that another deleted or cleared',
    async (freshness) => {
      const { one, two } = world();
      for (const change of ['delete', 'clear'] as const) {
        const key = newKey(freshness);
        await one.cache.set(key, 'v');
        expect(await two.cache.get(key, () => true)).toBe('v');
        if (change === 'delete') await one.cache.delete([key]);
        else expect(await one.cache.clearTag(key.tags[0]!)).toBe(1);
        expect(await two.cache.get(key, () => true)).toBeUndefined();
      }
    },
  );

  it('see at once what another wrote in the place of a value that nothing checks', async () => {
    const { one, two } = world();
    const key = newKey('timed');
    await one.cache.set(key, 'old');
    expect(await two.cache.get(key)).toBe('old');
    await one.cache.set(key, 'new');
    expect(await two.cache.get(key)).toBe('new');
  });

  it('keep nothing that nothing checks while they cannot hear', async () => {
    const { one, two, cut } = world();
    const key = newKey('timed');
    await one.cache.set(key, 'v');
    await two.cache.get(key);
    cut();
    await one.cache.delete([key]);
    expect(await two.cache.get(key)).toBeUndefined();
  });

  it('keep nothing of before after the store has changed', async () => {
    const { one, two } = world();
    const key = newKey('timed');
    await one.cache.set(key, 'old');
    await two.cache.get(key);
    await two.cache.setForced(true);
    await one.cache.delete([key]);
    expect(await two.cache.get(key)).toBeUndefined();
    await two.cache.setForced(false);
    expect(await two.cache.get(key)).toBeUndefined();
  });
});

describe('A read that is under way when its value is removed', () => {
  it.each(['delete', 'clear', 'told by another'] as const)('is not kept: %s', async (change) => {
    const { one, two } = world();
    const key = newKey('immutable');
    await one.cache.set(key, 'v');
    const { answered, release } = two.redis.holdAnswer('getMany');
    const reading = two.cache.get(key);
    await answered;
    const remover = change === 'told by another' ? one.cache : two.cache;
    if (change === 'clear') await remover.clearTag(key.tags[0]!);
    else await remover.delete([key]);
    release();
    expect(await reading).toBe('v');
    expect(await two.cache.get(key)).toBeUndefined();
  });
});

describe('The content of the Map', () => {
  it('goes over to another process as far as it carries a rev, and from there to Redis', async () => {
    const { one, two } = world();
    const [checked, timed] = [newKey('checked'), newKey('timed')];
    await one.cache.setForced(true);
    await two.cache.setForced(true);
    await one.cache.set(checked, 'kept');
    await one.cache.set(timed, 'not kept');
    const values = [...one.cache.exportFallback()];
    expect(values).toHaveLength(1);
    two.cache.importFallback(values);
    expect([await two.cache.get(checked), await two.cache.get(timed)]).toEqual(['kept', undefined]);
    await two.cache.setForced(false);
    for (let n = 0; n < 200 && two.cache.report().handBack.moved < 1; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await two.cache.get(checked)).toBe('kept');
    expect(two.cache.report()).toMatchObject({ handBack: { moved: 1 }, memory: { entries: 0 } });
  });
});
