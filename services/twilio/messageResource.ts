/** Twilio's Message resource (twilio.com/docs/messaging/api/message-resource), as far as Jack reads it. */
import { z } from 'zod';
import type { MessageStatus } from '../types.js';

const STATUSES: Readonly<Record<string, MessageStatus>> = {
  accepted: 'queued',
  scheduled: 'queued',
  queued: 'queued',
  sending: 'sending',
  sent: 'sent',
  // A part arrived: nothing more than "sent" is true of the whole.
  partially_delivered: 'sent',
  delivered: 'delivered',
  read: 'read',
  undelivered: 'undelivered',
  failed: 'failed',
  canceled: 'canceled',
  receiving: 'received',
  received: 'received',
};

/** @returns the status in Jack's words, or undefined for one that Twilio added later. */
export function toMessageStatus(status: string): MessageStatus | undefined {
  return Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined;
}

/** Twilio writes counts as strings; "0" segments mean "not known yet". */
const segments = z
  .union([z.string().regex(/^\d+$/).transform(Number), z.number()])
  .nullish()
  .transform((count) => (count && count > 0 ? count : null));

/** An account in trial puts this before every text (twilio.com/docs/usage/tutorials/how-to-use-your-free-trial-account). */
export const TRIAL_PREFIX = 'Sent from your Twilio trial account - ';

export const messageResource = z.object({
  sid: z.string().regex(/^(SM|MM)[0-9a-zA-Z]{32}$/),
  status: z.string(),
  num_segments: segments,
  error_code: z.number().nullish(),
});

export const listedMessage = messageResource.extend({
  body: z.string().nullish(),
  to: z.string(),
  from: z.string().nullish(),
  direction: z.string(),
  /** RFC 2822, to the second. */
  date_created: z.string(),
});

export type ListedMessage = z.output<typeof listedMessage>;

export const messagePage = z.object({
  messages: z.array(listedMessage),
  next_page_uri: z.string().nullish(),
});

/** `{code, message, more_info, status}`; the message may repeat a phone number and is not kept. */
export const apiError = z.object({ code: z.number().int() });

/** @returns undefined for what is not JSON; no schema accepts that. */
export function parseJson(body: string | undefined): unknown {
  if (body === undefined) return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}
