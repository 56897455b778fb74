/**
 * Texts through Twilio's REST API. Twilio has no idempotency key, so an answer that never came is `unknown` and is
 * settled with `find` before anything is sent again.
 */
import { asError, JackError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { apiError, messageResource, parseJson, toMessageStatus } from '../../twilio/messageResource.js';
import {
  createTwilioRestClient,
  type Exchange,
  type TwilioCredentials,
  type TwilioRestClient,
} from '../../twilio/restClient.js';
import type { OrganizationId } from '../../types.js';
import { findAtTwilio, readAtTwilio } from './twilioFind.js';
import { listAtTwilio } from './twilioList.js';
import type { ListedText, ListRequest, OutboundText, SendResult, Transport } from './types.js';

export interface TwilioTransportDeps {
  /** The account that a text of this organization leaves from; `account` as in `OutboundText`. */
  credentialsFor(organizationId: OrganizationId, account: string): Promise<TwilioCredentials>;
  readonly logger: Logger;
  /** Default `https://api.twilio.com`; no trailing slash. */
  readonly baseUrl?: string;
  /** For a whole exchange, default 10 000. */
  readonly timeoutMs?: number;
  /** To make the connection, TLS included; default 5 000. */
  readonly connectTimeoutMs?: number;
}

export function createTwilioTransport(deps: TwilioTransportDeps): Transport {
  const client = createTwilioRestClient({
    baseUrl: deps.baseUrl ?? 'https://api.twilio.com',
    timeoutMs: deps.timeoutMs ?? 10_000,
    connectTimeoutMs: deps.connectTimeoutMs ?? 5_000,
  });
  return {
    name: 'twilio',
    send: async (text, signal) => {
      const result = await post(client, deps, text, signal);
      report(deps.logger, text, result);
      return result;
    },
    find: async (text, options) => {
      const credentials = await deps.credentialsFor(text.organizationId, text.account);
      return await findAtTwilio(client, credentials, text, options);
    },
    read: async ({ organizationId, account, providerSid }) => {
      const credentials = await deps.credentialsFor(organizationId, account);
      return await readAtTwilio(client, credentials, providerSid);
    },
    list: (request) => list(client, deps, request),
    stop: async () => client.stop(),
  };
}

/** A number of 1 segment a second makes 86 pages a day of sending without a pause; most make one. */
const LIST_PAGES = 100;
const LIST_PAGE_SIZE = 1_000;

const DIRECTIONS: Readonly<Record<string, ListedText['direction']>> = {
  inbound: 'inbound',
  'outbound-api': 'outbound',
};
const directionOf = (direction: string): ListedText['direction'] => DIRECTIONS[direction] ?? 'automatic';

async function* list(
  client: TwilioRestClient,
  deps: TwilioTransportDeps,
  { organizationId, account, number, sinceMs }: ListRequest,
): AsyncGenerator<readonly ListedText[]> {
  const credentials = await deps.credentialsFor(organizationId, account);
  const bounds = { sinceMs, pageSize: LIST_PAGE_SIZE, maxPages: LIST_PAGES };
  for (const side of [{ from: number }, { to: number }]) {
    for await (const page of listAtTwilio(client, credentials, { ...side, ...bounds })) {
      yield page.map((message) => ({
        accountSid: credentials.accountSid,
        direction: directionOf(message.direction),
        providerSid: message.sid,
        status: toMessageStatus(message.status) ?? 'queued',
        errorCode: message.error_code ?? null,
        createdAtMs: Date.parse(message.date_created),
      }));
    }
  }
}

async function post(
  client: TwilioRestClient,
  deps: TwilioTransportDeps,
  text: OutboundText,
  signal: AbortSignal | undefined,
): Promise<SendResult> {
  let credentials: TwilioCredentials;
  try {
    credentials = await deps.credentialsFor(text.organizationId, text.account);
  } catch (error) {
    deps.logger.error('the credentials of an account could not be read', {
      organizationId: text.organizationId,
      error: asError(error),
    });
    // A record that is away for a moment is worth a second try; an account that is not there is not.
    const retryable = error instanceof JackError && error.code === 'E_DB_UNAVAILABLE';
    return { outcome: 'refused', code: null, reason: 'no credentials for this account', retryable };
  }
  const path = `/2010-04-01/Accounts/${encodeURIComponent(credentials.accountSid)}/Messages.json`;
  return toResult(await client.exchange({ method: 'POST', path, form: formOf(text), credentials, signal }));
}

function formOf(text: OutboundText): URLSearchParams {
  const form = new URLSearchParams({ To: text.to, From: text.from });
  if (text.body !== '') form.set('Body', text.body);
  for (const url of text.mediaUrls) form.append('MediaUrl', url);
  if (text.statusCallbackUrl !== undefined) {
    const callback = new URL(text.statusCallbackUrl);
    // A callback may overtake our own commit of the SID; our id in its query finds the message all the same.
    callback.searchParams.set('message', text.id);
    form.set('StatusCallback', callback.href);
  }
  return form;
}

function toResult(exchange: Exchange): SendResult {
  if (exchange.outcome === 'not_sent') {
    return { outcome: 'refused', code: null, reason: `not connected: ${exchange.reason}`, retryable: true };
  }
  if (exchange.outcome === 'no_answer') return { outcome: 'unknown', reason: exchange.reason };
  const { status, body } = exchange;
  if (status >= 200 && status < 300) return accepted(body);
  // 408 comes from a proxy on the way, which cannot know what lies behind it.
  if (status >= 400 && status < 500 && status !== 408) return refused(exchange);
  return { outcome: 'unknown', reason: `HTTP ${status}` };
}

function accepted(body: string | undefined): SendResult {
  const parsed = messageResource.safeParse(parseJson(body));
  if (!parsed.success) return { outcome: 'unknown', reason: 'the answer could not be read' };
  const { sid, status, num_segments } = parsed.data;
  return {
    outcome: 'accepted',
    providerSid: sid,
    status: toMessageStatus(status) ?? 'queued',
    segments: num_segments,
  };
}

/** 20429: too many requests at once. 21611: the sender's queue is full (twilio.com/docs/api/errors). Neither was taken. */
const TRY_AGAIN_CODES: ReadonlySet<number> = new Set([20429, 21611]);

function refused({ status, body, retryAfter }: Extract<Exchange, { outcome: 'answered' }>): SendResult {
  const parsed = apiError.safeParse(parseJson(body));
  // A 401 means the credentials, also when a proxy on the way wrote the page.
  const code = parsed.success ? parsed.data.code : status === 401 ? 20003 : null;
  const seconds = /^\d{1,5}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined;
  return {
    outcome: 'refused',
    code,
    reason: code === null ? `HTTP ${status}` : `HTTP ${status}, Twilio error ${code}`,
    retryable: status === 429 || (code !== null && TRY_AGAIN_CODES.has(code)),
    ...(seconds === undefined ? {} : { retryAfterMs: seconds * 1000 }),
  };
}

function report(logger: Logger, text: OutboundText, result: SendResult): void {
  const ids = { organizationId: text.organizationId, messageId: text.id };
  if (result.outcome === 'accepted') {
    logger.debug('Twilio accepted a text', { ...ids, messageSid: result.providerSid });
  } else {
    const code = result.outcome === 'refused' ? { code: result.code } : {};
    logger.warn(`the fate of a text at Twilio: ${result.outcome}`, {
      ...ids,
      ...code,
      reason: result.reason,
    });
  }
}
