import { describe, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import type { CacheKey } from '../../services/cache/types.js';
import { Cache } from '../../services/cache.js';
import { systemClock } from '../../services/clock.js';
import type { OrganizationId } from '../../services/types.js';
import { memorySubject, newName, newTag } from '../support/cacheSubjects.js';
import { silentLogger } from '../support/testDatabase.js';
import { describeCache } from './cache.contract.js';

describeCache('another Map', memorySubject);

describe('A cache without Redis', () => {
  it('is in memory for good, is not degraded, and owes nobody anything', async () => {
    const cache = Cache.create({
      memory: createMemoryDriver({ clock: systemClock, maxBytes: 1_000_000 }),
      isFallbackEnabled: false,
      clock: systemClock,
      random: () => 0,
      logger: silentLogger,
    });
    cache.start();
    const tag = newTag();
    const key: CacheKey<string> = {
      name: newName(),
      kind: 'test',
      organizationId: tag as string as OrganizationId,
      ttlMs: 60_000,
      freshness: 'timed',
      tags: [tag],
    };
    await cache.set(key, 'value');
    expect([await cache.get(key), await cache.setForced(true), cache.mode]).toEqual([
      'value',
      'memory',
      'memory',
    ]);
    expect(cache.report()).toMatchObject({ mode: 'memory', degradedReason: null, handBack: { pending: 0 } });
    expect(await cache.clearTag(tag)).toBe(1);
    await cache.stop();
  });
});
