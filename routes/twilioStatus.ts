/**
 * Delivery reports. Signed as inbound texts are, over a URL whose query has our own id of the text: a report may come before
 * we have stored the carrier's.
 */
import type { RouteConfig } from '@asteasolutions/zod-to-openapi';
import express, { type IRouter, type Request } from 'express';
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { parseForm } from '../services/twilio/form.js';
import { parseStatusCallback, STATUS_PATH, type StatusCallback } from '../services/twilio/statusCallback.js';
import { isUuid, type MessageId } from '../services/types.js';
import { countFailures } from './middleware/rateLimit.js';
import { problemResponses } from './openapi/document.js';
import { refuseMethod } from './openapi/mount.js';
import { logRejection, requireForm, verify, type WebhookContext, type WebhookCounts } from './twilioSms.js';

type StatusContext = WebhookContext & Pick<AppContext, 'statuses'>;

const FORM = 'application/x-www-form-urlencoded';
/** A report has about 400 bytes; Twilio adds parameters without notice. */
const BODY_LIMIT = '16kb';
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

export function mountTwilioStatus(router: IRouter, ctx: StatusContext, counts: WebhookCounts): void {
  const logger = ctx.logger.child({ subsystem: 'webhook' });
  const raw = express.raw({ type: () => true, limit: BODY_LIMIT, inflate: false });
  router.post(STATUS_PATH, requireForm, raw, async (req, res) => {
    const rawBody = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    const params = parseForm(rawBody);
    try {
      await countFailures(ctx, { req, res }, () => verify(ctx, req, { rawBody, params }));
      const callback = parseStatusCallback(params);
      const outcome = await ctx.statuses.receive(toReport(ctx, callback, messageIdOf(req)));
      ctx.metrics.path.deliveryReported(outcome);
    } catch (error) {
      if (error instanceof JackError && error.status < 500) {
        counts.rejected += 1;
        ctx.metrics.path.webhookRejected(error.code);
        logRejection(logger, error, params);
      }
      throw error;
    }
    // Also for a text that is not known: the carrier can do nothing about it.
    res.status(200).type('text/xml').send(EMPTY_TWIML);
  });
  router.all(STATUS_PATH, refuseMethod(['post']));
}

/** What is no id of ours names no text, and the carrier's id is not asked instead: the URL was made by somebody else. */
function messageIdOf({ query }: Request): MessageId | undefined {
  const { message } = query;
  if (message === undefined) return undefined;
  return (typeof message === 'string' && isUuid(message) ? message : NO_TEXT) as MessageId;
}

const NO_TEXT = '00000000-0000-0000-0000-000000000000';

function toReport({ config }: StatusContext, callback: StatusCallback, messageId: MessageId | undefined) {
  const { accountSid, messageSid, from, to, ...report } = callback;
  // With no account configured (simulated carrier) whatever account a report names stands for the default one.
  const isDefault = config.twilio.accountSid === undefined || config.twilio.accountSid === accountSid;
  const accounts = isDefault ? [accountSid, 'default'] : [accountSid];
  return { ...report, accountSid, messageSid, subject: { accounts, messageId, from, to } };
}

/** For the OpenAPI document: the body is not JSON, and its meaning is Twilio's. */
export const twilioStatusOperation: RouteConfig = {
  method: 'post',
  path: STATUS_PATH,
  tags: ['Carrier'],
  operationId: 'receiveTwilioStatus',
  summary:
    'What became of a text that was sent, posted and signed by Twilio; in any order and any number of times.',
  security: [],
  request: {
    headers: z.object({ 'X-Twilio-Signature': z.string().optional() }),
    query: z.object({
      message: z
        .string()
        .optional()
        .meta({ description: 'The id of the text, from the URL that it was sent with.' }),
    }),
    body: {
      required: true,
      content: {
        [FORM]: {
          schema: z.looseObject({
            AccountSid: z.string(),
            MessageSid: z.string(),
            MessageStatus: z.string(),
            To: z.string(),
            From: z.string().optional(),
            ErrorCode: z.string().optional(),
            RawDlrDoneDate: z.string().optional(),
          }),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'In the record, or about a text that is not known here.',
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
