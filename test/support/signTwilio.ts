/**
 * Signs as Twilio signs, written from its documentation and independent of the library that the product checks with.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';

export type Params = Readonly<Record<string, string | readonly string[]>>;

export interface ToSign {
  readonly authToken: string;
  readonly url: string;
  /** Absent for a body that is not a form. */
  readonly params?: Params;
}

/** @returns the value of `X-Twilio-Signature`. */
export function signTwilio({ authToken, url, params = {} }: ToSign): string {
  let data = url;
  for (const name of Object.keys(params).sort()) {
    const value = params[name] ?? [];
    const values = typeof value === 'string' ? [value] : [...new Set(value)].sort();
    for (const each of values) data += name + each;
  }
  return createHmac('sha1', authToken).update(data, 'utf8').digest('base64');
}

export const bodySha256 = (body: string | Buffer): string => createHash('sha256').update(body).digest('hex');

export function formBody(params: Params): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of typeof value === 'string' ? [value] : value) form.append(name, each);
  }
  return form.toString();
}

export const newSid = (prefix: 'SM' | 'MM' | 'AC' | 'ME'): string => prefix + randomBytes(16).toString('hex');

export interface InboundFormOptions {
  readonly from: string;
  readonly to: string;
  readonly body?: string;
  readonly accountSid: string;
  readonly messageSid?: string;
  readonly media?: readonly { readonly url: string; readonly contentType: string }[];
  /** Any further or other parameters: `OptOutType`, `MessagingServiceSid`, … */
  readonly extra?: Readonly<Record<string, string>>;
}

/** The full parameter set of one inbound text, in the spelling and with the redundancy of the real one. */
export function inboundForm(options: InboundFormOptions): Record<string, string> {
  const media = options.media ?? [];
  const messageSid = options.messageSid ?? newSid(media.length > 0 ? 'MM' : 'SM');
  const body = options.body ?? '';
  return {
    ToCountry: 'CA',
    ToState: 'BC',
    SmsMessageSid: messageSid,
    NumMedia: String(media.length),
    ToCity: 'VANCOUVER',
    FromZip: '',
    SmsSid: messageSid,
    FromState: 'BC',
    SmsStatus: 'received',
    FromCity: 'BURNABY',
    Body: body,
    FromCountry: 'CA',
    To: options.to,
    ToZip: '',
    NumSegments: String(Math.max(1, Math.ceil(body.length / 153))),
    MessageSid: messageSid,
    AccountSid: options.accountSid,
    From: options.from,
    ApiVersion: '2010-04-01',
    ...Object.fromEntries(
      media.flatMap(({ url, contentType }, index) => [
        [`MediaUrl${index}`, url],
        [`MediaContentType${index}`, contentType],
      ]),
    ),
    ...options.extra,
  };
}
