/** One text in the account, and its REST resource (twilio.com/docs/messaging/api/message-resource). */
export interface SimulatedText {
  readonly sid: string;
  readonly accountSid: string;
  /** Empty until a Messaging Service has chosen a sender. */
  from: string;
  readonly to: string;
  /** Empty after it was redacted. */
  body: string;
  readonly mediaUrls: readonly string[];
  readonly statusCallback: string | undefined;
  readonly messagingServiceSid: string | null;
  readonly direction: 'inbound' | 'outbound-api' | 'outbound-reply' | (string & {});
  readonly segments: number;
  readonly createdAt: Date;
  updatedAt: Date;
  /** When it left the queue. */
  sentAt: Date | null;
  /** When it was on the handset. */
  reachedAt: Date | null;
  status: string;
  errorCode: number | null;
}

/** Nothing happens to a text in these any more; one that was only `sent` may stay so for ever. */
const FINAL = new Set(['delivered', 'undelivered', 'failed', 'canceled', 'read', 'received']);
const CANCELABLE = new Set(['accepted', 'scheduled', 'queued']);

export const isFinal = ({ status }: SimulatedText): boolean => FINAL.has(status);
/** What may be deleted or redacted: a text that was sent may never be confirmed. */
export const isComplete = (text: SimulatedText): boolean => text.status === 'sent' || isFinal(text);
export const isCancelable = ({ status }: SimulatedText): boolean => CANCELABLE.has(status);

/** The words of the real thing for the codes that a failed text has. */
const ERROR_MESSAGES: Readonly<Record<number, string>> = {
  14107: 'SMS send rate limit exceeded',
  21610: 'Attempt to send to unsubscribed recipient',
  21703: 'The Messaging Service does not have a phone number available to send a message',
  30001: 'Queue overflow',
  30003: 'Unreachable destination handset',
  30004: 'Message blocked',
  30005: 'Unknown destination handset',
  30006: 'Landline or unreachable carrier',
  30007: 'Carrier violation',
  30008: 'Unknown error',
  30022: 'US A2P 10DLC - Rate Limits Exceeded',
  30023: 'US A2P 10DLC - Daily Message Cap Reached',
  30034: 'US A2P 10DLC - Message from an Unregistered Number',
};

/** The field types of the real resource: counts are strings, dates RFC 2822, the price null at first. */
export function resourceOf(text: SimulatedText): object {
  const uri = `/2010-04-01/Accounts/${text.accountSid}/Messages/${text.sid}`;
  return {
    account_sid: text.accountSid,
    api_version: '2010-04-01',
    body: text.body,
    date_created: rfc2822(text.createdAt),
    date_sent: text.sentAt === null ? null : rfc2822(text.sentAt),
    date_updated: rfc2822(text.updatedAt),
    direction: text.direction,
    error_code: text.errorCode,
    error_message: text.errorCode === null ? null : (ERROR_MESSAGES[text.errorCode] ?? null),
    from: text.from === '' ? null : text.from,
    messaging_service_sid: text.messagingServiceSid,
    num_media: String(text.mediaUrls.length),
    // A service does not know the sender yet, and so not the count.
    num_segments: String(text.status === 'accepted' || text.status === 'scheduled' ? 0 : text.segments),
    price: null,
    price_unit: 'USD',
    sid: text.sid,
    status: text.status,
    subresource_uris: { media: `${uri}/Media.json` },
    to: text.to,
    uri: `${uri}.json`,
  };
}

const rfc2822 = (date: Date): string => date.toUTCString().replace('GMT', '+0000');
