/** Each at its edges. test/redis/monitoring.test.ts has the same on servers that are configured so. */
import { describe, expect, it } from '@jest/globals';
import { recommend } from '../../../services/monitoring/recommendations.js';
import type { Observed } from '../../../services/monitoring/types.js';
import { inspectionOf, observedOf } from './_observed.js';

const codes = (observed: Observed) => recommend(observed).map(({ code, severity }) => `${code} ${severity}`);

const reads = (hits: number, misses: number) => ({ recent: { kinds: { snapshot: { hits, misses } } } });
const trips = (count: number, p99Ms: number) => ({ recent: { roundTrips: { count, p99Ms } } });

describe('Recommendations', () => {
  it('When there is nothing to say, then nothing is said', () => {
    expect(recommend(observedOf())).toEqual([]);
    expect(recommend(observedOf(null))).toEqual([]);
  });

  it('When the server hides what it is asked, then nothing is made up', () => {
    const hidden = inspectionOf({}, { servers: [], needsPassword: null, hasSnapshots: null });
    expect(recommend(observedOf(hidden, { recent: { redisEvictions: null } }))).toEqual([]);
  });

  it.each([
    [
      'a password is not asked for',
      observedOf(inspectionOf({}, { needsPassword: false })),
      ['redis_no_password critical'],
    ],
    [
      'the same outside production',
      observedOf(inspectionOf({}, { needsPassword: false }), { isProduction: false }),
      [],
    ],
    [
      'a full Redis refuses',
      observedOf(inspectionOf({ maxmemory_policy: 'noeviction' })),
      ['redis_eviction_policy warning'],
    ],
    ['it evicts what expires', observedOf(inspectionOf({ maxmemory_policy: 'volatile-lru' })), []],
    ['79 % are used', observedOf(inspectionOf({ used_memory: 79_000_000 })), []],
    [
      '80 % are used',
      observedOf(inspectionOf({ used_memory: 80_000_000 })),
      ['redis_memory_near_limit warning'],
    ],
    [
      '95 % are used and nothing is evicted',
      observedOf(inspectionOf({ used_memory: 95_000_000, maxmemory_policy: 'noeviction' })),
      ['redis_memory_near_limit critical', 'redis_eviction_policy warning'],
    ],
    ['there is no ceiling', observedOf(inspectionOf({ maxmemory: 0 })), ['redis_no_memory_ceiling warning']],
    [
      'the same at home',
      observedOf(inspectionOf({ maxmemory: 0 }), { isProduction: false }),
      ['redis_no_memory_ceiling info'],
    ],
    ['it writes a file', observedOf(inspectionOf({ aof_enabled: 1 })), ['redis_persistence_on info']],
    [
      'it makes snapshots',
      observedOf(inspectionOf({ aof_enabled: 0 }, { hasSnapshots: true })),
      ['redis_persistence_on info'],
    ],
    [
      'it keeps nothing',
      observedOf(inspectionOf({ aof_enabled: 0 }, { hasSnapshots: false })),
      ['redis_persistence_off info'],
    ],
    [
      'the last save failed',
      observedOf(inspectionOf({ rdb_last_bgsave_status: 'err' })),
      ['redis_last_save_failed warning'],
    ],
    ['a round trip takes 10 ms', observedOf(inspectionOf(), trips(100, 10)), []],
    ['a round trip takes more', observedOf(inspectionOf(), trips(100, 10.1)), ['redis_slow warning']],
    ['too few were measured', observedOf(inspectionOf(), trips(99, 500)), []],
    ['80 % of reads are hits', observedOf(inspectionOf(), reads(160, 40)), []],
    ['79 % are', observedOf(inspectionOf(), reads(158, 42)), ['cache_hit_rate_poor warning']],
    ['there were too few reads', observedOf(inspectionOf(), reads(0, 199)), []],
    [
      'Redis evicts',
      observedOf(inspectionOf(), { recent: { redisEvictions: 1 } }),
      ['redis_evictions warning'],
    ],
    ['it is 6.0', observedOf(inspectionOf({ redis_version: '6.0.16' })), ['redis_version_old warning']],
    ['it is 5', observedOf(inspectionOf({ redis_version: '5.0.14' })), ['redis_version_old warning']],
    ['it is 6.2', observedOf(inspectionOf({ redis_version: '6.2.0' })), []],
    ['it is 10', observedOf(inspectionOf({ redis_version: '10.0.0' })), []],
    ['it is a Valkey', observedOf(inspectionOf({ redis_version: '5.0.0', valkey_version: '8.0.1' })), []],
    ['it is a replica', observedOf(inspectionOf({ role: 'slave' })), ['redis_is_replica critical']],
    [
      'much of its memory is holes',
      observedOf(
        inspectionOf({ used_memory: 110 * 2 ** 20, maxmemory: 2 ** 40, mem_fragmentation_ratio: 1.6 }),
      ),
      ['redis_memory_fragmented warning'],
    ],
    [
      'a little of little memory is',
      observedOf(inspectionOf({ used_memory: 90 * 2 ** 20, maxmemory: 2 ** 40, mem_fragmentation_ratio: 9 })),
      [],
    ],
    [
      'the Map evicts',
      observedOf(null, { recent: { fallbackEvictions: 3 } }),
      ['cache_fallback_evictions warning'],
    ],
  ])('When %s, then that is said', (_what, observed, expected) => {
    expect(codes(observed)).toEqual(expected);
  });

  it('When reads miss, then the kind that causes it is named with its numbers', () => {
    const kinds = { organization: { hits: 90, misses: 10 }, snapshot: { hits: 20, misses: 180 } };
    const [poor] = recommend(observedOf(inspectionOf(), { recent: { kinds } }));
    expect(poor?.message).toContain('37 % of 300 reads');
    expect(poor?.message).toContain('"snapshot" (180 of its 200 reads)');
    expect(poor?.action).toContain('"snapshot"');
    expect(poor?.severity).toBe('warning');
    const [young] = recommend(observedOf(inspectionOf(), { recent: { kinds, spanMs: 60_000 } }));
    expect(young?.severity).toBe('info');
    expect(young?.message).toContain('still be filling');
  });

  it('When something was said, then it is taken back a tenth below where it was said', () => {
    const full = inspectionOf({ used_memory: 75_000_000 });
    const raised = new Set(['redis_memory_near_limit', 'redis_slow', 'cache_hit_rate_poor']);
    expect(codes(observedOf(full, { raised }))).toEqual(['redis_memory_near_limit warning']);
    expect(codes(observedOf(inspectionOf(), { raised, ...trips(100, 9.5) }))).toEqual(['redis_slow warning']);
    expect(codes(observedOf(inspectionOf(), { raised, ...reads(170, 30) }))).toEqual([
      'cache_hit_rate_poor warning',
    ]);
    expect(codes(observedOf(inspectionOf(), { raised, ...reads(190, 10) }))).toEqual([]);
  });

  it('When there are several, then the gravest comes first, and each says what to do', () => {
    const bad = inspectionOf(
      { role: 'slave', redis_version: '5.0.0', aof_enabled: 1 },
      { needsPassword: false },
    );
    const found = recommend(observedOf(bad));
    expect(found.map(({ severity }) => severity)).toEqual(['critical', 'critical', 'warning', 'info']);
    for (const { message, action } of found)
      expect([message, action]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)]);
  });
});
