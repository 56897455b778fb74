/** `GET /api/health/redis`. Open, so nothing in it names a host, a tenant, a phone or a key. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { CHECK_NAMES, type RedisHealthReport } from '../services/monitoring/redisHealth.js';
import { defineRoute, type Route, reply } from './openapi/route.js';

const checkSchema = z.strictObject({
  status: z.enum(['pass', 'warn', 'fail']),
  duration: z.number().meta({ description: 'Milliseconds that it took to find out.' }),
  message: z.string(),
});

const count = z.number().nullable();

export const redisHealthSchema = z
  .strictObject({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    timestamp: z.iso.datetime().meta({ description: 'Of the measurement; it is up to 1.5 s old.' }),
    checks: z
      .strictObject(
        Object.fromEntries(CHECK_NAMES.map((name) => [name, checkSchema])) as Record<
          (typeof CHECK_NAMES)[number],
          typeof checkSchema
        >,
      )
      .optional()
      .meta({ description: 'With `type` system and full.' }),
    summary: z.strictObject({
      uptime: count.meta({ description: 'Seconds since the server started; null when it does not say.' }),
      version: z.string().nullable(),
      memory: z
        .strictObject({ used: count, peak: count, fragmentation: count })
        .meta({ description: 'Bytes; fragmentation is resident over used.' }),
      stats: z.strictObject({
        hitRate: count.meta({ description: "Of Jack's reads since it started, 0 to 1." }),
        totalConnections: count.meta({ description: 'That the server took since it started.' }),
      }),
    }),
    recommendations: z
      .array(
        z.strictObject({
          code: z.string(),
          severity: z.enum(['info', 'warning', 'critical']),
          message: z.string(),
          action: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'With `type` full; the gravest first.' }),
  })
  .meta({ id: 'RedisHealth' });

const query = z.strictObject({
  type: z.enum(['summary', 'system', 'full']).default('full').meta({
    description: 'summary: status and summary. system: the checks too. full: the recommendations too.',
  }),
});

export const healthRedisRoute = ({ redisHealth }: Pick<AppContext, 'redisHealth'>): Route =>
  defineRoute({
    method: 'get',
    path: '/api/health/redis',
    access: 'open',
    tag: 'Operation',
    summary: 'How Redis is, measured now, and what should be changed about it.',
    query,
    answers: {
      200: {
        description: 'Healthy, or degraded: Jack serves from memory, or something deserves a look.',
        schema: redisHealthSchema,
      },
      503: { description: 'Redis is away and the fallback is switched off.', schema: redisHealthSchema },
    },
    handle: async ({ query: { type } }) => {
      const body = partOf(await redisHealth.read(), type);
      return body.status === 'unhealthy' ? reply(503, body) : reply(200, body);
    },
  });

function partOf(
  report: RedisHealthReport,
  type: z.output<typeof query>['type'],
): z.input<typeof redisHealthSchema> {
  const { status, timestamp, summary, checks, recommendations } = report;
  if (type === 'summary') return { status, timestamp, summary };
  if (type === 'system') return { status, timestamp, checks, summary };
  return { status, timestamp, checks, summary, recommendations: [...recommendations] };
}
