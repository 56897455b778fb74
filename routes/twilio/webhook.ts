/**
 * What every webhook of Twilio goes through. The order is the security: content type, raw bytes, the account named in
 * them, its signature, and only then what they say. The 200 goes out after the commit and not before.
 */
import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import express, { type IRouter, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import type { Logger } from '../../services/logger.js';
import { type FormParams, parseForm } from '../../services/twilio/form.js';
import { isValidTwilioSignature } from '../../services/twilio/signature.js';
import { countFailures } from '../middleware/rateLimit.js';
import { problemResponses } from '../openapi/document.js';
import { refuseMethod } from '../openapi/mount.js';

export type WebhookContext = Pick<AppContext, 'config' | 'accounts' | 'limits' | 'logger' | 'metrics'>;

/** What became of webhooks since the process started. */
export interface WebhookCounts {
  accepted: number;
  rejected: number;
}

const FORM = 'application/x-www-form-urlencoded';
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

interface Webhook {
  readonly paths: readonly string[];
  /** With a unit, as `express.raw` takes it. */
  readonly bodyLimit: string;
  readonly counts: WebhookCounts;
  /** Returns when what was posted is in the record; called only for what Twilio has signed. */
  take(params: FormParams, req: Request): Promise<void>;
}

export function mountWebhook(router: IRouter, ctx: WebhookContext, webhook: Webhook): void {
  const { paths, bodyLimit, counts, take } = webhook;
  const logger = ctx.logger.child({ subsystem: 'webhook' });
  // The bytes are signed as they are, so nothing is inflated or decoded on the way.
  const raw = express.raw({ type: () => true, limit: bodyLimit, inflate: false });
  const receive: RequestHandler = async (req, res) => {
    const rawBody = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    const params = parseForm(rawBody);
    try {
      await countFailures(ctx, { req, res }, () => verify(ctx, req, { rawBody, params }));
      await take(params, req);
    } catch (error) {
      if (error instanceof JackError && error.status < 500) {
        counts.rejected += 1;
        ctx.metrics.path.webhookRejected(error.code);
        logRejection(logger, error, params);
      }
      throw error;
    }
    res.status(200).type('text/xml').send(EMPTY_TWIML);
  };
  for (const path of paths) {
    router.post(path, requireForm, raw, receive);
    router.all(path, refuseMethod(['post']));
  }
}

const requireForm: RequestHandler = (req, _res, next) => {
  if (!req.is(FORM)) throw new JackError('E_MEDIA_TYPE', `A webhook is posted as ${FORM}.`);
  next();
};

interface Posted {
  readonly rawBody: Buffer;
  readonly params: FormParams;
}

/** @throws JackError E_SIGNATURE_INVALID; its detail names the URL that was expected to be signed, and no secret. */
async function verify(ctx: WebhookContext, req: Request, { rawBody, params }: Posted): Promise<void> {
  const accountSid = accountSidOf(params);
  const authTokens = accountSid === undefined ? undefined : await ctx.accounts.authTokensFor(accountSid);
  if (authTokens === undefined) {
    throw new JackError('E_SIGNATURE_INVALID', 'The AccountSid of this webhook is not known here.');
  }
  // Only without any token configured for the deployment, which production does not start with.
  if (authTokens.length === 0) return;
  const url = signedUrl(ctx, req);
  const signature = req.get('x-twilio-signature');
  const contentType = req.get('content-type');
  if (isValidTwilioSignature({ authTokens, signature, url, rawBody, contentType, params })) return;
  const what = signature === undefined ? 'There is no X-Twilio-Signature' : 'The signature does not match';
  throw new JackError('E_SIGNATURE_INVALID', `${what} for ${url}. PUBLIC_URL must be what Twilio is given.`);
}

/** What Twilio signed. The Host header may say anything, so it counts only where no PUBLIC_URL is set. */
const signedUrl = ({ config }: WebhookContext, req: Request): string =>
  `${config.publicUrl ?? `http://${req.get('host') ?? 'localhost'}`}${req.originalUrl}`;

function accountSidOf({ AccountSid: sid }: FormParams): string | undefined {
  return typeof sid === 'string' && /^AC[0-9a-zA-Z]{32}$/.test(sid) ? sid : undefined;
}

/** A warning, since a shopper's text may be lost: somebody forges webhooks, or the settings are wrong. */
function logRejection(logger: Logger, error: JackError, params: FormParams): void {
  logger.warn('a webhook was rejected', {
    accountSid: accountSidOf(params) ?? null,
    code: error.code,
    reason: error.message,
    // Names of Twilio's parameters, never their values.
    pointers: error.problems.map(({ pointer }) => pointer),
  });
}

interface Described {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  /** The parameters that something is done with. */
  readonly parameters: z.ZodRawShape;
  readonly query?: z.ZodObject;
  /** What the 200 means. */
  readonly taken: string;
}

/** For the OpenAPI document: the body is not JSON, and its meaning is Twilio's. */
export function webhookOperation({ parameters, query, taken, ...named }: Described): RouteConfig {
  return {
    ...named,
    method: 'post',
    tags: ['Carrier'],
    security: [],
    request: {
      headers: z.object({ 'X-Twilio-Signature': z.string().optional() }),
      ...(query ? { query } : {}),
      body: { required: true, content: { [FORM]: { schema: z.looseObject(parameters) } } },
    },
    responses: {
      200: { description: taken, content: { 'text/xml': { schema: z.string() } } },
      ...problemResponses([
        'E_SIGNATURE_INVALID',
        'E_RATE_LIMITED',
        'E_INPUT_INVALID',
        'E_BODY_TOO_LARGE',
        'E_MEDIA_TYPE',
        'E_DB_UNAVAILABLE',
      ]),
    },
  };
}
