/** One POST of a form with Twilio's own timeouts, and how it ended. */
import http from 'node:http';
import https from 'node:https';

export interface AttemptTimes {
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** What is left for this attempt. */
  readonly totalTimeMs: number;
}

export type AttemptResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly contentType: string | undefined;
      readonly body: string;
    }
  /** `ct`: the connection was not made. `rt`: it was, and then came no answer, or half of one. */
  | { readonly kind: 'ct' | 'rt'; readonly reason: string };

export interface AttemptRequest {
  /** Where it goes. */
  readonly url: URL;
  readonly headers: http.OutgoingHttpHeaders;
  readonly body: string;
  readonly times: AttemptTimes;
}

/** Never throws for what happens on the network. Redirects are not followed. */
export function attempt({ url, headers, body, times }: AttemptRequest): Promise<AttemptResult> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve) => {
    let isConnected = false;
    let gaveUp: string | undefined;
    let timer: NodeJS.Timeout;
    const outgoing = request(url, { method: 'POST', headers, agent: false });
    const giveUpAfter = (ms: number, reason: string) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        gaveUp ??= reason;
        outgoing.destroy(new Error(reason));
      }, ms);
    };
    const total = setTimeout(() => {
      gaveUp ??= 'total time';
      outgoing.destroy(new Error('total time'));
    }, times.totalTimeMs);
    const settle = (result: AttemptResult) => {
      clearTimeout(timer);
      clearTimeout(total);
      resolve(result);
    };
    giveUpAfter(times.connectTimeoutMs, 'connect timeout');
    outgoing.on('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        isConnected = true;
        giveUpAfter(times.readTimeoutMs, 'read timeout');
      });
    });
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        giveUpAfter(times.readTimeoutMs, 'read timeout');
      });
      response.on('end', () =>
        settle({
          kind: 'answered',
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'],
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
      response.on('error', () => settle({ kind: 'rt', reason: gaveUp ?? 'broke off' }));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      settle({ kind: isConnected ? 'rt' : 'ct', reason: gaveUp ?? error.code ?? 'network error' }),
    );
    outgoing.end(body);
  });
}
