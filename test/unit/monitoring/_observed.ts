import type { Observed, Recent, RedisInspection } from '../../../services/monitoring/types.js';
import { readServerInfo } from '../../../services/redis/info.js';

/** A server for which there is nothing to recommend, with some lines of its INFO changed. */
export function inspectionOf(
  lines: Readonly<Record<string, string | number>> = {},
  change: Partial<RedisInspection> = {},
): RedisInspection {
  const fields = {
    redis_version: '7.4.0',
    role: 'master',
    used_memory: 1_000_000,
    maxmemory: 100_000_000,
    maxmemory_policy: 'allkeys-lru',
    mem_fragmentation_ratio: 1.1,
    ...lines,
  };
  const text = Object.entries(fields).map(([name, value]) => `${name}:${value}`);
  return {
    state: 'ready',
    topology: 'single',
    lastError: null,
    connections: { command: { ready: 1, total: 1 }, subscriber: 'ready', blockingReaders: 0 },
    latencyMs: 0.2,
    servers: [readServerInfo(text.join('\r\n'))],
    silentServers: 0,
    needsPassword: true,
    hasSnapshots: null,
    ...change,
  };
}

export function observedOf(
  redis: RedisInspection | null = inspectionOf(),
  change: Partial<Omit<Observed, 'recent'>> & { readonly recent?: Partial<Recent> } = {},
): Observed {
  return {
    isProduction: true,
    redis,
    fallbackMaxBytes: 100 * 1024 * 1024,
    roundTripsMs: [],
    raised: new Set(),
    ...change,
    recent: {
      spanMs: 600_000,
      kinds: {},
      fallbackEvictions: 0,
      redisEvictions: 0,
      roundTrips: null,
      ...change.recent,
    },
  };
}
