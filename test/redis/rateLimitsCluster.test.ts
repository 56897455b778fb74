/** Rate limits on a cluster: every counter in the slot of whom it counts, and a shard's death costs no limit. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createKeys } from '../../services/cacheAdapter/keys.js';
import { systemClock } from '../../services/clock.js';
import { RateLimits } from '../../services/rateLimits.js';
import { slotOf } from '../../services/redis/slot.js';
import type { OrganizationId } from '../../services/types.js';
import { type CacheOnRedis, openCacheOnRedis } from '../support/cacheOnRedis.js';
import { type ClusterServers, startClusterServers } from '../support/clusterServers.js';
import { describeWithRedis } from '../support/services.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

const POINTS = 20;
const windowMs = 60_000;
const keys = createKeys({ prefix: 'jack:limits:', phoneHashKey: randomBytes(32) });

describeWithRedis('Rate limits on a cluster', () => {
  let all: ClusterServers;
  let tower: CacheOnRedis;
  beforeAll(async () => {
    all = await startClusterServers();
    tower = await openCacheOnRedis({ url: '', target: { url: undefined, clusterNodes: all.nodes } });
  }, 30_000);
  afterAll(async () => {
    await tower.close();
    await all.stop();
  });

  const newLimits = () =>
    RateLimits.create({
      access: tower.connections,
      names: keys.limits,
      clock: systemClock,
      logger: silentLogger,
      limits: { phonePage: { points: POINTS, windowMs }, key: { points: POINTS, windowMs } },
    });

  const ADDRESSES = Array.from({ length: 30 }, (_, n) => `198.51.100.${n}`);
  const use = async (limits: RateLimits, address: string, requests: number): Promise<number> => {
    const verdicts = await Promise.all(
      Array.from({ length: requests }, () => limits.address('phonePage', address)),
    );
    return verdicts.filter(({ isAllowed }) => isAllowed).length;
  };

  it('counts callers of every shard for two processes as one', async () => {
    const [a, b] = [newLimits(), newLimits()];
    for (const address of ADDRESSES) {
      const [first, second] = await Promise.all([use(a, address, POINTS), use(b, address, POINTS)]);
      expect(first + second).toBe(POINTS);
    }
    expect(a.report().counted.memory + b.report().counted.memory).toBe(0);
    const slots = new Set(ADDRESSES.map((address) => slotOf(keys.limits.ofOutsider('phonePage', address))));
    expect(slots.size).toBeGreaterThan(20);
  });

  it('keeps both counters of an API call in one slot', async () => {
    const id = 'north-shore' as OrganizationId;
    const own = [
      keys.limits.ofOrganization(id, 'key', 'key:a'),
      keys.limits.ofOrganization(id, 'organization'),
    ];
    expect(new Set(own.map(slotOf)).size).toBe(1);
    const limits = newLimits();
    const verdicts = await Promise.all(Array.from({ length: POINTS + 1 }, () => limits.apiCall(id, 'key:a')));
    expect(verdicts.map(([key]) => key?.isAllowed).filter(Boolean)).toHaveLength(POINTS);
  });

  it('When a shard dies and its replica takes over, then nobody gets more than the limit, and no request fails', async () => {
    const limits = newLimits();
    const addresses = ADDRESSES.map((address) => address.replace('100', '101'));
    const allowed = new Map<string, number>();
    const useEach = async (requests: number): Promise<void> => {
      for (const address of addresses) {
        allowed.set(address, (allowed.get(address) ?? 0) + (await use(limits, address, requests)));
      }
    };
    await useEach(8);
    const victim = await all.ownerOf(slotOf(keys.limits.ofOutsider('phonePage', addresses[0] as string)));
    await victim.kill();
    await useEach(8);
    expect(limits.report().counted.memory).toBeGreaterThan(0);
    await until(
      async () => {
        const before = limits.report().counted.memory;
        await useEach(1);
        return limits.report().counted.memory === before;
      },
      { what: 'every shard to count again', timeoutMs: 15_000, everyMs: 250 },
    );
    await useEach(POINTS);
    expect(new Set(allowed.values())).toEqual(new Set([POINTS]));
  }, 40_000);
});
