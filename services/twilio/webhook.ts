/** An inbound text as Twilio posts it (twilio.com/docs/messaging/guides/webhook-request), validated and typed. */
import { z } from 'zod';
import { JackError } from '../errors.js';
import type { IdentifierKind } from '../privacy/mask.js';
import type { E164, Media, OrganizationId } from '../types.js';
import { toE164 } from '../types.js';
import type { FormParams } from './form.js';

export interface InboundSms {
  readonly accountSid: string;
  /** `SM…` or, with media, `MM…`. */
  readonly messageSid: string;
  /** As it came: E.164, a short code of 5 or 6 digits, or a name of letters. */
  readonly from: string;
  /** Null for a short code, a name or a channel address: no lead can be made of those. */
  readonly fromPhone: E164 | null;
  readonly to: string;
  /** May be empty when there is media. NUL and lone surrogates, which the record refuses, are U+FFFD. */
  readonly body: string;
  /** How many media Twilio announced; `media` may hold fewer. */
  readonly numMedia: number;
  /** Those with an http(s) URL: no page may ever link anything else. */
  readonly media: readonly Media[];
  /** What the carrier knows of the sender's number, not of where the person is. */
  readonly geography: {
    readonly city?: string;
    readonly state?: string;
    readonly zip?: string;
    readonly country?: string;
  };
  readonly messagingServiceSid: string | undefined;
  readonly optOutType: 'STOP' | 'START' | 'HELP' | undefined;
  /** Null when Twilio does not say. */
  readonly numSegments: number | null;
  /** Of a text that waited in quarantine: whom an administrator gave it to, and when it had come. */
  readonly assigned?: {
    readonly organizationId: OrganizationId;
    readonly receivedAt: Date;
    /** False: too late for an answer of the assistant. A person is told instead. */
    readonly isAnswered: boolean;
    /** Kinds of identifiers that were masked when it came. */
    readonly masked: readonly IdentifierKind[];
  };
}

/**
 * Twilio's limit is 1600 characters. More is refused only where it cannot be a text any more, so that a raised limit
 * of Twilio's does not cost a customer's message.
 */
const MAX_INBOUND_CHARACTERS = 4000;
/** Twilio's limit for MMS is 10. */
const MAX_MEDIA = 20;

const count = z
  .string()
  .regex(/^\d{1,3}$/, 'is not a number')
  .transform(Number);
const address = z.string().trim().min(1, 'is empty').max(100, 'is too long');
const place = z
  .string()
  .trim()
  .transform((value) => value.slice(0, 100));

const schema = z.object({
  AccountSid: z.string().regex(/^AC[0-9a-zA-Z]{32}$/, 'is not an account SID'),
  MessageSid: z.string().regex(/^(SM|MM)[0-9a-zA-Z]{32}$/, 'is not a message SID'),
  From: address,
  To: address,
  Body: z.string().max(MAX_INBOUND_CHARACTERS, 'is longer than a text can be').default(''),
  NumMedia: count.refine((n) => n <= MAX_MEDIA, 'is more than a text can have').default(0),
  NumSegments: count.optional(),
  MessagingServiceSid: z.string().max(100, 'is too long').optional(),
  // A type that Twilio adds later must not cost the message.
  OptOutType: z.enum(['STOP', 'START', 'HELP']).optional().catch(undefined),
  FromCity: place.optional(),
  FromState: place.optional(),
  FromZip: place.optional(),
  FromCountry: place.optional(),
});

/**
 * Unknown parameters are ignored. Call it only after the signature was checked.
 * @throws JackError E_INPUT_INVALID with one problem per bad parameter; no value is repeated in it.
 */
export function parseInboundSms(params: FormParams): InboundSms {
  const parsed = schema.safeParse(given(params));
  if (!parsed.success) throw invalid(parsed.error);
  const form = parsed.data;
  return {
    accountSid: form.AccountSid,
    messageSid: form.MessageSid,
    from: form.From,
    fromPhone: toE164(form.From) ?? null,
    to: form.To,
    body: form.Body,
    numMedia: form.NumMedia,
    media: mediaOf(params, form.NumMedia),
    geography: geographyOf(form),
    messagingServiceSid: form.MessagingServiceSid || undefined,
    optOutType: form.OptOutType,
    numSegments: form.NumSegments ?? null,
  };
}

/** Empty means absent, except for the body; the two older names of MessageSid stand in for it. */
function given(params: FormParams): Record<string, unknown> {
  const named = { ...params, MessageSid: params.MessageSid || params.SmsSid || params.SmsMessageSid };
  return Object.fromEntries(
    Object.entries(named)
      .filter(([name, value]) => name === 'Body' || (value !== undefined && value !== ''))
      .map(([name, value]) => [name, typeof value === 'string' ? storable(value) : value]),
  );
}

/** PostgreSQL refuses NUL in text, and lone surrogates in JSON. */
const storable = (text: string): string =>
  text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD');

function mediaOf(params: FormParams, numMedia: number): Media[] {
  const media: Media[] = [];
  for (let index = 0; index < numMedia; index += 1) {
    const url = params[`MediaUrl${index}`];
    const contentType = params[`MediaContentType${index}`];
    if (typeof url !== 'string' || url.length > 2000 || !isHttpUrl(url)) continue;
    media.push({
      url: storable(url),
      contentType: (typeof contentType === 'string' && storable(contentType).slice(0, 100)) || UNKNOWN_TYPE,
    });
  }
  return media;
}

const UNKNOWN_TYPE = 'application/octet-stream';

const isHttpUrl = (url: string): boolean => /^https?:\/\//i.test(url) && URL.canParse(url);

function geographyOf(form: z.output<typeof schema>): InboundSms['geography'] {
  return {
    ...(form.FromCity ? { city: form.FromCity } : {}),
    ...(form.FromState ? { state: form.FromState } : {}),
    ...(form.FromZip ? { zip: form.FromZip } : {}),
    ...(form.FromCountry ? { country: form.FromCountry } : {}),
  };
}

function invalid(error: z.ZodError): JackError {
  const problems = error.issues.map(({ path, code, message }) => {
    const pointer = `/${path.map(String).join('/')}`;
    return { pointer, detail: code === 'invalid_type' ? 'is missing or was given more than once' : message };
  });
  return new JackError('E_INPUT_INVALID', 'The webhook does not describe an inbound text.', { problems });
}
