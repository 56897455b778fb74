/** Tags against an oracle: nothing of a cleared tag can be read, and nothing else is gone. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import type { CacheDriver, StoredEntry, Tag } from '../../services/cache/types.js';
import { bounded, timeLimitMs } from '../support/bounded.js';
import { createFakeClock, type FakeClock, newName, newTag } from '../support/cacheSubjects.js';
import { accessTo } from '../support/redisAccess.js';
import { createRedisMock } from '../support/redisMock.js';
import { describeWithRedis, sharedRedisUrl } from '../support/services.js';

const NAMES = 5;
const TAGS = 3;

/** One or several processes on one store. */
interface Store {
  readonly drivers: readonly CacheDriver[];
  readonly clock: FakeClock;
  /** Ends the life of values that the store does not end by itself, as time, an eviction or a restart would. */
  end(names: readonly string[]): Promise<void>;
  /** What the store itself must look like, where that can be looked at. */
  check?(alive: readonly Alive[]): Promise<void>;
}

interface Alive extends StoredEntry {
  /** On the store's clock. */
  readonly endsAtMs: number;
}

type Op = { readonly by: number } & (
  | { readonly do: 'set'; readonly names: readonly number[]; readonly ttl: number }
  | { readonly do: 'setIfAbsent'; readonly name: number; readonly ttl: number }
  | { readonly do: 'delete' | 'end'; readonly names: readonly number[] }
  | { readonly do: 'clear'; readonly tag: number }
  | { readonly do: 'pass'; readonly part: number }
);

const by = fc.nat(1);
const name = fc.nat(NAMES - 1);
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 });
/** Of a name's lifetime, which a tenth at most is taken off. */
const ttl = fc.constantFrom(1, 0.95, 0.9);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ by, do: fc.constant('set' as const), names, ttl }) },
  { weight: 2, arbitrary: fc.record({ by, do: fc.constant('setIfAbsent' as const), name, ttl }) },
  { weight: 2, arbitrary: fc.record({ by, do: fc.constantFrom('delete' as const, 'end' as const), names }) },
  { weight: 3, arbitrary: fc.record({ by, do: fc.constant('clear' as const), tag: fc.nat(TAGS - 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      by,
      do: fc.constant('pass' as const),
      part: fc.constantFrom(0.01, 0.3, 0.5, 0.9),
    }),
  },
);
/** Which tags each name is stored under, always the same. */
const tagging = fc.array(fc.uniqueArray(fc.nat(TAGS - 1), { minLength: 1, maxLength: 3 }), {
  minLength: NAMES,
  maxLength: NAMES,
});
/** Each name has one. Real time passes as well, but not so much. */
const TTLS_MS = [7_200_000, 60_000];

async function follow(
  store: Store,
  tagsOf: readonly (readonly number[])[],
  ops: readonly Op[],
): Promise<void> {
  const { clock } = store;
  const tags = Array.from({ length: TAGS }, newTag);
  const own = Array.from({ length: NAMES }, newName);
  const oracle = new Map<string, Alive>();
  const entry = (at: number, n: number, part: number): Alive => {
    const ttlMs = TTLS_MS[at % TTLS_MS.length]! * part;
    return {
      name: own[at]!,
      value: Buffer.from(`${at}/${n}`),
      ttlMs,
      tags: tagsOf[at]!.map((tag) => tags[tag]!),
      endsAtMs: clock.now() + ttlMs,
    };
  };
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    const over = [...oracle.values()].filter(({ endsAtMs }) => endsAtMs <= clock.now());
    await store.end(over.map((each) => each.name));
    for (const each of over) oracle.delete(each.name);
  }
  async function take(driver: CacheDriver, next: Op, n: number): Promise<void> {
    if (next.do === 'set') {
      const entries = next.names.map((at) => entry(at, n, next.ttl));
      await driver.set(entries);
      for (const each of entries) oracle.set(each.name, each);
    } else if (next.do === 'setIfAbsent') {
      const one = entry(next.name, n, next.ttl);
      expect(await driver.setIfAbsent(one)).toBe(!oracle.has(one.name));
      if (!oracle.has(one.name)) oracle.set(one.name, one);
    } else if (next.do === 'clear') {
      const tag = tags[next.tag]!;
      const held = [...oracle.values()].filter((each) => each.tags.includes(tag));
      expect(await driver.clearTag(tag)).toBe(held.length);
      for (const each of held) oracle.delete(each.name);
    } else if (next.do === 'pass') await pass(TTLS_MS[n % TTLS_MS.length]! * next.part);
    else {
      const asked = next.names.map((at) => own[at]!);
      const there = asked.filter((each) => oracle.has(each)).length;
      if (next.do === 'delete') expect(await driver.delete(asked)).toBe(there);
      else await store.end(asked);
      for (const each of asked) oracle.delete(each);
    }
  }
  for (const [n, next] of ops.entries()) {
    await take(store.drivers[next.by % store.drivers.length]!, next, n);
    for (const each of store.drivers) {
      const found = await each.getMany(own);
      expect(found.map((value) => value?.toString())).toEqual(
        own.map((wanted) => oracle.get(wanted)?.value.toString()),
      );
    }
    await store.check?.([...oracle.values()]);
  }
}

const property = (open: () => Store) =>
  fc.asyncProperty(tagging, fc.array(op, { minLength: 1, maxLength: 40, size: 'max' }), (tagsOf, ops) =>
    follow(open(), tagsOf, ops),
  );

describe('Tags in the Map', () => {
  function open(): Store {
    const clock = createFakeClock();
    const driver = createMemoryDriver({ clock, maxBytes: 1_000_000 });
    const end = async (names: readonly string[]) => driver.forget(names);
    return { drivers: [driver], clock, end };
  }

  it('behave as the oracle says', () => fc.assert(property(open), bounded(2, 300)), timeLimitMs(2));
});

const indexName = (tag: Tag): string => `test:index:{${tag}}`;

/** Two processes: what one has listed or cleared, the other does not know of. */
function redisStore(redis: Redis, canLook: boolean): Store {
  const clock = createFakeClock();
  const create = () => createRedisDriver({ access: accessTo(redis), clock, indexName });
  const look = async (alive: readonly Alive[]): Promise<void> => {
    const listings = alive.flatMap(({ name: one, tags, endsAtMs }) =>
      tags.map((tag) => ({ one, index: indexName(tag), endsAtMs })),
    );
    const pipeline = redis.pipeline();
    for (const { index, one } of listings) pipeline.zscore(index, one);
    const scores = (await pipeline.exec()) ?? [];
    for (const [n, { endsAtMs }] of listings.entries()) {
      expect(Number(scores[n]?.[1])).toBeGreaterThanOrEqual(endsAtMs);
    }
  };
  return {
    drivers: [create(), create()],
    clock,
    end: async (names) => void (names.length > 0 && (await redis.unlink(...names))),
    ...(canLook ? { check: look } : {}),
  };
}

describe('Tags in ioredis-mock', () => {
  it(
    'behave as the oracle says',
    () =>
      fc.assert(
        property(() => redisStore(createRedisMock(), false)),
        bounded(2, 40),
      ),
    timeLimitMs(2),
  );
});

describeWithRedis('Tags in a real Redis', () => {
  let redis: Redis;
  beforeAll(() => {
    redis = new Redis(sharedRedisUrl());
  });
  afterAll(() => redis.disconnect());

  it(
    'behave as the oracle says, and every value is listed for as long as it lives',
    () =>
      fc.assert(
        property(() => redisStore(redis, true)),
        bounded(4, 250),
      ),
    timeLimitMs(4),
  );
});
