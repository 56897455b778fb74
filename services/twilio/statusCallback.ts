/** A delivery report as Twilio posts it (twilio.com/docs/messaging/guides/track-outbound-message-status), typed. */
import { z } from 'zod';
import { JackError } from '../errors.js';
import type { E164, MessageStatus } from '../types.js';
import { toE164 } from '../types.js';
import type { FormParams } from './form.js';
import { toMessageStatus } from './messageResource.js';

/** Where deliveries are reported, below PUBLIC_URL. */
export const STATUS_PATH = '/api/webhooks/twilio/sms/status';

export interface StatusCallback {
  readonly accountSid: string;
  readonly messageSid: string;
  /** Undefined where Twilio names a service or a short code. */
  readonly from: E164 | undefined;
  readonly to: E164;
  /** In Twilio's words. */
  readonly carrierStatus: string;
  /** Undefined for a word that Twilio added later. */
  readonly status: MessageStatus | undefined;
  readonly errorCode: number | null;
  /** `YYMMDDhhmm` of the handset's network, without a zone. */
  readonly rawDoneDate: string | null;
}

const schema = z.object({
  AccountSid: z.string().regex(/^AC[0-9a-zA-Z]{32}$/, 'is not an account SID'),
  MessageSid: z.string().regex(/^(SM|MM)[0-9a-zA-Z]{32}$/, 'is not a message SID'),
  MessageStatus: z.string().regex(/^[a-z_]{1,40}$/, 'is not a status'),
  From: z.string().max(100, 'is too long').optional(),
  To: z
    .string()
    .max(100, 'is too long')
    .refine((to) => toE164(to) !== undefined, 'is not a phone number'),
  // What these two say is worth less than the status, so a form of them that is new does not cost it.
  ErrorCode: z
    .string()
    .regex(/^\d{1,6}$/)
    .optional()
    .catch(undefined),
  RawDlrDoneDate: z
    .string()
    .regex(/^\d{10}$/)
    .optional()
    .catch(undefined),
});

/**
 * Unknown parameters are ignored. Call it only after the signature was checked.
 * @throws JackError E_INPUT_INVALID with one problem per bad parameter; no value is repeated in it.
 */
export function parseStatusCallback(params: FormParams): StatusCallback {
  const parsed = schema.safeParse({
    ...params,
    MessageSid: params.MessageSid || params.SmsSid,
    MessageStatus: params.MessageStatus || params.SmsStatus,
    ErrorCode: params.ErrorCode || undefined,
    RawDlrDoneDate: params.RawDlrDoneDate || undefined,
  });
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, code, message }) => ({
      pointer: `/${path.map(String).join('/')}`,
      detail: code === 'invalid_type' ? 'is missing or was given more than once' : message,
    }));
    throw new JackError('E_INPUT_INVALID', 'The webhook does not describe a delivery.', { problems });
  }
  const form = parsed.data;
  return {
    accountSid: form.AccountSid,
    messageSid: form.MessageSid,
    from: form.From === undefined ? undefined : toE164(form.From),
    to: toE164(form.To) as E164,
    carrierStatus: form.MessageStatus,
    status: toMessageStatus(form.MessageStatus),
    errorCode: form.ErrorCode === undefined ? null : Number(form.ErrorCode),
    rawDoneDate: form.RawDlrDoneDate ?? null,
  };
}
