/**
 * A server that behaves like Twilio's Message API for what Jack uses, on loopback and a free port: Basic auth, sending
 * with the field types and error codes of the real thing, the magic numbers of its test credentials, lists with
 * filters and pages, opt-out blocks, signed status callbacks, and faults on demand. Everything is recorded, so a test
 * can say "exactly one text reached the handset".
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { formBody, newSid, signTwilio } from './signTwilio.js';
import { ApiError, type DoubleText, listOf, refuse, resourceOf } from './twilioDoubleMessages.js';

export type { DoubleText } from './twilioDoubleMessages.js';

export type TwilioFault =
  | '429'
  | '500-before'
  | '500-after-accept'
  | 'hang-before'
  | 'hang-after-accept'
  | 'reset-after-accept'
  /** 201 whose JSON breaks off. */
  | 'garbage-after-accept';

export interface RecordedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly accountSid: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  /** The client's port: equal for requests of one connection. */
  readonly remotePort: number | undefined;
  readonly rawBody: Buffer;
  readonly params: URLSearchParams;
}

export interface TwilioDoubleOptions {
  readonly accountSid?: string;
  readonly authToken?: string;
  /** Milliseconds since the epoch, for dates. */
  readonly now?: () => number;
  /** As an account in trial: a fixed prefix before every body. */
  readonly isTrial?: boolean;
}

export interface TwilioDouble {
  /** What `TWILIO_API_BASE_URL` is set to. */
  readonly baseUrl: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly requests: readonly RecordedRequest[];
  readonly texts: readonly DoubleText[];
  addAccount(accountSid: string, authToken: string): void;
  /** The person behind `to` has texted STOP to `from`. */
  block(from: string, to: string): void;
  unblock(from: string, to: string): void;
  /** The next `times` sends fail in this way. */
  failNext(fault: TwilioFault, times?: number): void;
  /** What reached one handset, in order. */
  handset(to: string): readonly DoubleText[];
  /** Puts a text into the account as if somebody had sent it, without any request. */
  seed(text: {
    from: string;
    to: string;
    body: string;
    createdAt?: Date;
    status?: string;
    direction?: string;
  }): DoubleText;
  /** Moves a text to a status and posts the signed callback. @returns the HTTP status of the answer. */
  deliver(sid: string, status: string, options?: DeliverOptions): Promise<number>;
  stop(): Promise<void>;
}

export interface DeliverOptions {
  readonly errorCode?: number;
  readonly extra?: Readonly<Record<string, string>>;
}

const TRIAL_PREFIX = 'Sent from your Twilio trial account - ';
class State {
  readonly accounts = new Map<string, string>();
  readonly requests: RecordedRequest[] = [];
  readonly texts: DoubleText[] = [];
  readonly blocks = new Set<string>();
  readonly faults: TwilioFault[] = [];
  readonly now: () => number;
  readonly isTrial: boolean;

  constructor(options: TwilioDoubleOptions) {
    this.now = options.now ?? Date.now;
    this.isTrial = options.isTrial ?? false;
  }

  add(text: Omit<DoubleText, 'sid' | 'errorCode'>): DoubleText {
    const stored = { ...text, sid: newSid(text.mediaUrls.length > 0 ? 'MM' : 'SM'), errorCode: null };
    this.texts.push(stored);
    return stored;
  }
}

export async function startTwilioDouble(options: TwilioDoubleOptions = {}): Promise<TwilioDouble> {
  const accountSid = options.accountSid ?? newSid('AC');
  const authToken = options.authToken ?? 'double-auth-token-0123456789abcd';
  const state = new State(options);
  state.accounts.set(accountSid, authToken);
  const server = http.createServer((request, response) => void handle(state, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accountSid,
    authToken,
    requests: state.requests,
    texts: state.texts,
    addAccount: (sid, token) => void state.accounts.set(sid, token),
    block: (from, to) => void state.blocks.add(`${from}>${to}`),
    unblock: (from, to) => void state.blocks.delete(`${from}>${to}`),
    failNext: (fault, times = 1) => void state.faults.push(...Array<TwilioFault>(times).fill(fault)),
    handset: (to) => state.texts.filter((text) => text.to === to),
    seed: ({ createdAt = new Date(state.now()), status = 'delivered', ...text }) =>
      state.add({ ...text, accountSid, mediaUrls: [], statusCallback: undefined, createdAt, status }),
    deliver: (sid, status, deliverOptions) => deliver(state, sid, status, deliverOptions),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(
  state: State,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return; // The client went away before its request was complete: nothing arrived.
  }
  const rawBody = Buffer.concat(chunks);
  const url = new URL(request.url ?? '/', 'http://twilio.invalid');
  const [user, password] = basicAuth(request.headers.authorization);
  const params = new URLSearchParams(rawBody.toString('utf8'));
  const { method = 'GET', headers } = request;
  const { remotePort } = request.socket;
  state.requests.push({
    method,
    path: request.url ?? '',
    accountSid: user,
    headers,
    remotePort,
    rawBody,
    params,
  });
  try {
    if (user === undefined || password === undefined || state.accounts.get(user) !== password) {
      throw new ApiError(401, 20003, 'Authenticate');
    }
    route(state, { method, url, accountSid: user, params }, response);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    json(response, error.status, errorBody(error));
  }
}

interface Call {
  readonly method: string;
  readonly url: URL;
  readonly accountSid: string;
  readonly params: URLSearchParams;
}

function route(state: State, call: Call, response: http.ServerResponse): void {
  const [, account, sid] =
    /^\/2010-04-01\/Accounts\/([^/]+)\/Messages(?:\/([^/]+))?\.json$/.exec(call.url.pathname) ?? [];
  if (account !== call.accountSid) throw notFound(call.url.pathname);
  if (sid === undefined && call.method === 'POST') {
    create(state, call, response);
    return;
  }
  if (sid === undefined && call.method === 'GET') {
    json(
      response,
      200,
      listOf(
        state.texts.filter(({ accountSid }) => accountSid === account),
        call.url,
      ),
    );
    return;
  }
  const text = state.texts.find((each) => each.sid === sid && each.accountSid === account);
  if (text === undefined || call.method !== 'GET') throw notFound(call.url.pathname);
  json(response, 200, resourceOf(text));
}

function create(state: State, call: Call, response: http.ServerResponse): void {
  const fault = state.faults.shift();
  if (fault === '429') {
    response.setHeader('retry-after', '2');
    throw new ApiError(429, 20429, 'Too Many Requests');
  }
  if (fault === '500-before') throw new ApiError(500, 20500, 'An internal server error has occurred');
  if (fault === 'hang-before') return;
  const text = accept(state, call);
  if (fault === '500-after-accept') throw new ApiError(500, 20500, 'An internal server error has occurred');
  if (fault === 'hang-after-accept') return;
  if (fault === 'reset-after-accept') return void response.socket?.resetAndDestroy();
  if (fault === 'garbage-after-accept') return void response.writeHead(201).end('{"sid": "SM');
  json(response, 201, resourceOf(text));
}

function accept(state: State, { accountSid, params }: Call): DoubleText {
  const to = params.get('To') ?? '';
  const from = params.get('From') ?? '';
  const body = params.get('Body') ?? '';
  const mediaUrls = params.getAll('MediaUrl');
  refuse(state.blocks, { to, from, body, mediaUrls });
  return state.add({
    accountSid,
    from,
    to,
    body: state.isTrial ? TRIAL_PREFIX + body : body,
    mediaUrls,
    statusCallback: params.get('StatusCallback') ?? undefined,
    createdAt: new Date(state.now()),
    status: 'queued',
  });
}

async function deliver(
  state: State,
  sid: string,
  status: string,
  { errorCode, extra = {} }: DeliverOptions = {},
): Promise<number> {
  const text = state.texts.find((each) => each.sid === sid);
  if (text?.statusCallback === undefined) throw new Error(`${sid} has no status callback`);
  text.status = status;
  text.errorCode = errorCode ?? text.errorCode;
  const params = {
    SmsSid: sid,
    SmsStatus: status,
    MessageStatus: status,
    To: text.to,
    MessageSid: sid,
    AccountSid: text.accountSid,
    From: text.from,
    ApiVersion: '2010-04-01',
    ...(errorCode === undefined ? {} : { ErrorCode: String(errorCode) }),
    ...extra,
  };
  const authToken = state.accounts.get(text.accountSid) ?? '';
  const answer = await fetch(text.statusCallback, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'x-twilio-signature': signTwilio({ authToken, url: text.statusCallback, params }),
      'i-twilio-idempotency-token': newSid('ME'),
      'user-agent': 'TwilioProxy/1.1',
    },
    body: formBody(params),
  });
  await answer.arrayBuffer();
  return answer.status;
}

function basicAuth(header: string | undefined): [user?: string, password?: string] {
  const encoded = /^Basic (.+)$/.exec(header ?? '')?.[1];
  if (encoded === undefined) return [];
  const [user, ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return user === undefined ? [] : [user, password.join(':')];
}

const notFound = (path: string): ApiError =>
  new ApiError(404, 20404, `The requested resource ${path} was not found`);

const errorBody = ({ code, message, status }: ApiError): object => ({
  code,
  message,
  more_info: `https://www.twilio.com/docs/errors/${code}`,
  status,
});

function json(response: http.ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' });
  response.end(JSON.stringify(body));
}
