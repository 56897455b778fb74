/** The Redis side of the contract. One exchange a call; never KEYS or SCAN. */
import { readFileSync } from 'node:fs';
import type { ChainableCommander, Redis } from 'ioredis';
import type { Clock } from '../clock.js';
import type { OrganizationId } from '../types.js';
import type { CacheDriver, StoredEntry } from './types.js';

export interface RedisDriverDeps {
  readonly redis: Redis;
  readonly clock: Clock;
  /** Name of the sorted set that lists an organization's values by when they expire. */
  indexName(organizationId: OrganizationId): string;
  /** Counts and times exchanges; the identity when nobody asks. */
  exchange?<T>(work: () => Promise<T>, operation: string): Promise<T>;
}

/** The longest lifetime of a value: an index outlives everything it lists by an hour. */
const MAX_TTL_MS = 31 * 24 * 3_600_000;
const INDEX_GRACE_MS = 3_600_000;
/** Small enough that no command keeps the server for a millisecond. */
const CLEAR_BATCH = 500;
/** How many writes of an organization go by until its index is trimmed. */
const TRIM_EVERY = 16;
/** Scores are clocks of several machines; a value whose name was trimmed too early could not be cleared. */
const TRIM_GRACE_MS = 60_000;

interface WithScripts extends Redis {
  releaseLease(name: string, token: string): Promise<number>;
}

export function createRedisDriver({
  redis,
  clock,
  indexName,
  exchange = (work) => work(),
}: RedisDriverDeps): CacheDriver {
  redis.defineCommand('releaseLease', {
    numberOfKeys: 1,
    lua: readFileSync(new URL('./lua/releaseLease-1.lua', import.meta.url), 'utf8'),
  });
  const writes = new Map<OrganizationId, number>();

  /** Goes first in a pipeline: when only a part of it arrives, a name without value does no harm. */
  function indexEntries(pipeline: ChainableCommander, entries: readonly StoredEntry[]): void {
    const nowMs = clock.now();
    for (const [organizationId, own] of groupByOrganization(entries)) {
      const index = indexName(organizationId);
      pipeline.zadd(index, ...own.flatMap(({ name, ttlMs }) => [nowMs + ttlMs, name]));
      pipeline.pexpire(index, MAX_TTL_MS + INDEX_GRACE_MS);
      const count = (writes.get(organizationId) ?? 0) + own.length;
      writes.set(organizationId, count % TRIM_EVERY);
      if (count >= TRIM_EVERY) pipeline.zremrangebyscore(index, '-inf', nowMs - TRIM_GRACE_MS);
    }
  }

  return {
    name: 'redis',
    leaseScope: 'shared',
    getMany: async (names) => {
      if (names.length === 0) return [];
      const values = await exchange(() => redis.mgetBuffer([...names]), 'get');
      return values.map((value) => value ?? undefined);
    },
    set: async (entries) => {
      if (entries.length === 0) return;
      const pipeline = redis.pipeline();
      indexEntries(
        pipeline,
        entries.filter(({ ttlMs }) => ttlMs > 0),
      );
      for (const { name, value, ttlMs } of entries) {
        if (ttlMs > 0) pipeline.set(name, value, 'PX', lifetime(ttlMs));
        else pipeline.unlink(name);
      }
      await exchange(() => execute(pipeline), 'set');
    },
    setIfAbsent: async (entry) => {
      if (entry.ttlMs <= 0) return (await exchange(() => redis.exists(entry.name), 'setIfAbsent')) === 0;
      const { name, value, ttlMs } = entry;
      const reply = await exchange(() => redis.set(name, value, 'PX', lifetime(ttlMs), 'NX'), 'setIfAbsent');
      if (reply !== 'OK') return false;
      // Only now: listed before, the value that was there could get an expiry that is not its own.
      const pipeline = redis.pipeline();
      indexEntries(pipeline, [entry]);
      await exchange(() => execute(pipeline), 'setIfAbsent');
      return true;
    },
    delete: async (names) =>
      names.length === 0 ? 0 : await exchange(() => redis.unlink(...names), 'delete'),
    acquireLease: async (name, token, ttlMs) => {
      if (ttlMs <= 0) return false;
      return (await exchange(() => redis.set(name, token, 'PX', lifetime(ttlMs), 'NX'), 'lease')) === 'OK';
    },
    releaseLease: async (name, token) =>
      (await exchange(() => (redis as WithScripts).releaseLease(name, token), 'lease')) === 1,
    clearOrganization: async (organizationId, step = (work) => work()) => {
      const index = indexName(organizationId);
      let cleared = 0;
      for (;;) {
        const batch = await step(() => clearSome(index));
        if (batch === undefined) return cleared;
        cleared += batch;
      }
    },
  };

  /** @returns undefined when nothing is listed any more. */
  async function clearSome(index: string): Promise<number | undefined> {
    const names = await exchange(() => redis.zrange(index, '0', String(CLEAR_BATCH - 1)), 'clear');
    if (names.length === 0) return undefined;
    const pipeline = redis.pipeline();
    pipeline.unlink(...names).zrem(index, ...names);
    const [removed] = await exchange(() => execute(pipeline), 'clear');
    return Number(removed);
  }
}

/** Redis takes whole milliseconds, and 0 is an error. */
const lifetime = (ttlMs: number): number => Math.max(1, Math.min(Math.round(ttlMs), MAX_TTL_MS));

function groupByOrganization(entries: readonly StoredEntry[]): Map<OrganizationId, StoredEntry[]> {
  const groups = new Map<OrganizationId, StoredEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.organizationId);
    if (group) group.push(entry);
    else groups.set(entry.organizationId, [entry]);
  }
  return groups;
}

/** @returns the replies. @throws the first error: a pipeline answers with errors as values. */
async function execute(pipeline: ChainableCommander): Promise<unknown[]> {
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
