/** One HTTP exchange over connections that are kept. Sent once, whatever happens: a command may have been executed. */
import http from 'node:http';
import https from 'node:https';
import { UpstashAwayError } from './errors.js';

export interface TransportOptions {
  /** `https://…`, without a path. */
  readonly url: string;
  readonly token: string;
  /** From sending to the last byte of the answer. */
  readonly deadlineMs: number;
}

export interface RestAnswer {
  readonly status: number;
  readonly body: string;
  readonly syncToken: string | undefined;
}

/** Connections at a time; what comes beyond waits, within its deadline. */
const MAX_CONNECTIONS = 32;
/** Below the 60 s after which usual proxies close an idle connection, so that we close first. */
const IDLE_MS = 30_000;
/** No answer of ours is near it. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export class RestTransport {
  readonly #options: TransportOptions;
  readonly #base: string;
  readonly #agent: http.Agent;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, '');
    const kept = {
      keepAlive: true,
      maxSockets: MAX_CONNECTIONS,
      timeout: IDLE_MS,
      scheduling: 'lifo',
    } as const;
    this.#agent = this.#isTls ? new https.Agent(kept) : new http.Agent(kept);
  }

  /** @throws UpstashAwayError when there is no whole answer within the deadline. */
  async post(path: string, body: string, syncToken: string | undefined): Promise<RestAnswer> {
    const giveUp = new AbortController();
    // One more turn of the event loop: after a stall of our own the answer may already be in the socket.
    const timer = setTimeout(() => setImmediate(() => giveUp.abort()), this.#options.deadlineMs);
    try {
      return await this.#send(path, body, syncToken, giveUp.signal);
    } catch (error) {
      throw giveUp.signal.aborted ? new UpstashAwayError('TIMEOUT') : asAway(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends what is under way as well. */
  close(): void {
    this.#agent.destroy();
  }

  get #isTls(): boolean {
    return this.#base.startsWith('https:');
  }

  #send(path: string, body: string, syncToken: string | undefined, signal: AbortSignal): Promise<RestAnswer> {
    const { token } = this.#options;
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'upstash-encoding': 'base64',
      ...(syncToken === undefined ? {} : { 'upstash-sync-token': syncToken }),
    };
    const options = { method: 'POST', agent: this.#agent, headers, signal };
    return new Promise((resolve, reject) => {
      const request = (this.#isTls ? https : http).request(`${this.#base}${path}`, options, (response) => {
        readBody(response).then((text) => resolve(toAnswer(response, text)), reject);
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}

function toAnswer(response: http.IncomingMessage, body: string): RestAnswer {
  const syncToken = response.headers['upstash-sync-token'];
  return {
    status: response.statusCode ?? 0,
    body,
    syncToken: typeof syncToken === 'string' && syncToken !== '' ? syncToken : undefined,
  };
}

async function readBody(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new UpstashAwayError('ANSWER_TOO_LARGE');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Errors of sockets hold the address. */
function asAway(error: unknown): UpstashAwayError {
  if (error instanceof UpstashAwayError) return error;
  const { code } = (error ?? {}) as { code?: unknown };
  return new UpstashAwayError(typeof code === 'string' ? code : 'NO_ANSWER');
}
