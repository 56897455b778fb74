/**
 * What an operator should change, from what was measured. One pure function each; a function says nothing when the
 * server does not tell what it needs to know.
 */
import { allReads, hitRateOf } from './hitRate.js';
import type { Observed, Recommendation, ServerInfo } from './types.js';

type Rule = (observed: Observed) => Omit<Recommendation, 'code'> | undefined;

const MB = 1024 * 1024;
/** Above it a new value may not fit; below it there is time to act. */
export const MEMORY_SHARE = 0.8;
const MEMORY_SHARE_CRITICAL = 0.95;
/** A round trip takes 0.1 to 1 ms in one data centre; ten is a way over a continent, or a busy server. */
export const SLOW_MS = 10;
const MIN_ROUND_TRIPS = 100;
/** After warm-up more than 95 of 100 reads are hits; below 80 something undoes the cache. */
const HIT_RATE = 0.8;
const MIN_READS = 200;
/** Before, first reads of each conversation are misses as they must be. */
const WARM_AFTER_MS = 9 * 60_000;
const FRAGMENTATION = 1.5;
/** Below it a few megabytes of the allocator make any ratio. */
const FRAGMENTATION_FROM_BYTES = 100 * MB;
const OLDEST_REDIS = [6, 2] as const;

/** A threshold is left by a tenth more than it is reached by, so that a value at the edge does not raise and clear. */
const easing = ({ raised }: Observed, code: string): number => (raised.has(code) ? 0.9 : 1);

const servers = ({ redis }: Observed): readonly ServerInfo[] => redis?.servers ?? [];
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const megabytes = (bytes: number): string => `${Math.round(bytes / MB)} MB`;
const minutes = (ms: number): string => `${Math.max(1, Math.round(ms / 60_000))} min`;
const most = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : Math.max(...values);

export const noPassword: Rule = ({ isProduction, redis }) =>
  isProduction && redis?.needsPassword === false
    ? {
        severity: 'critical',
        message: 'Redis lets in whoever reaches its port, without a password.',
        action: 'Set requirepass (or an ACL user) on the server and REDIS_PASSWORD here.',
      }
    : undefined;

export const evictionPolicy: Rule = (observed) =>
  servers(observed).some(({ memory }) => memory.hasCeiling && memory.policy === 'noeviction')
    ? {
        severity: 'warning',
        message: 'maxmemory-policy is noeviction: a full Redis refuses writes instead of making room.',
        action: 'CONFIG SET maxmemory-policy allkeys-lru; everything that Jack keeps there is a copy.',
      }
    : undefined;

export const memoryNearLimit: Rule = (observed) => {
  const fullest = servers(observed)
    .flatMap(({ memory: { usedBytes, maxBytes, policy } }) =>
      usedBytes === null || maxBytes === null
        ? []
        : [{ share: usedBytes / maxBytes, maxBytes, refuses: policy === 'noeviction' }],
    )
    .sort((a, b) => b.share - a.share)[0];
  if (!fullest || fullest.share < MEMORY_SHARE * easing(observed, 'redis_memory_near_limit'))
    return undefined;
  return {
    severity: fullest.refuses && fullest.share >= MEMORY_SHARE_CRITICAL ? 'critical' : 'warning',
    message: `Redis uses ${percent(fullest.share)} of its ${megabytes(fullest.maxBytes)}; at 100 % it ${fullest.refuses ? 'refuses writes' : 'drops what was used longest ago'}.`,
    action: 'Raise maxmemory, or shorten lifetimes; the guide says how many bytes a conversation takes.',
  };
};

export const noMemoryCeiling: Rule = (observed) =>
  servers(observed).some(({ memory }) => memory.hasCeiling === false)
    ? {
        severity: observed.isProduction ? 'warning' : 'info',
        message: 'maxmemory is not set: Redis may grow until the system ends it.',
        action: 'Set maxmemory to what the machine can spare, with maxmemory-policy allkeys-lru.',
      }
    : undefined;

export const persistence: Rule = (observed) => {
  const { redis } = observed;
  const isAofOn = servers(observed).some((server) => server.persistence.isAofOn);
  if (!isAofOn && redis?.hasSnapshots !== true) return undefined;
  const forkMs = most(servers(observed).flatMap((server) => server.persistence.lastForkMs ?? []));
  const cost = forkMs ? `; the last fork stopped it for ${forkMs.toFixed(1)} ms` : '';
  return {
    severity: 'info',
    message: `Redis writes to disk (${isAofOn ? 'append-only file' : 'snapshots'})${cost}.`,
    action:
      'Jack does not need it, the record has everything: CONFIG SET save "" and appendonly no, unless others use this server.',
  };
};

export const noPersistence: Rule = (observed) => {
  const isOff =
    servers(observed).length > 0 && servers(observed).every((s) => s.persistence.isAofOn === false);
  if (!isOff || observed.redis?.hasSnapshots !== false) return undefined;
  return {
    severity: 'info',
    message: 'Redis writes nothing to disk: a restart begins empty.',
    action:
      'Nothing for Jack, which fills it from the record. Turn it on only for others who use this server.',
  };
};

export const lastSaveFailed: Rule = (observed) =>
  servers(observed).some((server) => server.persistence.lastSaveOk === false)
    ? {
        severity: 'warning',
        message: 'The last save to disk failed; with stop-writes-on-bgsave-error Redis refuses writes.',
        action: 'Look for a full or missing disk and for memory that fork cannot get, or turn saving off.',
      }
    : undefined;

export const slow: Rule = (observed) => {
  const { roundTrips, spanMs } = observed.recent;
  if (!roundTrips || roundTrips.count < MIN_ROUND_TRIPS) return undefined;
  if (roundTrips.p99Ms <= SLOW_MS * easing(observed, 'redis_slow')) return undefined;
  return {
    severity: 'warning',
    message: `One of 100 round trips to Redis takes ${roundTrips.p99Ms.toFixed(1)} ms and more (${roundTrips.count} in ${minutes(spanMs)}).`,
    action: 'Look at SLOWLOG GET, at the load of the server, and whether it stands in the same data centre.',
  };
};

export const poorHitRate: Rule = (observed) => {
  const { kinds, spanMs } = observed.recent;
  const all = allReads(kinds);
  const reads = all.hits + all.misses;
  const rate = hitRateOf(all);
  if (rate === null || reads < MIN_READS || rate >= HIT_RATE / easing(observed, 'cache_hit_rate_poor'))
    return undefined;
  const [worst] = Object.entries(kinds).sort(([, a], [, b]) => b.misses - a.misses);
  if (!worst) return undefined;
  const [kind, its] = worst;
  const isWarm = spanMs >= WARM_AFTER_MS;
  return {
    severity: isWarm ? 'warning' : 'info',
    message: `${percent(rate)} of ${reads} reads in ${minutes(spanMs)} were hits${isWarm ? '' : ', while the cache may still be filling'}; most misses are of "${kind}" (${its.misses} of its ${its.hits + its.misses} reads).`,
    action: `Look whether Redis evicts, restarts or is cleared often; else the lifetime of "${kind}" is too short for the traffic.`,
  };
};

export const evictions: Rule = ({ recent }) =>
  recent.redisEvictions !== null && recent.redisEvictions > 0
    ? {
        severity: 'warning',
        message: `Redis dropped ${recent.redisEvictions} keys for want of memory in ${minutes(recent.spanMs)}.`,
        action: 'Raise maxmemory, or give Jack a server of its own.',
      }
    : undefined;

export const oldVersion: Rule = (observed) => {
  const old = servers(observed).find(({ product, version }) => product === 'redis' && isOld(version));
  return old
    ? {
        severity: 'warning',
        message: `Redis ${old.version} is older than ${OLDEST_REDIS.join('.')} and gets no security fixes.`,
        action: 'Move to Redis 7 or Valkey 8.',
      }
    : undefined;
};

function isOld(version: string | null): boolean {
  if (version === null) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_REDIS[0] || (major === OLDEST_REDIS[0] && minor < OLDEST_REDIS[1]);
}

export const replica: Rule = (observed) =>
  servers(observed).some(({ role }) => role === 'slave')
    ? {
        severity: 'critical',
        message: 'The server that Jack writes to is a replica, which refuses writes (READONLY).',
        action: 'Name the master in REDIS_URL, or use REDIS_SENTINELS, which finds it.',
      }
    : undefined;

export const fragmentation: Rule = (observed) => {
  const worst = most(
    servers(observed).flatMap(({ memory: { usedBytes, fragmentationRatio } }) =>
      usedBytes !== null && usedBytes > FRAGMENTATION_FROM_BYTES ? (fragmentationRatio ?? []) : [],
    ),
  );
  if (worst === undefined || worst <= FRAGMENTATION * easing(observed, 'redis_memory_fragmented'))
    return undefined;
  return {
    severity: 'warning',
    message: `Redis holds ${worst.toFixed(1)} times the memory that its data takes.`,
    action: 'CONFIG SET activedefrag yes, or restart it in a quiet hour.',
  };
};

export const fallbackEvictions: Rule = ({ recent, fallbackMaxBytes }) =>
  recent.fallbackEvictions > 0
    ? {
        severity: 'warning',
        message: `The memory store dropped ${recent.fallbackEvictions} values in ${minutes(recent.spanMs)} to stay under ${megabytes(fallbackMaxBytes)}.`,
        action: 'Raise REDIS_FALLBACK_MAX_MEMORY if the process has memory to spare.',
      }
    : undefined;

const RULES = {
  redis_no_password: noPassword,
  redis_is_replica: replica,
  redis_memory_near_limit: memoryNearLimit,
  redis_eviction_policy: evictionPolicy,
  redis_evictions: evictions,
  redis_last_save_failed: lastSaveFailed,
  redis_slow: slow,
  redis_memory_fragmented: fragmentation,
  redis_version_old: oldVersion,
  redis_no_memory_ceiling: noMemoryCeiling,
  cache_hit_rate_poor: poorHitRate,
  cache_fallback_evictions: fallbackEvictions,
  redis_persistence_on: persistence,
  redis_persistence_off: noPersistence,
} as const satisfies Record<string, Rule>;

export type RecommendationCode = keyof typeof RULES;

export const RECOMMENDATION_CODES = Object.keys(RULES) as readonly RecommendationCode[];

/** They tell what is, and nothing is wrong with it. */
const HINTS: ReadonlySet<RecommendationCode> = new Set(['redis_persistence_on', 'redis_persistence_off']);

/** Those that may be more than a hint. */
export const ALERTING_CODES = RECOMMENDATION_CODES.filter((code) => !HINTS.has(code));

const RANKS = { critical: 0, warning: 1, info: 2 } as const;

/** The gravest first. */
export function recommend(observed: Observed): Recommendation[] {
  return RECOMMENDATION_CODES.flatMap((code) => {
    const found = RULES[code](observed);
    return found ? [{ code, ...found }] : [];
  }).sort((a, b) => RANKS[a.severity] - RANKS[b.severity]);
}
