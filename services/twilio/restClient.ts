/**
 * One HTTP exchange with Twilio, and the truth about how far it got. Not the `twilio` package: that takes 95 ms and
 * 24 MB to load, has no base URL to point at a double, and reports a timeout the same way whether or not the request
 * had left. Not `fetch`: it hides the moment of connecting, and that moment is what separates "certainly not sent"
 * from "unknown".
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';

export interface TwilioCredentials {
  readonly accountSid: string;
  readonly authToken: string;
}

export interface TwilioCall {
  readonly method: 'GET' | 'POST';
  /** From the root of the API, with its query: `/2010-04-01/Accounts/…`. */
  readonly path: string;
  readonly form?: URLSearchParams;
  readonly credentials: TwilioCredentials;
  readonly signal?: AbortSignal | undefined;
}

/** Reasons are codes or short words: never a URL, a number or a body. */
export type Exchange =
  | {
      readonly outcome: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      /** Undefined when the answer broke off or was too large. */
      readonly body: string | undefined;
    }
  /** The connection was never made, so nothing of the request can have arrived. */
  | { readonly outcome: 'not_sent'; readonly reason: string }
  /** The request may have arrived. */
  | { readonly outcome: 'no_answer'; readonly reason: string };

export interface TwilioRestClientOptions {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  /** How long a connection without work is kept; default 4 s. */
  readonly idleMs?: number;
  /** Of the TLS connection: a private CA, for example. */
  readonly tls?: https.AgentOptions;
}

export interface TwilioRestClient {
  /** Never throws for what happens on the network. Redirects are not followed. */
  exchange(call: TwilioCall): Promise<Exchange>;
  /** Closes idle connections; exchanges under way end by themselves. */
  stop(): void;
}

/** Twilio answers 20429 above an account's REST concurrency, commonly 100; half of it leaves room for other processes. */
const MAX_SOCKETS = 50;
/**
 * Below the 5 s after which many servers close (Node's own, for one). A request that meets the closing gets no answer, and
 * nobody knows whether its text has left; a new connection costs a handshake. With no limit at all the agent ignores what
 * the server says of its own in `Keep-Alive: timeout`.
 */
const IDLE_MS = 4_000;
/** A list of 200 texts takes about 250 kB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export function createTwilioRestClient(options: TwilioRestClientOptions): TwilioRestClient {
  const { request, Agent } = options.baseUrl.startsWith('https:') ? https : http;
  const agent = new Agent({
    ...options.tls,
    keepAlive: true,
    maxSockets: MAX_SOCKETS,
    timeout: options.idleMs ?? IDLE_MS,
  });
  return {
    exchange: (call) => {
      const url = `${options.baseUrl}${call.path}`;
      if (call.signal?.aborted) return Promise.resolve({ outcome: 'not_sent', reason: 'aborted' });
      return watch(request(url, { method: call.method, agent, headers: headersOf(call) }), call, options);
    },
    stop: () => agent.destroy(),
  };
}

function headersOf({ form, credentials }: TwilioCall): http.OutgoingHttpHeaders {
  const { accountSid, authToken } = credentials;
  return {
    accept: 'application/json',
    authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`,
    'user-agent': 'jack',
    ...(form
      ? {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(form.toString()),
        }
      : {}),
  };
}

function watch(
  request: http.ClientRequest,
  call: TwilioCall,
  options: TwilioRestClientOptions,
): Promise<Exchange> {
  return new Promise((resolve) => {
    let isConnected = false;
    let gaveUp: string | undefined;
    const giveUp = (reason: string) => {
      gaveUp ??= reason;
      request.destroy(new Error(reason));
    };
    const total = setTimeout(() => giveUp('timeout'), options.timeoutMs);
    const connecting = setTimeout(() => giveUp('connect timeout'), options.connectTimeoutMs);
    const onAbort = () => giveUp('aborted');
    call.signal?.addEventListener('abort', onAbort, { once: true });
    const settle = (exchange: Exchange) => {
      clearTimeout(total);
      clearTimeout(connecting);
      call.signal?.removeEventListener('abort', onAbort);
      resolve(exchange);
    };
    onConnected(request, () => {
      isConnected = true;
      clearTimeout(connecting);
    });
    request.on('response', (response) => {
      void readBody(response).then((body) => {
        const retryAfter = response.headers['retry-after'];
        settle({ outcome: 'answered', status: response.statusCode ?? 0, retryAfter, body });
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      settle({
        outcome: isConnected ? 'no_answer' : 'not_sent',
        reason: gaveUp ?? error.code ?? 'network error',
      });
    });
    request.end(call.form?.toString());
  });
}

/** Over TLS nothing of the request leaves before the handshake is done. */
function onConnected(request: http.ClientRequest, then: () => void): void {
  request.on('socket', (socket: Socket & { readonly encrypted?: boolean }) => {
    if (request.reusedSocket || !socket.connecting) return then();
    socket.once(socket.encrypted ? 'secureConnect' : 'connect', then);
  });
}

/** @returns undefined when the body broke off or is too large: the status alone is known then. */
async function readBody(response: http.IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}
