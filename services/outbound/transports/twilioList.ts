/** Reads Twilio's list of messages, newest first, as far back as is asked. */
import { JackError } from '../../errors.js';
import { type ListedMessage, messagePage, parseJson } from '../../twilio/messageResource.js';
import type { TwilioCredentials, TwilioRestClient } from '../../twilio/restClient.js';

export interface ListQuery {
  readonly to?: string;
  readonly from?: string;
  /** Milliseconds since the epoch; Twilio's dates have whole seconds. */
  readonly sinceMs: number;
  /** 1000 at most. */
  readonly pageSize: number;
  readonly maxPages: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @NOTE There is no `DateSent>` in the query: a text that waits in Twilio's queue has no date_sent yet, and a filter
 *   that leaves it out would have it sent twice.
 * @throws JackError E_INTERNAL when Twilio cannot be asked or the pages end before `sinceMs` is reached.
 */
export async function* listAtTwilio(
  client: TwilioRestClient,
  credentials: TwilioCredentials,
  query: ListQuery,
): AsyncGenerator<readonly ListedMessage[]> {
  const root = `/2010-04-01/Accounts/${encodeURIComponent(credentials.accountSid)}/`;
  const search = new URLSearchParams({
    ...(query.to === undefined ? {} : { To: query.to }),
    ...(query.from === undefined ? {} : { From: query.from }),
    PageSize: String(query.pageSize),
  });
  let path: string | undefined = `${root}Messages.json?${search.toString()}`;
  for (let pages = 0; path !== undefined; pages += 1) {
    if (pages === query.maxPages) throw unsettled('there are more pages than are read');
    const page: Page = await readPage(client, credentials, path, query.signal);
    const recent = page.messages.filter((message) => Date.parse(message.date_created) >= query.sinceMs);
    yield recent;
    path = recent.length > 0 ? nextPath(page, root) : undefined;
  }
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

const unsettled = (why: string): JackError =>
  new JackError('E_INTERNAL', `Twilio's list of messages does not settle what was sent: ${why}`);
