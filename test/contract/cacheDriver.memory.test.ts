import { describe, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createFakeClock, entry, memorySubject, newTag } from '../support/cacheSubjects.js';
import { describeCacheDriver } from './cacheDriver.contract.js';

describeCacheDriver('the Map', memorySubject, { name: 'memory', leaseScope: 'process' });

describe('The Map is bounded', () => {
  const clock = createFakeClock();

  it('When the bytes are used up, then the least recently used values go, and that is counted', async () => {
    const driver = createMemoryDriver({ clock, maxBytes: 10_000 });
    const org = newTag();
    const entries = Array.from({ length: 20 }, (_, n) => entry(org, String(n).repeat(500)));
    const [first, second] = entries;
    for (const each of entries) {
      await driver.set([each]);
      await driver.getMany([first!.name]);
    }
    expect(driver.stats().bytes).toBeLessThanOrEqual(10_000);
    expect(driver.stats().evictions).toBe(20 - driver.stats().entries);
    expect((await driver.getMany([first!.name]))[0]).toBeDefined();
    expect((await driver.getMany([second!.name]))[0]).toBeUndefined();
  });

  it('When there are too many entries, then the count holds as well', async () => {
    const driver = createMemoryDriver({ clock, maxBytes: 1e9, maxEntries: 10 });
    const org = newTag();
    await driver.set(Array.from({ length: 25 }, () => entry(org, 'x')));
    expect(driver.stats()).toMatchObject({ entries: 10, evictions: 15 });
  });

  it('When a value is larger than the whole Map, then it is not kept and its predecessor is gone', async () => {
    const driver = createMemoryDriver({ clock, maxBytes: 5_000 });
    const small = entry(newTag(), 'small');
    await driver.set([small]);
    await driver.set([{ ...small, value: Buffer.alloc(6_000) }]);
    expect(await driver.getMany([small.name])).toEqual([undefined]);
    expect(driver.stats()).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('A value that is part of something larger holds on to nothing of that', async () => {
    const driver = createMemoryDriver({ clock, maxBytes: 1e6 });
    const received = Buffer.alloc(64 * 1_024, 'x');
    const part = { ...entry(newTag(), ''), value: received.subarray(100, 300) };
    await driver.set([part]);
    const [kept] = await driver.getMany([part.name]);
    expect(kept).toEqual(Buffer.alloc(200, 'x'));
    expect(kept?.buffer.byteLength).toBe(200);
  });

  it('What was evicted is not counted when its organization is cleared', async () => {
    const driver = createMemoryDriver({ clock, maxBytes: 1e9, maxEntries: 3 });
    const org = newTag();
    await driver.set(Array.from({ length: 8 }, () => entry(org, 'x')));
    expect(await driver.clearTag(org)).toBe(3);
    expect(driver.stats().entries).toBe(0);
  });

  it('What is handed out for a move has the lifetime that is left, and no lease among it', async () => {
    const own = createFakeClock();
    const driver = createMemoryDriver({ clock: own, maxBytes: 1e6 });
    const [kept, dead] = [entry(newTag(), 'kept', { ttlMs: 1_000 }), entry(newTag(), 'x')];
    await driver.set([kept, { ...dead, ttlMs: 100 }]);
    await driver.acquireLease('lease', 'token', 10_000);
    own.advance(400);
    expect([...driver.entries()]).toEqual([{ ...kept, ttlMs: 600 }]);
  });
});
