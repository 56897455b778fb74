/** The form that Twilio posts for an incoming text, with its full set of parameters (DOMAIN facts: Twilio's request guide). */
import { countSegments } from '../../sms/segments.js';
import type { E164 } from '../../types.js';

/** Stands for "no account": 34 characters as every AccountSid, and never assigned. */
export const SIMULATED_ACCOUNT_SID = `AC${'0'.repeat(32)}`;

export interface WebhookText {
  readonly accountSid: string;
  readonly messageSid: string;
  readonly from: E164;
  readonly to: E164;
  readonly body: string;
}

interface Place {
  readonly city: string;
  readonly state: string;
  readonly zip: string;
  readonly country: string;
}

const UNKNOWN: Place = { city: '', state: '', zip: '', country: '' };

/** A carrier knows where a number was issued, not where its owner is. A few area codes are enough to show it. */
const AREA_CODES: Readonly<Record<string, Place>> = {
  '604': { city: 'VANCOUVER', state: 'BC', zip: '', country: 'CA' },
  '778': { city: 'VANCOUVER', state: 'BC', zip: '', country: 'CA' },
  '416': { city: 'TORONTO', state: 'ON', zip: '', country: 'CA' },
  '206': { city: 'SEATTLE', state: 'WA', zip: '98101', country: 'US' },
  '512': { city: 'AUSTIN', state: 'TX', zip: '78701', country: 'US' },
};

const placeOf = (phone: E164): Place =>
  phone.startsWith('+1') ? (AREA_CODES[phone.slice(2, 5)] ?? UNKNOWN) : UNKNOWN;

export function webhookForm({ accountSid, messageSid, from, to, body }: WebhookText): URLSearchParams {
  const [sender, receiver] = [placeOf(from), placeOf(to)];
  return new URLSearchParams({
    ToCountry: receiver.country,
    ToState: receiver.state,
    SmsMessageSid: messageSid,
    NumMedia: '0',
    ToCity: receiver.city,
    FromZip: sender.zip,
    SmsSid: messageSid,
    FromState: sender.state,
    SmsStatus: 'received',
    FromCity: sender.city,
    Body: body,
    FromCountry: sender.country,
    To: to,
    ToZip: receiver.zip,
    NumSegments: String(countSegments(body).segments),
    MessageSid: messageSid,
    AccountSid: accountSid,
    From: from,
    ApiVersion: '2010-04-01',
  });
}
