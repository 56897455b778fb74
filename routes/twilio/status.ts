/**
 * Delivery reports. Signed as inbound texts are, over a URL whose query has our own id of the text: a report may come before
 * we have stored the carrier's.
 */
import type { IRouter, Request } from 'express';
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import {
  parseStatusCallback,
  STATUS_PATH,
  type StatusCallback,
} from '../../services/twilio/statusCallback.js';
import { isUuid, type MessageId } from '../../services/types.js';
import { mountWebhook, type WebhookContext, type WebhookCounts, webhookOperation } from './webhook.js';

type StatusContext = WebhookContext & Pick<AppContext, 'statuses'>;

/** A report has about 400 bytes; Twilio adds parameters without notice. */
const BODY_LIMIT = '16kb';

export function mountTwilioStatus(router: IRouter, ctx: StatusContext, counts: WebhookCounts): void {
  mountWebhook(router, ctx, {
    paths: [STATUS_PATH],
    bodyLimit: BODY_LIMIT,
    counts,
    // A report of a text that is not known is taken too: the carrier can do nothing about it.
    take: async (params, req) => {
      const callback = parseStatusCallback(params);
      const outcome = await ctx.statuses.receive(toReport(ctx, callback, messageIdOf(req)));
      ctx.metrics.path.deliveryReported(outcome);
    },
  });
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

export const twilioStatusOperation = webhookOperation({
  path: STATUS_PATH,
  operationId: 'receiveTwilioStatus',
  summary:
    'What became of a text that was sent, posted and signed by Twilio; in any order and any number of times.',
  query: z.object({
    message: z
      .string()
      .optional()
      .meta({ description: 'The id of the text, from the URL that it was sent with.' }),
  }),
  parameters: {
    AccountSid: z.string(),
    MessageSid: z.string(),
    MessageStatus: z.string(),
    To: z.string(),
    From: z.string().optional(),
    ErrorCode: z.string().optional(),
    RawDlrDoneDate: z.string().optional(),
  },
  taken: 'In the record, or about a text that is not known here.',
});
