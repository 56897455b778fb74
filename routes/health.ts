/** What an operator and a load balancer ask. Open, so nothing here names a host, a tenant or a key. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { createHealthReport, type HealthContext } from './healthReport.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { healthReportSchema } from './schemas.js';

const open = { access: 'open', tag: 'Operation', method: 'get' } as const;
const statusSchema = z.strictObject({ status: z.string() });

export function healthRoutes(
  ctx: HealthContext & Pick<AppContext, 'isStopping'>,
  webhooks: { readonly rejected: number },
): readonly Route[] {
  const report = createHealthReport(ctx, webhooks);
  return [
    defineRoute({
      ...open,
      path: '/api/health',
      summary: 'How Jack is: every check with what it measured.',
      answers: {
        200: { description: 'Healthy, or degraded: texts are answered.', schema: healthReportSchema },
        503: { description: 'Unhealthy: texts are refused for now.', schema: healthReportSchema },
      },
      handle: async () => {
        const body = await report();
        return body.status === 'unhealthy' ? reply(503, body) : reply(200, body);
      },
    }),
    defineRoute({
      ...open,
      path: '/api/health/live',
      summary: 'Answers while the process does. Touches nothing, so that no outage restarts every replica.',
      answers: { 200: { description: 'Alive.', schema: statusSchema } },
      handle: async () => reply(200, { status: 'live' }),
    }),
    defineRoute({
      ...open,
      path: '/api/health/ready',
      summary: 'Whether this process should get requests. Without Redis it should.',
      answers: {
        200: { description: 'Ready.', schema: statusSchema },
        503: { description: 'Stopping, or the record is away.', schema: statusSchema },
      },
      handle: async () => {
        if (ctx.isStopping()) return reply(503, { status: 'stopping' });
        const { checks } = await report();
        const isRecordThere = checks['record:responseTime']?.every(({ status }) => status === 'pass');
        return isRecordThere ? reply(200, { status: 'ready' }) : reply(503, { status: 'record away' });
      },
    }),
    cacheStatsRoute(ctx),
  ];
}

const counts = z.record(z.string(), z.number().nullable());

const cacheStatsRoute = ({ state, redis }: Pick<AppContext, 'state' | 'redis'>): Route =>
  defineRoute({
    ...open,
    path: '/api/cache/stats',
    summary: 'How the state tower does, in aggregates.',
    answers: {
      200: {
        description: 'Since this process started.',
        schema: z
          .strictObject({
            mode: z.enum(['redis', 'memory', 'unavailable']),
            since: z.iso.datetime(),
            isForced: z.boolean(),
            modeChanges: z.int(),
            kinds: z.record(z.string(), counts).meta({ description: 'Hits and misses a kind of state.' }),
            reads: z.record(z.string(), counts).meta({ description: 'Who answered: cache or record.' }),
            stores: z.record(z.string(), counts).meta({ description: 'Operations and times a store.' }),
            memory: counts,
            handBack: counts.meta({ description: 'What an outage left for Redis to hear of.' }),
            redis: z
              .strictObject({ roundTrips: z.int(), latency: counts })
              .nullable()
              .meta({ description: 'Null when none is configured.' }),
          })
          .meta({ id: 'CacheStats' }),
      },
    },
    handle: async () => {
      const { mode, since, isForced, modeChanges, kinds, reads, stores, memory, handBack } = state.report();
      return reply(200, {
        mode,
        since,
        isForced,
        modeChanges,
        kinds: plainEach(kinds),
        reads: plainEach(reads),
        stores: plainEach(stores),
        memory: plain(memory),
        handBack: plain(handBack),
        redis: redis ? { roundTrips: redis.roundTrips(), latency: plain(redis.latency()) } : null,
      });
    },
  });

type Numbers<Stats> = { readonly [Name in keyof Stats]: number | null };

const plain = <Stats extends Numbers<Stats>>(stats: Stats): Record<string, number | null> =>
  Object.fromEntries(Object.entries<number | null>(stats));

const plainEach = <Stats extends Numbers<Stats>>(byName: Readonly<Record<string, Stats>>) =>
  Object.fromEntries(Object.entries(byName).map(([name, stats]) => [name, plain(stats)]));
