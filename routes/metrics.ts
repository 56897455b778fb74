/** `GET /metrics`, for Prometheus. Where there is a METRICS_TOKEN it is asked for; production offers nothing without. */
import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import type { IRouter, Request } from 'express';
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { isSameSecret } from '../services/secrets.js';
import { countFailures } from './middleware/rateLimit.js';
import { problemResponses } from './openapi/document.js';
import { refuseMethod } from './openapi/mount.js';

type Context = Pick<AppContext, 'config' | 'metrics' | 'limits' | 'logger'>;

const PATH = '/metrics';

export function mountMetrics(router: IRouter, ctx: Context): void {
  router.get(PATH, async (req, res) => {
    await countFailures(ctx, { req, res }, async () => authorize(ctx, req));
    const { contentType, text } = await ctx.metrics.render(req.get('accept'));
    // Not `send` with a type: express would change the parameters of the content type.
    res.set('Cache-Control', 'no-store').setHeader('Content-Type', contentType);
    res.end(text);
  });
  router.all(PATH, refuseMethod(['get']));
}

/** @throws JackError E_NOT_FOUND where they are not offered, E_UNAUTHENTICATED without the token. */
function authorize({ config }: Context, req: Request): void {
  const { metricsToken, nodeEnv } = config;
  if (metricsToken === undefined) {
    if (nodeEnv === 'production') throw new JackError('E_NOT_FOUND', 'There is nothing at this path.');
    return;
  }
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '') ?? [];
  if (!isSameSecret(token, metricsToken)) {
    throw new JackError(
      'E_UNAUTHENTICATED',
      'Metrics are read with Authorization: Bearer and METRICS_TOKEN.',
    );
  }
}

/** For the OpenAPI document: the body is not JSON. */
export const metricsOperation: RouteConfig = {
  method: 'get',
  path: PATH,
  tags: ['Operation'],
  operationId: 'getMetrics',
  summary:
    'Metrics for Prometheus. With METRICS_TOKEN set it is asked for; production offers nothing without one.',
  security: [{ metricsToken: [] }, {}],
  responses: {
    200: {
      description: 'Text format 0.0.4, or OpenMetrics when `Accept` asks for it.',
      content: {
        'text/plain': { schema: z.string() },
        'application/openmetrics-text': { schema: z.string() },
      },
    },
    ...problemResponses(['E_UNAUTHENTICATED', 'E_NOT_FOUND', 'E_RATE_LIMITED']),
  },
};
