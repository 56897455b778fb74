/**
 * What the cache promises whatever store stands for Redis: the boundary cases that two stores together can get wrong.
 * The store is wrapped so that it goes away, hangs and comes back on command.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import type { CacheKey, Tag } from '../../services/cache/types.js';
import { Cache, type CacheMode } from '../../services/cache.js';
import { systemClock } from '../../services/clock.js';
import type { OrganizationId } from '../../services/types.js';
import { newName, newOrganizationId, type Subject } from '../support/cacheSubjects.js';
import { type ChaosDriver, createChaosDriver, guardChaos } from '../support/chaosDriver.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

type Freshness = CacheKey<unknown>['freshness'];

export function describeCache(name: string, create: () => Subject): void {
  describe(`Cache contract over ${name}`, () => {
    let subject: Subject;
    let redis: ChaosDriver;
    let cache: Cache;
    let org: OrganizationId;
    const opened: Cache[] = [];
    beforeAll(() => {
      subject = create();
    });
    beforeEach(() => {
      redis = createChaosDriver(subject.driver);
      cache = open();
      org = newOrganizationId();
    });
    afterEach(async () => {
      redis.comeBack();
      await Promise.all(opened.splice(0).map((each) => each.stop()));
    });
    afterAll(() => subject.close());

    function open(isFallbackEnabled = true): Cache {
      const created = Cache.create({
        memory: createMemoryDriver({ clock: systemClock, maxBytes: 10_000_000 }),
        redis: guardChaos(redis, { probeEveryMs: 5, deadlineMs: 200 }),
        isFallbackEnabled,
        clock: systemClock,
        random: () => 0,
        logger: silentLogger,
      });
      opened.push(created);
      return created;
    }

    function key<T = unknown>(freshness: Freshness = 'timed', organizationId = org): CacheKey<T> {
      const tags = [tagOf(organizationId)];
      return { name: newName(), kind: 'test', organizationId, ttlMs: 60_000, freshness, tags };
    }

    const tagOf = (organizationId: OrganizationId) => organizationId as string as Tag;

    async function goAway(): Promise<void> {
      redis.goAway();
      await cache.get(key());
      expect(cache.mode).toBe('memory');
    }

    async function comeBack(): Promise<void> {
      redis.comeBack();
      await until(() => cache.mode === 'redis', { what: 'Redis to be used again', everyMs: 2 });
    }

    const handedBack = () =>
      until(() => cache.report().handBack.pending === 0 && cache.report().memory.entries === 0, {
        what: 'the hand-back to end',
        everyMs: 2,
      });

    const inRedis = async ({ name }: CacheKey<unknown>) => (await subject.driver.getMany([name]))[0];

    it.each([[0], [''], [false], [null], [[]], [{ a: null }]])('%j comes back as itself', async (value) => {
      for (const isAway of [false, true]) {
        if (isAway) await goAway();
        const own = key();
        await cache.set(own, value);
        expect(await cache.get(own)).toEqual(value);
        expect(await cache.getOrLoad(own, async () => 'loaded')).toEqual(value);
      }
    });

    it('Fifty callers that want the same absent value at once cause one load', async () => {
      const own = key<string>();
      let loads = 0;
      const load = async () => {
        loads += 1;
        return 'loaded';
      };
      const values = await Promise.all(Array.from({ length: 50 }, () => cache.getOrLoad(own, load)));
      expect([new Set(values), loads]).toEqual([new Set(['loaded']), 1]);
    });

    it('When a load fails, then all its callers hear of it, and the next one loads again', async () => {
      const own = key<string>();
      const fail = () => Promise.reject(new Error('the record is away'));
      const calls = [1, 2, 3].map(() => cache.getOrLoad(own, fail));
      for (const call of calls) await expect(call).rejects.toThrow('the record is away');
      expect(await cache.getOrLoad(own, async () => 'loaded')).toBe('loaded');
    });

    it('When a value is deleted or written while it is loaded, then what the load brings is not stored', async () => {
      for (const change of ['delete', 'write'] as const) {
        const own = key<string>();
        let finish = (_value: string): void => undefined;
        const loading = cache.getOrLoad(own, () => new Promise<string>((resolve) => (finish = resolve)));
        await until(() => redis.calls.includes('getMany'));
        await new Promise((resolve) => setImmediate(resolve));
        await until(() => cache.report().kinds.test?.misses);
        if (change === 'delete') await cache.delete([own]);
        else await cache.set(own, 'newer');
        finish('older');
        expect(await loading).toBe('older');
        expect(await cache.get(own)).toBe(change === 'delete' ? undefined : 'newer');
      }
    });

    it('A damaged value and one of another version are misses', async () => {
      for (const bytes of [Buffer.from('garbage'), Buffer.of(9, 1, 2), Buffer.of(1, 123), Buffer.alloc(0)]) {
        const own = key<string>();
        await subject.driver.set([{ name: own.name, value: bytes, ttlMs: 60_000, tags: [tagOf(org)] }]);
        expect(await cache.get(own)).toBeUndefined();
        expect(await cache.getOrLoad(own, async () => 'loaded')).toBe('loaded');
      }
    });

    it('When a value carries its rev in the name, then reading it again costs no round trip', async () => {
      const own = key('immutable');
      await cache.set(own, { large: true });
      const other = open();
      expect([await other.get(own), await other.get(own)]).toEqual([{ large: true }, { large: true }]);
      expect(redis.calls.filter((call) => call === 'getMany')).toHaveLength(1);
    });

    it('The call that meets the failure is itself answered, and so are all after it', async () => {
      const own = key<string>();
      await cache.set(own, 'before');
      redis.goAway();
      expect(await cache.get(own)).toBeUndefined();
      await cache.set(own, 'after');
      expect(await cache.get(own)).toBe('after');
      expect(await cache.getOrLoad(key(), async () => 'loaded')).toBe('loaded');
    });

    it('What was written in an outage never speaks again after a later write to Redis', async () => {
      const [timed, checked] = [key<string>('timed'), key<string>('checked')];
      await goAway();
      await cache.set(timed, 'outage');
      await cache.set(checked, 'outage');
      await comeBack();
      await cache.set(timed, 'fresh');
      await cache.set(checked, 'fresh');
      await handedBack();
      expect([await cache.get(timed), await cache.get(checked)]).toEqual(['fresh', 'fresh']);
      await goAway();
      expect([await cache.get(timed), await cache.get(checked)]).toEqual([undefined, undefined]);
    });

    it('When one read falls to the Map right after the return, then it does not find the older value', async () => {
      const own = key<string>();
      await goAway();
      await cache.set(own, 'outage');
      await cache.set(key('checked'), 'to be moved');
      const release = redis.hold('set');
      await comeBack();
      await until(() => redis.calls.at(-1) === 'set', { what: 'the move', everyMs: 1 });
      await cache.set(own, 'fresh');
      redis.failNext('OOM command not allowed');
      expect(await cache.get(own)).toBeUndefined();
      release();
    });

    it('What was in Redis before an outage does not speak after it, when it was changed meanwhile', async () => {
      const [written, deleted] = [key<string>(), key<string>()];
      await cache.set(written, 'before');
      await cache.set(deleted, 'before');
      await goAway();
      await cache.set(written, 'meanwhile');
      await cache.delete([deleted]);
      await comeBack();
      expect(await cache.get(written)).not.toBe('before');
      expect(await cache.get(deleted)).toBeUndefined();
    });

    it('Deletions reach Redis while reads are still answered from the Map', async () => {
      const own = key<string>();
      await cache.set(own, 'before');
      await goAway();
      await cache.set(own, 'meanwhile');
      const release = redis.hold('delete');
      redis.comeBack();
      await until(() => redis.calls.at(-1) === 'delete', { what: 'the deletion', everyMs: 2 });
      expect([cache.mode, await cache.get(own)]).toEqual(['memory', 'meanwhile']);
      release();
      await until(() => cache.mode === 'redis', { everyMs: 2 });
      expect(await inRedis(own)).toBeUndefined();
    });

    it('Values that carry a rev are moved to Redis, and the Map is empty then', async () => {
      const keys = Array.from({ length: 250 }, () => key<number>('checked'));
      await goAway();
      for (const [n, own] of keys.entries()) await cache.set(own, n);
      expect(cache.report().handBack).toMatchObject({ pending: 250, moved: 0 });
      await comeBack();
      await handedBack();
      expect(cache.report().handBack).toMatchObject({ pending: 0, moved: 250, failed: 0 });
      expect(cache.report().handBack.lastDurationMs).toBeGreaterThan(0);
      const bytes = await subject.driver.getMany(keys.map((own) => own.name));
      expect(bytes.filter(Boolean)).toHaveLength(250);
      expect(await cache.get(keys[249]!)).toBe(249);
    });

    it('When Redis dies again in the middle of the hand-back, then it is finished the next time', async () => {
      const keys = Array.from({ length: 250 }, () => key<number>('checked'));
      await goAway();
      for (const [n, own] of keys.entries()) await cache.set(own, n);
      const release = redis.hold('set');
      await comeBack();
      await until(() => redis.calls.at(-1) === 'set', { what: 'the first batch', everyMs: 2 });
      redis.goAway();
      release();
      await until(() => cache.mode === 'memory', { what: 'the second outage', everyMs: 2 });
      expect(cache.report().handBack.pending).toBeGreaterThan(0);
      expect(await cache.get(keys[249]!)).toBe(249);
      await comeBack();
      await handedBack();
      expect((await subject.driver.getMany(keys.map((own) => own.name))).filter(Boolean)).toHaveLength(250);
    });

    it('When Redis got a newer value before the move came to it, then the move leaves that alone', async () => {
      const keys = Array.from({ length: 150 }, () => key<string>('checked'));
      await goAway();
      for (const own of keys) await cache.set(own, 'outage');
      const release = redis.hold('set');
      await comeBack();
      await until(() => redis.calls.at(-1) === 'set', { what: 'the first batch', everyMs: 1 });
      // In the order of their writing: these two are of the second batch.
      const [changed, deleted] = keys.slice(-2) as [CacheKey<string>, CacheKey<string>];
      await cache.set(changed, 'fresh');
      await cache.delete([deleted]);
      release();
      await handedBack();
      expect([await cache.get(changed), await cache.get(deleted)]).toEqual(['fresh', undefined]);
      expect(cache.report().handBack).toMatchObject({ moved: 148, superseded: 2 });
    });

    it('Clearing an organization in an outage reaches what only Redis holds of it, and nothing of another', async () => {
      const other = key<string>('checked', newOrganizationId());
      const onlyRedis = key<string>('checked');
      await cache.set(onlyRedis, 'before');
      await cache.set(other, 'kept');
      await goAway();
      const inMap = key<string>('checked');
      await cache.set(inMap, 'meanwhile');
      expect(await cache.clearTag(tagOf(org))).toBe(1);
      expect(cache.report().handBack.pending).toBeGreaterThan(0);
      await comeBack();
      await handedBack();
      expect([await cache.get(onlyRedis), await cache.get(inMap), await cache.get(other)]).toEqual([
        undefined,
        undefined,
        'kept',
      ]);
    });

    it('Clearing an organization clears decoded values and what is being loaded as well', async () => {
      const own = key<string>('immutable');
      await cache.set(own, 'before');
      expect(await cache.clearTag(tagOf(org))).toBe(1);
      expect(await cache.get(own)).toBeUndefined();
    });

    it('When the answer to a write is lost, then the old value does not speak, and the write is not repeated', async () => {
      const own = key<string>();
      await cache.set(own, 'before');
      redis.loseNextAnswer();
      await cache.set(own, 'unknown');
      expect(redis.calls.filter((call) => call === 'set')).toHaveLength(2);
      await until(async () => (await inRedis(own)) === undefined, {
        what: 'the unknown value to be dropped',
      });
      expect(cache.mode).toBe('redis');
      // Until the cache has heard that it is dropped there, the Map answers, with the newest value.
      await until(async () => (await cache.get(own)) === undefined, { what: 'the drop to be noted' });
    });

    it('When Redis is full, then only the write fails, Redis stays in use, and the old value is dropped', async () => {
      const own = key<string>();
      await cache.set(own, 'before');
      redis.failNext('OOM command not allowed when used memory > maxmemory.');
      await cache.set(own, 'after');
      expect(cache.mode).toBe('redis');
      await until(async () => (await cache.get(own)) === undefined, { what: 'the old value to go' });
    });

    it('When the Map is forced and left again, then nothing of before or of it is stale', async () => {
      const own = key<string>();
      await cache.set(own, 'before');
      expect(await cache.setForced(true)).toBe('memory');
      expect(cache.report()).toMatchObject({ isForced: true, degradedReason: 'forced' });
      await cache.set(own, 'forced');
      expect(await cache.setForced(false)).toBe('redis');
      expect(await cache.get(own)).not.toBe('before');
      await handedBack();
    });

    it('When Redis dies at the moment the Map is left, then it is used again as soon as it is back', async () => {
      await cache.setForced(true);
      await cache.set(key(), 'forced');
      redis.goAway();
      expect(await cache.setForced(false)).toBe('memory');
      await comeBack();
    });

    it('When one answer is late at the moment the Map is left, then Redis is used again all the same', async () => {
      await cache.setForced(true);
      await cache.set(key(), 'forced');
      redis.loseNextAnswer();
      await cache.setForced(false);
      await until(() => cache.mode === 'redis', { what: 'Redis to be used again' });
    });

    it('Every change of mode is one event', async () => {
      const modes: CacheMode[] = [];
      cache.onModeChange((mode) => modes.push(mode));
      await goAway();
      for (let n = 0; n < 5; n += 1) await cache.get(key());
      await comeBack();
      await cache.setForced(true);
      await cache.setForced(false);
      expect(modes).toEqual(['memory', 'redis', 'memory', 'redis']);
      expect(cache.report().modeChanges).toBe(4);
    });

    it('When the fallback is switched off, then an outage is a clear error and the return is usual', async () => {
      cache = open(false);
      const own = key<string>();
      await cache.set(own, 'before');
      redis.goAway();
      const unavailable = expect.objectContaining({ code: 'E_CACHE_UNAVAILABLE', status: 503 });
      await expect(cache.get(own)).rejects.toEqual(unavailable);
      await expect(cache.set(own, 'x')).rejects.toEqual(unavailable);
      await expect(cache.delete([own])).rejects.toEqual(unavailable);
      await expect(cache.clearTag(tagOf(org))).rejects.toEqual(unavailable);
      expect(cache.mode).toBe('unavailable');
      await comeBack();
      expect(await cache.get(own)).toBe('before');
    });

    it('The report counts hits, misses and errors by kind, and names no key and no organization', async () => {
      const own = key<string>();
      await cache.get(own);
      await cache.set(own, 'x');
      await cache.get(own);
      redis.failNext('WRONGTYPE');
      await cache.get(own);
      const report = cache.report();
      expect(report.kinds.test).toMatchObject({
        hits: 1,
        localHits: 0,
        misses: 2,
        errors: 1,
        timeouts: 0,
        hitRate: 1 / 3,
        bytesWritten: 4,
        bytesRead: 4,
      });
      expect(report.stores.redis).toMatchObject({ times: { count: 4 } });
      expect(JSON.stringify(report)).not.toContain(own.name);
      expect(JSON.stringify(report)).not.toContain(org);
    });
  });
}
