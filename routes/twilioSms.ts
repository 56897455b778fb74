/**
 * Inbound texts. The order is the security: content type, raw bytes, the account named in them, its signature, and
 * only then what the text says. The 200 goes out after the commit and not before.
 */
import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import express, { type IRouter, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { asError, JackError } from '../services/errors.js';
import type { Logger } from '../services/logger.js';
import type { Verdict } from '../services/rateLimits.js';
import { type FormParams, parseForm } from '../services/twilio/form.js';
import { isValidTwilioSignature } from '../services/twilio/signature.js';
import { type InboundSms, parseInboundSms } from '../services/twilio/webhook.js';
import type { OrganizationId } from '../services/types.js';
import { countFailures } from './middleware/rateLimit.js';
import { problemResponses } from './openapi/document.js';
import { refuseMethod } from './openapi/mount.js';
import { FALLBACK_PATH, noteFallback } from './twilioFallback.js';

export type WebhookContext = Pick<
  AppContext,
  'config' | 'accounts' | 'receiver' | 'limits' | 'logger' | 'metrics'
>;

/** What became of webhooks since the process started. */
export interface WebhookCounts {
  accepted: number;
  rejected: number;
}

const PATH = '/api/webhooks/twilio/sms/incoming';
const FORM = 'application/x-www-form-urlencoded';
/** A text with ten media has about 5 kB; Twilio adds parameters without notice. */
const BODY_LIMIT = '64kb';
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

export function mountTwilioSms(router: IRouter, ctx: WebhookContext, counts: WebhookCounts): void {
  const logger = ctx.logger.child({ subsystem: 'webhook' });
  // The bytes are signed as they are, so nothing is inflated or decoded on the way.
  const raw = express.raw({ type: () => true, limit: BODY_LIMIT, inflate: false });
  const receive: RequestHandler = async (req, res) => {
    const rawBody = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    const params = parseForm(rawBody);
    try {
      await countFailures(ctx, { req, res }, () => verify(ctx, req, { rawBody, params }));
      const text = parseInboundSms(params);
      const received = ctx.receiver.receive(text);
      void noteFlood(logger, ctx.limits.inboundText(limitedBy(text)), received);
      const stored = await received;
      if (req.path === FALLBACK_PATH)
        noteFallback({ metrics: ctx.metrics, logger }, { params, received: stored });
      counts.accepted += 1;
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
  for (const path of [PATH, FALLBACK_PATH]) {
    router.post(path, requireForm, raw, receive);
    router.all(path, refuseMethod(['post']));
  }
}

export const requireForm: RequestHandler = (req, _res, next) => {
  if (!req.is(FORM)) throw new JackError('E_MEDIA_TYPE', `A webhook is posted as ${FORM}.`);
  next();
};

interface Posted {
  readonly rawBody: Buffer;
  readonly params: FormParams;
}

/** @throws JackError E_SIGNATURE_INVALID; its detail names the URL that was expected to be signed, and no secret. */
export async function verify(ctx: WebhookContext, req: Request, { rawBody, params }: Posted): Promise<void> {
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

const limitedBy = ({ accountSid, to, from }: InboundSms) => ({ account: accountSid, to, from });

/**
 * Not awaited: no limit stands between a text and its 200. A phone over its limit is a matter for people (a loop between
 * two machines, a prank), so they are told once a minute; its texts are stored and answered like any other.
 */
async function noteFlood(
  logger: Logger,
  counted: Promise<Verdict>,
  received: Promise<{ readonly organizationId?: OrganizationId }>,
): Promise<void> {
  try {
    const { isNews, quota } = await counted;
    if (!isNews) return;
    const { organizationId } = await received;
    logger.warn('a phone sends texts faster than its limit', { organizationId, quota });
  } catch (error) {
    logger.warn('a flood of texts could not be noted', { error: asError(error) });
  }
}

/** A warning, since a shopper's text may be lost: somebody forges webhooks, or the settings are wrong. */
export function logRejection(logger: Logger, error: JackError, params: FormParams): void {
  logger.warn('a webhook was rejected', {
    accountSid: accountSidOf(params) ?? null,
    code: error.code,
    reason: error.message,
    // Names of Twilio's parameters, never their values.
    pointers: error.problems.map(({ pointer }) => pointer),
  });
}

/** For the OpenAPI document: the body is not JSON, and its meaning is Twilio's. */
export const twilioSmsOperation: RouteConfig = {
  method: 'post',
  path: PATH,
  tags: ['Carrier'],
  operationId: 'receiveTwilioSms',
  summary: 'An inbound text, posted and signed by Twilio. The same text may be posted any number of times.',
  security: [],
  request: {
    headers: z.object({ 'X-Twilio-Signature': z.string().optional() }),
    body: {
      required: true,
      content: {
        [FORM]: {
          schema: z.looseObject({
            AccountSid: z.string(),
            MessageSid: z.string(),
            From: z.string(),
            To: z.string(),
            Body: z.string().optional(),
            NumMedia: z.string().optional(),
          }),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'In the record. Replies are sent later, so the response is empty.',
      content: { 'text/xml': { schema: z.string() } },
    },
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

/** The same text again, when the first URL failed; what was stored already is known by its MessageSid. */
export const twilioFallbackOperation: RouteConfig = {
  ...twilioSmsOperation,
  path: FALLBACK_PATH,
  operationId: 'receiveTwilioSmsFallback',
  summary:
    'An inbound text whose first webhook failed, posted and signed by Twilio, with ErrorCode and ErrorUrl.',
};
