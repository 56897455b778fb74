/** Finds out what became of a text, from Twilio's own list of messages or by its id. */
import { JackError } from '../../errors.js';
import { normaliseToGsm7 } from '../../sms/gsm7.js';
import {
  type ListedMessage,
  messageResource,
  parseJson,
  TRIAL_PREFIX,
  toMessageStatus,
} from '../../twilio/messageResource.js';
import type { TwilioCredentials, TwilioRestClient } from '../../twilio/restClient.js';
import { listAtTwilio } from './twilioList.js';
import type { CarrierRecord, FindOptions, OutboundText } from './types.js';

/** Twilio lists the newest first, so one page nearly always does. */
const PAGE_SIZE = 200;
const MAX_PAGES = 5;
/** Twilio's dates have whole seconds, and its clock is not ours. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * The earliest text from and to the same numbers, with the same words, made no earlier than a minute before ours.
 * @throws JackError E_INTERNAL when Twilio cannot be asked or the pages end before the question is settled.
 */
export async function findAtTwilio(
  client: TwilioRestClient,
  credentials: TwilioCredentials,
  text: OutboundText,
  options: FindOptions = {},
): Promise<CarrierRecord | undefined> {
  const found: ListedMessage[] = [];
  const pages = listAtTwilio(client, credentials, {
    to: text.to,
    from: text.from,
    sinceMs: text.createdAt.getTime() - CLOCK_TOLERANCE_MS,
    pageSize: PAGE_SIZE,
    maxPages: MAX_PAGES,
    signal: options.signal,
  });
  for await (const page of pages) {
    found.push(...page.filter((message) => isSame(message, text) && !options.exclude?.has(message.sid)));
  }
  const earliest = found.reduce<ListedMessage | undefined>(earlierOf, undefined);
  return earliest && toRecord(earliest);
}

/** @throws JackError E_INTERNAL when Twilio cannot be asked. @returns undefined when it has no text of this id. */
export async function readAtTwilio(
  client: TwilioRestClient,
  credentials: TwilioCredentials,
  providerSid: string,
): Promise<CarrierRecord | undefined> {
  const path = `/2010-04-01/Accounts/${encodeURIComponent(credentials.accountSid)}/Messages/${encodeURIComponent(providerSid)}.json`;
  const exchange = await client.exchange({ method: 'GET', path, credentials });
  if (exchange.outcome !== 'answered') throw unread(exchange.reason);
  if (exchange.status === 404) return undefined;
  if (exchange.status !== 200) throw unread(`HTTP ${exchange.status}`);
  const parsed = messageResource.safeParse(parseJson(exchange.body));
  if (!parsed.success) throw unread('the answer could not be read');
  return toRecord(parsed.data);
}

/** A sender with smart encoding lists other signs than it was given, so both are compared in the signs of GSM-7. */
function isSame(message: ListedMessage, text: OutboundText): boolean {
  const body = normaliseToGsm7(message.body ?? '').trimEnd();
  const ours = normaliseToGsm7(text.body).trimEnd();
  return (
    message.direction === 'outbound-api' &&
    message.to === text.to &&
    message.from === text.from &&
    (body === ours || body === `${TRIAL_PREFIX}${ours}`)
  );
}

/** Within one second the list's order decides: the newest come first. */
const earlierOf = (a: ListedMessage | undefined, b: ListedMessage): ListedMessage =>
  a !== undefined && Date.parse(a.date_created) < Date.parse(b.date_created) ? a : b;

const toRecord = (message: Pick<ListedMessage, 'sid' | 'status' | 'error_code'>): CarrierRecord => ({
  providerSid: message.sid,
  status: toMessageStatus(message.status) ?? 'queued',
  errorCode: message.error_code ?? null,
});

const unread = (why: string): JackError =>
  new JackError('E_INTERNAL', `Twilio does not say what became of a text: ${why}`);
