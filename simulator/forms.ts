/**
 * The forms that Twilio posts, with the spelling and the redundancy of the real ones
 * (twilio.com/docs/messaging/guides/webhook-request, …/track-outbound-message-status).
 */
import { SegmentedMessage } from 'sms-segments-calculator';
import { placeOf } from './geography.js';
import { newSid } from './sids.js';

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

/** The full parameter set of one inbound text. */
export function inboundForm(options: InboundFormOptions): Record<string, string> {
  const media = options.media ?? [];
  const messageSid = options.messageSid ?? newSid(media.length > 0 ? 'MM' : 'SM');
  const body = options.body ?? '';
  const [sender, receiver] = [placeOf(options.from), placeOf(options.to)];
  return {
    ToCountry: receiver.country,
    ToState: receiver.state,
    SmsMessageSid: messageSid,
    NumMedia: String(media.length),
    ToCity: receiver.city,
    FromZip: sender.zip,
    SmsSid: messageSid,
    FromState: sender.state,
    SmsStatus: 'received',
    FromCity: sender.city,
    Body: body,
    FromCountry: sender.country,
    To: options.to,
    ToZip: receiver.zip,
    NumSegments: String(segmentsOf(body)),
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

/** Longer bodies are not counted exactly: the calculator takes a millisecond for 320 characters. */
const COUNTED_CHARACTERS = 2_000;

/** At least 1: a picture without words is one message too. */
export function segmentsOf(body: string): number {
  if (body.length > COUNTED_CHARACTERS) return Math.ceil(body.length / 153);
  return Math.max(1, new SegmentedMessage(body).segmentsCount);
}

export interface StatusFormOptions {
  readonly sid: string;
  readonly accountSid: string;
  readonly from: string;
  readonly to: string;
  readonly status: string;
  readonly messagingServiceSid: string | null;
  readonly errorCode: number | null;
  /** Milliseconds since the epoch when the handset confirmed; null when the carrier does not say. */
  readonly doneAtMs: number | null;
  readonly extra?: Readonly<Record<string, string>> | undefined;
}

/** A status callback: it has no time and no order, and names the service and the error only when there is one. */
export function statusForm(options: StatusFormOptions): Record<string, string> {
  const { sid, status, messagingServiceSid, errorCode, doneAtMs } = options;
  return {
    SmsSid: sid,
    SmsStatus: status,
    MessageStatus: status,
    To: options.to,
    ...(messagingServiceSid === null ? {} : { MessagingServiceSid: messagingServiceSid }),
    MessageSid: sid,
    AccountSid: options.accountSid,
    From: options.from,
    ApiVersion: '2010-04-01',
    ...(errorCode === null ? {} : { ErrorCode: String(errorCode) }),
    ...(doneAtMs === null ? {} : { RawDlrDoneDate: rawDoneDate(doneAtMs) }),
    ...options.extra,
  };
}

/** `YYMMDDhhmm`: minutes and no zone, as the carriers hand it on. */
const rawDoneDate = (ms: number): string => new Date(ms).toISOString().replace(/\D/g, '').slice(2, 12);
