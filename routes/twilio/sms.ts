/** Inbound texts, over the first URL and over the one for when that failed. */
import type { IRouter } from 'express';
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { asError } from '../../services/errors.js';
import type { Logger } from '../../services/logger.js';
import type { Verdict } from '../../services/rateLimits.js';
import { type InboundSms, parseInboundSms } from '../../services/twilio/webhook.js';
import type { OrganizationId } from '../../services/types.js';
import { FALLBACK_PATH, noteFallback } from './fallback.js';
import { mountWebhook, type WebhookContext, type WebhookCounts, webhookOperation } from './webhook.js';

type SmsContext = WebhookContext & Pick<AppContext, 'receiver'>;

const PATH = '/api/webhooks/twilio/sms/incoming';
/** A text with ten media has about 5 kB; Twilio adds parameters without notice. */
const BODY_LIMIT = '64kb';

export function mountTwilioSms(router: IRouter, ctx: SmsContext, counts: WebhookCounts): void {
  const logger = ctx.logger.child({ subsystem: 'webhook' });
  mountWebhook(router, ctx, {
    paths: [PATH, FALLBACK_PATH],
    bodyLimit: BODY_LIMIT,
    counts,
    take: async (params, req) => {
      const text = parseInboundSms(params);
      const receiving = ctx.receiver.receive(text);
      void noteFlood(logger, ctx.limits.inboundText(limitedBy(text)), receiving);
      const received = await receiving;
      if (req.path === FALLBACK_PATH) noteFallback({ metrics: ctx.metrics, logger }, { params, received });
      counts.accepted += 1;
    },
  });
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

export const twilioSmsOperation = webhookOperation({
  path: PATH,
  operationId: 'receiveTwilioSms',
  summary: 'An inbound text, posted and signed by Twilio. The same text may be posted any number of times.',
  parameters: {
    AccountSid: z.string(),
    MessageSid: z.string(),
    From: z.string(),
    To: z.string(),
    Body: z.string().optional(),
    NumMedia: z.string().optional(),
  },
  taken: 'In the record. Replies are sent later, so the response is empty.',
});

/** The same text again, when the first URL failed; what was stored already is known by its MessageSid. */
export const twilioFallbackOperation = {
  ...twilioSmsOperation,
  path: FALLBACK_PATH,
  operationId: 'receiveTwilioSmsFallback',
  summary:
    'An inbound text whose first webhook failed, posted and signed by Twilio, with ErrorCode and ErrorUrl.',
};
