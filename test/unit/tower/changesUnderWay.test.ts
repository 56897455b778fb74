/** Changes of one name under way at the same time, when Redis goes away: the last one counts, in whatever order they end. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../../services/cache/memoryDriver.js';
import type { CacheDriver, CacheKey, Tag } from '../../../services/cache/types.js';
import { Cache } from '../../../services/cache.js';
import { systemClock } from '../../../services/clock.js';
import type { OrganizationId, Rev } from '../../../services/types.js';
import { createChaosDriver, guardChaos } from '../../support/chaosDriver.js';
import { silentLogger } from '../../support/testDatabase.js';

const caches: Cache[] = [];
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.stop();
});

interface Step {
  succeed(): void;
  fail(message?: string): void;
}

/** A store whose changes wait until the test says what became of them. */
function world() {
  const store = createMemoryDriver({ clock: systemClock, maxBytes: 1e7 });
  const steps: Step[] = [];
  const step = () =>
    new Promise<void>((resolve, reject) => {
      steps.push({
        succeed: resolve,
        fail: (message = 'Connection is closed.') => reject(new Error(message)),
      });
    });
  const slow: CacheDriver = {
    ...store,
    set: async (entries) => {
      await step();
      await store.set(entries);
    },
    delete: async (names) => {
      await step();
      return await store.delete(names);
    },
  };
  const cache = Cache.create({
    memory: createMemoryDriver({ clock: systemClock, maxBytes: 1e7 }),
    redis: guardChaos(createChaosDriver(slow), { deadlineMs: 10_000 }),
    isFallbackEnabled: true,
    localMaxBytes: 0,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
  });
  cache.start();
  caches.push(cache);
  return { cache, steps };
}

const moment = () => new Promise((resolve) => setImmediate(resolve));

function newKey(): CacheKey<string> {
  const organizationId = randomUUID() as OrganizationId;
  const rev = randomUUID() as Rev;
  const tags = [organizationId as string as Tag];
  return { name: `change:{${rev}}`, kind: 'test', organizationId, ttlMs: 60_000, freshness: 'checked', tags };
}

describe('Changes under way', () => {
  it('When a delete has failed before an older write does, then the write does not bring its value back', async () => {
    const { cache, steps } = world();
    const key = newKey();
    const writing = cache.set(key, 'old');
    await moment();
    const deleting = cache.delete([key]);
    await moment();
    steps[1]?.fail();
    await deleting;
    steps[0]?.fail();
    await writing;
    expect(cache.mode).toBe('memory');
    expect(await cache.get(key)).toBeUndefined();
  });

  it('When a newer write has failed before an older one does, then the newer value stays', async () => {
    const { cache, steps } = world();
    const key = newKey();
    const older = cache.set(key, 'old');
    await moment();
    const newer = cache.set(key, 'new');
    await moment();
    steps[1]?.fail();
    await newer;
    steps[0]?.fail();
    await older;
    expect(await cache.get(key)).toBe('new');
  });

  it('When an older write succeeds after a newer one has failed, then the newer value is not taken for stored', async () => {
    const { cache, steps } = world();
    const key = newKey();
    const older = cache.set(key, 'old');
    await moment();
    const newer = cache.set(key, 'new');
    await moment();
    // That says something of this call and nothing of the connection.
    steps[1]?.fail('OOM command not allowed');
    await newer;
    steps[0]?.succeed();
    await older;
    expect(await cache.get(key)).toBe('new');
    expect(cache.report().handBack.pending).toBe(1);
  });

  it('When a later write of another name fails, then both are kept', async () => {
    const { cache, steps } = world();
    const [one, two] = [newKey(), newKey()];
    const writing = Promise.all([cache.set(one, 'one'), cache.set(two, 'two')]);
    await moment();
    for (const each of steps) each.fail();
    await writing;
    expect([await cache.get(one), await cache.get(two)]).toEqual(['one', 'two']);
  });
});
