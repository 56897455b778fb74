/** The app: what is mounted, in which order. */
import express, { type Express } from 'express';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { cacheAdminRoutes } from './admin/cache.js';
import { organizationAdminRoutes } from './admin/organizations.js';
import { phoneNumberAdminRoutes } from './admin/phoneNumbers.js';
import { quarantineAdminRoutes } from './admin/quarantine.js';
import { sendingAdminRoutes } from './admin/sending.js';
import { alertRoutes } from './alerts.js';
import { createApiDocs } from './apiDocs.js';
import { cacheStatsRoute } from './cacheStats.js';
import { conversationRoutes } from './conversations.js';
import { createErrorPages } from './errorPages.js';
import { evidenceRoute } from './evidence.js';
import { healthRoutes } from './health.js';
import { healthRedisRoute } from './healthRedis.js';
import { leadInquiryRoutes } from './leadInquiries.js';
import { leadRoutes } from './leads.js';
import { leadWebhookRoute } from './leadWebhook.js';
import { liveRoutes } from './live.js';
import { mediaRoutes } from './media.js';
import { metricsOperation, mountMetrics } from './metrics.js';
import { createErrorHandler } from './middleware/errorHandler.js';
import { measureRequests } from './middleware/measureRequests.js';
import { limitAddress } from './middleware/rateLimit.js';
import { requestId } from './middleware/requestId.js';
import { securityHeaders } from './middleware/securityHeaders.js';
import { createDocument, type OpenApiDocument } from './openapi/document.js';
import { mountRoutes } from './openapi/mount.js';
import type { Route } from './openapi/route.js';
import { organizationRoutes } from './organization.js';
import { sessionRoutes } from './sessions.js';
import { createSimulatorRoutes } from './simulator.js';
import { steeringRoutes } from './steering.js';
import { streamRoutes } from './stream.js';
import { mountTwilioSms, twilioFallbackOperation, twilioSmsOperation } from './twilio/sms.js';
import { mountTwilioStatus, twilioStatusOperation } from './twilio/status.js';
import type { WebhookCounts } from './twilio/webhook.js';
import { voiceRoutes } from './voice.js';

export function createApp(ctx: AppContext): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // Whose X-Forwarded-For counts; anybody else's would let a caller choose the address it is limited by.
  app.set('trust proxy', ctx.config.trustProxy);
  app.use(measureRequests(ctx.metrics.http, ctx.clock), requestId, securityHeaders(ctx.config));

  // Before anything that reads a body: a webhook is checked over the bytes as they came.
  const webhooks: WebhookCounts = { accepted: 0, rejected: 0 };
  mountTwilioSms(app, ctx, webhooks);
  mountTwilioStatus(app, ctx, webhooks);

  app.post('/api/session', limitAddress(ctx, 'logIn'));
  const routes = apiRoutes(ctx, webhooks);
  mountRoutes(app, routes, ctx);
  mountMetrics(app, ctx);
  mountDocument(app, () => documentOf(ctx, routes));
  app.use(createApiDocs());
  app.use(createErrorPages());

  if (ctx.simulator) {
    app.post('/api/simulator/*path', limitAddress(ctx, 'phonePage'));
    app.use(createSimulatorRoutes(ctx));
  }
  app.get('/', (_req, res) => res.redirect(ctx.simulator ? 'simulator' : 'api/docs'));

  app.use(() => {
    throw new JackError('E_NOT_FOUND', 'There is nothing at this path.');
  });
  app.use(createErrorHandler(ctx));
  return app;
}

/** Every call whose requests and answers are described by schemas. */
export const apiRoutes = (ctx: AppContext, webhooks: { readonly rejected: number }): readonly Route[] => [
  ...healthRoutes(ctx, webhooks),
  healthRedisRoute(ctx),
  cacheStatsRoute(ctx),
  ...organizationAdminRoutes(ctx),
  ...phoneNumberAdminRoutes(ctx),
  ...cacheAdminRoutes(ctx),
  ...quarantineAdminRoutes(ctx),
  ...sendingAdminRoutes(ctx),
  ...sessionRoutes(ctx),
  ...organizationRoutes(ctx),
  ...liveRoutes(ctx),
  ...leadRoutes(ctx),
  ...leadInquiryRoutes(ctx),
  leadWebhookRoute(ctx),
  ...voiceRoutes(ctx),
  ...conversationRoutes(ctx),
  ...mediaRoutes(ctx),
  evidenceRoute(ctx),
  ...steeringRoutes(ctx),
  ...alertRoutes(ctx),
  ...streamRoutes(ctx),
];

const documentOf = ({ version, config }: AppContext, routes: readonly Route[]): OpenApiDocument =>
  createDocument(routes, {
    version,
    publicUrl: config.publicUrl,
    others: [twilioSmsOperation, twilioFallbackOperation, twilioStatusOperation, metricsOperation],
  });

function mountDocument(app: Express, create: () => OpenApiDocument): void {
  let document: OpenApiDocument | undefined;
  app.get('/openapi.json', (_req, res) => {
    document ??= create();
    res.json(document);
  });
}
