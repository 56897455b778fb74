/** How long the caller of a load waits for Redis beside the load itself. */
import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../../services/cache/memoryDriver.js';
import type { CacheKey, Tag } from '../../../services/cache/types.js';
import { Cache } from '../../../services/cache.js';
import { systemClock } from '../../../services/clock.js';
import type { OrganizationId } from '../../../services/types.js';
import { createChaosDriver, guardChaos } from '../../support/chaosDriver.js';
import { silentLogger } from '../../support/testDatabase.js';

const caches: Cache[] = [];
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.stop();
});

function world() {
  const chaos = createChaosDriver(createMemoryDriver({ clock: systemClock, maxBytes: 1e7 }));
  const cache = Cache.create({
    memory: createMemoryDriver({ clock: systemClock, maxBytes: 1e7 }),
    redis: guardChaos(chaos, { deadlineMs: 50 }),
    isFallbackEnabled: true,
    localMaxBytes: 0,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
  });
  cache.start();
  caches.push(cache);
  return { cache, chaos };
}

function newKey(): CacheKey<string> {
  const organizationId = randomUUID() as OrganizationId;
  return {
    name: `load:{${organizationId}}`,
    kind: 'test',
    organizationId,
    ttlMs: 60_000,
    freshness: 'timed',
    tags: [organizationId as string as Tag],
    loadLeaseMs: 1_000,
  };
}

it('When Redis gave no answer to the look, then the load does not wait for a lease as well', async () => {
  const { cache, chaos } = world();
  chaos.loseNextAnswer();
  expect(await cache.getOrLoad(newKey(), async () => 'loaded')).toBe('loaded');
  expect(chaos.calls).not.toContain('acquireLease');
});

it('When it answers, then one lease is taken and given up', async () => {
  const { cache, chaos } = world();
  const key = newKey();
  expect(await cache.getOrLoad(key, async () => 'loaded')).toBe('loaded');
  expect(await cache.getOrLoad(key, async () => 'again')).toBe('loaded');
  expect(chaos.calls.filter((call) => call.endsWith('Lease'))).toEqual(['acquireLease', 'releaseLease']);
});

it('When the value takes long to be stored, then the caller has it before, and whoever comes meanwhile too', async () => {
  const { cache, chaos } = world();
  const key = newKey();
  const stored = chaos.hold('set');
  let loads = 0;
  const load = async () => `load ${++loads}`;
  expect(await cache.getOrLoad(key, load)).toBe('load 1');
  expect(await cache.getOrLoad(key, load)).toBe('load 1');
  stored();
});

it('When the value cannot be stored at all, then the caller has it all the same', async () => {
  const { cache } = world();
  const broken: CacheKey<string> = {
    ...newKey(),
    codec: {
      encode: (): Buffer => {
        throw new Error('no such form');
      },
      decode: () => ({ isUsable: false }) as const,
    },
  };
  expect(await cache.getOrLoad(broken, async () => 'loaded')).toBe('loaded');
});
