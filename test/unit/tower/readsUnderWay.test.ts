/** A read whose answer is on its way while the value is deleted or replaced: what it brings must not stay in the process. */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createMemoryDriver } from '../../../services/cache/memoryDriver.js';
import type { CacheBus, CacheDriver, CacheKey, Tag } from '../../../services/cache/types.js';
import { Cache } from '../../../services/cache.js';
import { systemClock } from '../../../services/clock.js';
import type { OrganizationId } from '../../../services/types.js';
import { createChaosDriver, guardChaos } from '../../support/chaosDriver.js';
import { silentLogger } from '../../support/testDatabase.js';

const caches: Cache[] = [];
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.stop();
});

const moment = () => new Promise((resolve) => setImmediate(resolve));

function world() {
  const store = createMemoryDriver({ clock: systemClock, maxBytes: 1e7 });
  let gate = Promise.resolve();
  /** Reads at once and answers when the gate opens. */
  const slow: CacheDriver = {
    ...store,
    getMany: async (names) => {
      const own = gate;
      const found = await store.getMany(names);
      await own;
      return found;
    },
  };
  const line = new EventEmitter();
  const process = (driver: CacheDriver): Cache => {
    const bus: CacheBus = {
      publish: (message) => line.emit('message', message),
      subscribe: (listener) => line.on('message', listener),
      onBreak: () => undefined,
      isListening: () => true,
    };
    const cache = Cache.create({
      memory: createMemoryDriver({ clock: systemClock, maxBytes: 1e7 }),
      redis: guardChaos(createChaosDriver(driver)),
      isFallbackEnabled: true,
      bus,
      clock: systemClock,
      random: () => 0,
      logger: silentLogger,
    });
    cache.start();
    caches.push(cache);
    return cache;
  };
  const hold = (): (() => void) => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => {
      gate = Promise.resolve();
      open();
    };
  };
  return { reader: process(slow), other: process(store), hold };
}

function newKey(): CacheKey<string> {
  const organizationId = randomUUID() as OrganizationId;
  const name = `read:{${organizationId}}`;
  const tags = [organizationId as string as Tag];
  return { name, kind: 'test', organizationId, ttlMs: 60_000, freshness: 'timed', tags };
}

describe('A read under way', () => {
  it.each(['this process', 'another process'])('does not bring back what %s deletes', async (who) => {
    const { reader, other, hold } = world();
    const key = newKey();
    await other.set(key, 'old');
    const release = hold();
    const reading = reader.get(key);
    await moment();
    await (who === 'this process' ? reader : other).delete([key]);
    release();
    await reading;
    expect(await reader.get(key)).toBeUndefined();
  });

  it('does not bring back what is cleared with its organization', async () => {
    const { reader, other, hold } = world();
    const key = newKey();
    await other.set(key, 'old');
    const release = hold();
    const reading = reader.get(key);
    await moment();
    await reader.clearTag(key.tags[0] as Tag);
    release();
    await reading;
    expect(await reader.get(key)).toBeUndefined();
  });

  it.each(['this process', 'another process'])('does not bring back what %s replaces', async (who) => {
    const { reader, other, hold } = world();
    const key = newKey();
    await other.set(key, 'old');
    const release = hold();
    const reading = reader.get(key);
    await moment();
    await (who === 'this process' ? reader : other).set(key, 'new');
    release();
    await reading;
    expect(await reader.get(key)).toBe('new');
  });

  it('is kept when nothing happened meanwhile', async () => {
    const { reader, other } = world();
    const key = newKey();
    await other.set(key, 'value');
    await reader.get(key);
    await reader.get(key);
    expect(reader.report().kinds.test).toMatchObject({ hits: 2, localHits: 1 });
  });
});
