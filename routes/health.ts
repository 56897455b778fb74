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
  ];
}
