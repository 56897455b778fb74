/**
 * Signs as Twilio signs (twilio.com/docs/usage/webhooks/webhooks-security), written from that page and independent of
 * the library that the product checks with.
 */
import { createHash, createHmac } from 'node:crypto';

/** Name → value, or all values when the name is repeated. */
export type Params = Readonly<Record<string, string | readonly string[]>>;

export interface ToSign {
  readonly authToken: string;
  /** As it was given to Twilio; its fragment is left out of the signature. */
  readonly url: string;
  /** Absent for a body that is not a form. */
  readonly params?: Params;
}

/** @returns the value of `X-Twilio-Signature`. */
export function signTwilio({ authToken, url, params = {} }: ToSign): string {
  let data = url.split('#', 1)[0] ?? '';
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
