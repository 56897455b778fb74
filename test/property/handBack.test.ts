/**
 * Two caches on one store that goes away and comes back at any moment, in the middle of a hand-back too. Nothing stale
 * is read once all is well, by neither of them, and nothing is owed.
 */
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import type { CacheKey, Tag } from '../../services/cache/types.js';
import { Cache } from '../../services/cache.js';
import { systemClock } from '../../services/clock.js';
import type { OrganizationId } from '../../services/types.js';
import { bounded, timeLimitMs } from '../support/bounded.js';
import { newName, newOrganizationId } from '../support/cacheSubjects.js';
import { createChaosDriver, guardChaos } from '../support/chaosDriver.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

const KEYS = 3;
/** Values that are only there so that moving takes several batches. */
const BALLAST = 230;
const PROBE_EVERY_MS = 2;

/** What becomes of the first call of an operation. */
type Fault = 'none' | 'lostAnswer' | 'refusal';

type Op = { readonly by: number } & (
  | { readonly do: 'write' | 'delete'; readonly key: number; readonly fault: Fault }
  | { readonly do: 'clear'; readonly organization: number; readonly fault: Fault }
  | { readonly do: 'away' | 'back' | 'force' | 'release' | 'ballast' | 'slowDelete' }
  | { readonly do: 'wait'; readonly ms: number }
);

const by = fc.nat(1);
const fault = fc.constantFrom<Fault>('none', 'none', 'none', 'lostAnswer', 'refusal');
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      by,
      fault,
      do: fc.constantFrom('write' as const, 'write' as const, 'delete' as const),
      key: fc.nat(2 * KEYS - 1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ by, fault, do: fc.constant('clear' as const), organization: fc.nat(1) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      by,
      do: fc.constantFrom(
        'away' as const,
        'away' as const,
        'back' as const,
        'back' as const,
        'force' as const,
        'release' as const,
        'ballast' as const,
        'slowDelete' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ by, do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 3, 8) }),
  },
);

interface Versioned {
  readonly version: number;
}

function world() {
  const server = createMemoryDriver({ clock: systemClock, maxBytes: 50_000_000 });
  const organizations = [newOrganizationId(), newOrganizationId()];
  const keyOf = (freshness: CacheKey<Versioned>['freshness'], at: number): CacheKey<Versioned> => {
    const organizationId = organizations[at % 2] as OrganizationId;
    const tags = [organizationId as string as Tag];
    return { name: newName(), kind: freshness, organizationId, ttlMs: 600_000, freshness, tags };
  };
  const processes = [0, 1].map(() => {
    const redis = createChaosDriver(server);
    const memory = createMemoryDriver({ clock: systemClock, maxBytes: 50_000_000 });
    const cache = Cache.create({
      memory,
      redis: guardChaos(redis, { probeEveryMs: PROBE_EVERY_MS, deadlineMs: 15, missesToOpen: 2 }),
      isFallbackEnabled: true,
      clock: systemClock,
      random: () => 0,
      logger: silentLogger,
      // All is read from the stores: what is kept decoded is another test's.
      localMaxBytes: 0,
    });
    cache.start();
    return { redis, memory, cache };
  });
  const keys = [
    ...Array.from({ length: KEYS }, (_, at) => keyOf('timed', at)),
    ...Array.from({ length: KEYS }, (_, at) => keyOf('checked', at)),
  ];
  return { server, organizations, processes, keys, keyOf };
}

type World = ReturnType<typeof world>;

/** Stands for the record: the last version written of each key, 0 when it was deleted since, and who changed it. */
interface Truth {
  readonly version: number;
  readonly by: number;
}

async function take(all: World, truths: Truth[], next: Op, n: number): Promise<void> {
  const { processes, keys, keyOf, organizations } = all;
  const { cache, redis } = processes[next.by]!;
  if ('fault' in next && next.fault === 'refusal') redis.failNext('OOM command not allowed');
  if ('fault' in next && next.fault === 'lostAnswer') redis.loseNextAnswer();
  if (next.do === 'write') {
    truths[next.key] = { version: n + 1, by: next.by };
    await cache.set(keys[next.key]!, { version: n + 1 });
  } else if (next.do === 'delete') {
    truths[next.key] = { version: 0, by: next.by };
    await cache.delete([keys[next.key]!]);
  } else if (next.do === 'clear') {
    const organizationId = organizations[next.organization]!;
    for (const [at, key] of keys.entries()) {
      if (key.organizationId === organizationId) truths[at] = { version: 0, by: next.by };
    }
    await cache.clearTag(organizationId as string as Tag);
  } else if (next.do === 'away') {
    redis.goAway();
    cache.connectionLost();
  } else if (next.do === 'back') redis.comeBack();
  else if (next.do === 'force') await cache.setForced(true);
  else if (next.do === 'release') await cache.setForced(false);
  else if (next.do === 'slowDelete') setTimeout(redis.hold('delete'), 10);
  else if (next.do === 'wait') await new Promise((resolve) => setTimeout(resolve, next.ms));
  else {
    const ballast = Array.from({ length: BALLAST }, (_, at) => keyOf('checked', at));
    await Promise.all(ballast.map((key) => cache.set(key, { version: 1 })));
  }
}

/**
 * Who changed a value last never meets an older one, in whatever state it and Redis are. What another process reads
 * meanwhile is checked by a rev inside, or may be as old as its outage.
 */
async function checkOwn({ processes, keys }: World, truths: readonly Truth[], n: number): Promise<void> {
  for (const [at, { version, by: writer }] of truths.entries()) {
    if (keys[at]!.freshness !== 'timed') continue;
    const found = await processes[writer]!.cache.get(keys[at]!);
    if (found) expect([n, at, found.version]).toEqual([n, at, version]);
  }
}

async function checkAll({ processes, keys }: World, truths: readonly Truth[]): Promise<void> {
  for (const { cache } of processes) {
    for (const [at, key] of keys.entries()) {
      const wanted = truths[at]!.version;
      const found =
        key.freshness === 'checked'
          ? await cache.get(key, ({ version }) => version === wanted)
          : await cache.get(key);
      if (found) expect([at, key.freshness, found.version]).toEqual([at, key.freshness, wanted]);
    }
  }
}

async function settle({ processes }: World): Promise<void> {
  for (const { redis, cache } of processes) {
    redis.comeBack();
    await cache.setForced(false);
  }
  const isSettled = () =>
    processes.every(({ cache, memory }) => {
      const { mode, handBack } = cache.report();
      return mode === 'redis' && handBack.pending === 0 && memory.isEmpty();
    });
  await until(isSettled, { what: 'both to owe nothing', everyMs: 1, timeoutMs: 4_000 });
}

it(
  'After any outages of two processes nothing stale is read, nothing is owed, and the Maps are empty',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(op, { maxLength: 40, size: 'max' }), async (ops) => {
        const all = world();
        try {
          const truths: Truth[] = all.keys.map(() => ({ version: 0, by: 0 }));
          for (const [n, next] of ops.entries()) {
            await take(all, truths, next, n);
            await checkOwn(all, truths, n);
          }
          await settle(all);
          await checkAll(all, truths);
        } finally {
          await Promise.all(all.processes.map(({ cache }) => cache.stop()));
        }
      }),
      bounded(7, 120),
    );
  },
  timeLimitMs(7),
);
