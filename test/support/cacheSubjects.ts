/** The three stores that one contract holds together: the Map, ioredis-mock and a real Redis. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import type { CacheDriver, StoredEntry, Tag } from '../../services/cache/types.js';
import { type Clock, systemClock } from '../../services/clock.js';
import type { OrganizationId } from '../../services/types.js';
import { accessTo } from './redisAccess.js';
import { createRedisMock } from './redisMock.js';
import { sharedRedisUrl } from './services.js';
import { until } from './until.js';

export interface Subject {
  readonly driver: CacheDriver;
  /** Returns when something stored `ttlMs` ago has expired; does not read it, so nothing is swept. */
  passTime(ttlMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface FakeClock extends Clock {
  advance(ms: number): void;
}

export function createFakeClock(): FakeClock {
  let ms = 1_000;
  return {
    now: () => 1_700_000_000_000 + ms,
    monotonicMs: () => ms,
    advance: (by) => {
      ms += by;
    },
  };
}

export const newOrganizationId = (): OrganizationId => `org-${randomUUID()}` as OrganizationId;
export const newTag = (): Tag => `org-${randomUUID()}` as Tag;
export const newName = (): string => `test:value:{${randomUUID()}}`;

export function entry(tag: Tag, value: string, change: Partial<StoredEntry> = {}): StoredEntry {
  return { name: newName(), value: Buffer.from(value), ttlMs: 60_000, tags: [tag], ...change };
}

export function memorySubject(): Subject {
  const clock = createFakeClock();
  return {
    driver: createMemoryDriver({ clock, maxBytes: 10_000_000 }),
    passTime: async (ttlMs) => clock.advance(ttlMs + 1),
    close: async () => undefined,
  };
}

export const mockSubject = (): Subject => redisSubject(createRedisMock());

export const realSubject = (): Subject => redisSubject(new Redis(sharedRedisUrl()));

function redisSubject(redis: Redis): Subject {
  return {
    driver: createRedisDriver({
      access: accessTo(redis),
      clock: systemClock,
      indexName: (tag) => `test:index:{${tag}}`,
    }),
    passTime: async (ttlMs) => {
      // A witness with the same lifetime: when the server has let it go, it has let the others go.
      const witness = newName();
      await redis.set(witness, '1', 'PX', ttlMs);
      await until(async () => (await redis.exists(witness)) === 0, { what: 'the server to let it go' });
    },
    close: async () => redis.disconnect(),
  };
}
