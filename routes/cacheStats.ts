/** `GET /api/cache/stats`. Open and in aggregates: no tenant, phone, key name or host can be in it. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { BUCKET_BOUNDS_MS } from '../services/histogram.js';
import { allReads, hitRateOf } from '../services/monitoring/hitRate.js';
import type { RedisInspection } from '../services/monitoring/types.js';
import { defineRoute, type Route, reply } from './openapi/route.js';

const count = z.int();
const known = z.number().nullable();
/** By names of this program's own: kinds, stores, operations, limits. */
const byName = <Of extends z.ZodType>(of: Of) => z.record(z.string(), of);

const times = z
  .strictObject({
    count,
    sumMs: z.number(),
    p50Ms: z.number(),
    p95Ms: z.number(),
    p99Ms: z.number(),
    buckets: z.array(count).readonly().meta({ description: 'How many took at most each of bucketBoundsMs.' }),
  })
  .meta({ id: 'Times' });
const reads = {
  hits: count,
  misses: count,
  hitRate: known.meta({ description: '0 to 1; null before the first read.' }),
  errors: count,
  times,
};

export const cacheStatsSchema = z
  .strictObject({
    mode: z.enum(['redis', 'memory', 'unavailable']),
    since: z.iso.datetime(),
    degradedReason: z
      .string()
      .nullable()
      .meta({ description: 'Why memory serves although there is a Redis.' }),
    isForced: z.boolean(),
    modeChanges: count,
    hitRate: known,
    bucketBoundsMs: z.array(z.number()).meta({
      description: 'Of all times. Counts of buckets add up over processes; percentiles do not.',
    }),
    kinds: byName(
      z.strictObject({ ...reads, localHits: count, timeouts: count, bytesRead: count, bytesWritten: count }),
    ).meta({ description: 'By kind of state. Local hits are those for which no store was asked.' }),
    reads: byName(z.strictObject({ cache: count, record: count })).meta({
      description: 'Who answered the wrappers of the state door.',
    }),
    stores: byName(z.strictObject(reads)),
    fallback: z.strictObject({
      isEnabled: z.boolean(),
      entries: count,
      bytes: count,
      maxBytes: count,
      evictions: count,
    }),
    local: z
      .strictObject({ entries: count, bytes: count })
      .meta({ description: 'Kept decoded in this process.' }),
    handBack: z
      .strictObject({ pending: count, moved: count, superseded: count, failed: count, lastDurationMs: known })
      .meta({ description: 'What an outage left for Redis to hear of.' }),
    breaker: z
      .strictObject({ isOpen: z.boolean() })
      .nullable()
      .meta({ description: 'Null without a Redis.' }),
    redis: z
      .strictObject({
        roundTrips: count,
        latency: times,
        latencyByOperation: byName(times),
        topology: z.enum(['single', 'sentinel', 'cluster', 'upstash']).nullable(),
        connections: z
          .strictObject({
            command: z.strictObject({ ready: count, total: count }),
            subscriber: z.enum(['ready', 'connecting']).nullable(),
            blockingReaders: count,
          })
          .nullable()
          .meta({ description: 'By role. Null when it could not be found out in time.' }),
      })
      .nullable(),
    pubsub: z.strictObject({
      state: z.enum(['local', 'listening', 'broken']),
      reason: z.string().nullable(),
      subscriptions: count,
      published: count,
      sent: count,
      received: count,
      ignored: count,
      buffered: count,
      bufferedBytes: count,
      dropped: count,
      breaks: count,
      gaps: count,
    }),
    rateLimits: z.strictObject({
      counted: z.strictObject({ redis: count, memory: count }),
      refused: byName(count),
      windows: count,
      untold: count,
      evicted: count,
      lostByRedis: count,
    }),
    migration: z
      .strictObject({
        runs: count,
        lastRunAt: z.iso.datetime().nullable(),
        lastDurationMs: known,
        kinds: byName(byName(count)),
        reasons: byName(count),
        readThrough: z.strictObject({ asked: count, moved: count, failed: count }),
      })
      .nullable()
      .meta({ description: 'What was moved in from other servers. Null when this process moves nothing.' }),
    alerts: z.array(
      z.strictObject({
        code: z.string(),
        severity: z.enum(['warning', 'critical']),
        since: z.iso.datetime(),
      }),
    ),
  })
  .meta({ id: 'CacheStats' });

type CacheStats = z.input<typeof cacheStatsSchema>;
type Context = Pick<
  AppContext,
  'state' | 'redis' | 'redisHealth' | 'pubsub' | 'limits' | 'monitor' | 'config'
>;

export const cacheStatsRoute = (ctx: Context): Route =>
  defineRoute({
    method: 'get',
    path: '/api/cache/stats',
    access: 'open',
    tag: 'Operation',
    summary: 'How the state tower does, in aggregates.',
    answers: { 200: { description: 'Since this process started.', schema: cacheStatsSchema } },
    handle: async () => reply(200, await readStats(ctx)),
  });

async function readStats(ctx: Context): Promise<CacheStats> {
  const { state, redisHealth, pubsub, limits, monitor, config } = ctx;
  const { memory, isBreakerOpen, kinds, stores, reads: answered, ...report } = state.report();
  const { mode, since, degradedReason, isForced, modeChanges, local, handBack } = report;
  return {
    mode,
    since,
    degradedReason,
    isForced,
    modeChanges,
    hitRate: hitRateOf(allReads(kinds)),
    bucketBoundsMs: [...BUCKET_BOUNDS_MS],
    kinds,
    reads: answered,
    stores,
    fallback: {
      isEnabled: config.fallback.isEnabled,
      entries: memory.entries,
      bytes: memory.bytes,
      maxBytes: memory.maxBytes,
      evictions: memory.evictions,
    },
    local,
    handBack,
    breaker: isBreakerOpen === null ? null : { isOpen: isBreakerOpen },
    redis: readRedis(ctx, await redisHealth.inspect()),
    pubsub: pubsub.report(),
    rateLimits: limits.report(),
    migration: state.migrationReport() as CacheStats['migration'],
    alerts: monitor
      .alerts()
      .flatMap(({ code, severity, since: raisedAt }) =>
        severity === 'info' ? [] : [{ code, severity, since: raisedAt }],
      ),
  };
}

function readRedis({ redis }: Context, inspection: RedisInspection | null): CacheStats['redis'] {
  if (!redis) return null;
  return {
    topology: inspection?.topology ?? null,
    roundTrips: redis.roundTrips(),
    latency: redis.latency(),
    latencyByOperation: redis.latencyByOperation(),
    connections: inspection?.connections ?? null,
  };
}
