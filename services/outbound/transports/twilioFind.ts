/** Finds out what became of a text whose answer never came, from Twilio's own list of messages. */
import { JackError } from '../../errors.js';
import {
  type ListedMessage,
  messagePage,
  parseJson,
  TRIAL_PREFIX,
  toMessageStatus,
} from '../../twilio/messageResource.js';
import type { TwilioCredentials, TwilioRestClient } from '../../twilio/restClient.js';
import type { CarrierRecord, FindOptions, OutboundText } from './types.js';

const PAGE_SIZE = 200;
const MAX_PAGES = 5;
/** Twilio's dates have whole seconds, and its clock is not ours. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * The earliest text from and to the same numbers, with the same words, made no earlier than a minute before ours.
 * @NOTE There is no `DateSent>` in the query: a text that waits in Twilio's queue has no date_sent yet, and a filter
 *   that leaves it out would have it sent twice. Twilio lists the newest first, so one page nearly always does.
 * @throws JackError E_INTERNAL when Twilio cannot be asked or the pages end before the question is settled.
 */
export async function findAtTwilio(
  client: TwilioRestClient,
  credentials: TwilioCredentials,
  text: OutboundText,
  options: FindOptions = {},
): Promise<CarrierRecord | undefined> {
  const query = new URLSearchParams({ To: text.to, From: text.from, PageSize: String(PAGE_SIZE) });
  const since = text.createdAt.getTime() - CLOCK_TOLERANCE_MS;
  const found: ListedMessage[] = [];
  const root = `/2010-04-01/Accounts/${encodeURIComponent(credentials.accountSid)}/`;
  let path: string | undefined = `${root}Messages.json?${query.toString()}`;
  for (let pages = 0; path !== undefined; pages += 1) {
    if (pages === MAX_PAGES) throw unsettled('there are more pages than are read');
    const page: Page = await readPage(client, credentials, path, options.signal);
    const recent = page.messages.filter((message) => Date.parse(message.date_created) >= since);
    found.push(...recent.filter((message) => isSame(message, text) && !options.exclude?.has(message.sid)));
    path = recent.length > 0 ? nextPath(page, root) : undefined;
  }
  const earliest = found.reduce<ListedMessage | undefined>(earlierOf, undefined);
  return earliest && toRecord(earliest);
}

type Page = ReturnType<typeof messagePage.parse>;

async function readPage(
  client: TwilioRestClient,
  credentials: TwilioCredentials,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const exchange = await client.exchange({ method: 'GET', path, credentials, signal });
  if (exchange.outcome !== 'answered') throw unsettled(exchange.reason);
  if (exchange.status !== 200) throw unsettled(`HTTP ${exchange.status}`);
  const parsed = messagePage.safeParse(parseJson(exchange.body));
  if (!parsed.success) throw unsettled('the list could not be read');
  return parsed.data;
}

/** The credentials go along, so a page outside of the account is not followed. */
function nextPath({ next_page_uri: uri }: Page, root: string): string | undefined {
  if (!uri) return undefined;
  if (!uri.startsWith(root)) throw unsettled('the next page is outside of the account');
  return uri;
}

function isSame(message: ListedMessage, text: OutboundText): boolean {
  const body = (message.body ?? '').trimEnd();
  const ours = text.body.trimEnd();
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

const toRecord = (message: ListedMessage): CarrierRecord => ({
  providerSid: message.sid,
  status: toMessageStatus(message.status) ?? 'queued',
  errorCode: message.error_code ?? null,
});

const unsettled = (why: string): JackError =>
  new JackError('E_INTERNAL', `Twilio's list of messages does not settle whether a text was sent: ${why}`);
