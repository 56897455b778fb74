/**
 * Requests at a fixed rate whatever the answers do, evenly spaced with jitter, each timed from the moment it was due: a
 * slow answer cannot hide the ones behind it. (autocannon's rate sends a second's worth in one burst.)
 */
import { Agent, request } from 'node:http';
import { quantile } from './statistics.js';

export interface OpenLoopResult {
  readonly sent: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly perS: number;
}

export interface PreparedRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Load {
  readonly ratePerS: number;
  readonly durationS: number;
}

/** @returns the HTTP status. @throws Error when there is no answer. */
export type Deliver = (request: PreparedRequest) => Promise<number>;

/**
 * @param to where the requests go, in turns, or what takes them there.
 * @param makeRequest is told when the request was due, in milliseconds of `performance.now()`.
 */
export async function openLoop(
  to: string | readonly string[] | Deliver,
  makeRequest: (dueAtMs: number) => PreparedRequest,
  { ratePerS, durationS }: Load,
): Promise<OpenLoopResult> {
  const poster = createPoster();
  const deliver = typeof to === 'function' ? to : inTurns(poster, [to].flat());
  const times: number[] = [];
  let failed = 0;
  const total = ratePerS * durationS;
  const startedAt = performance.now();
  const pending: Promise<void>[] = [];
  for (let n = 0; n < total; n += 1) {
    const dueAt = startedAt + ((n + Math.random()) * 1_000) / ratePerS;
    await waitUntil(dueAt);
    pending.push(
      deliver(makeRequest(dueAt)).then(
        (status) => {
          times.push(performance.now() - dueAt);
          if (status !== 200) failed += 1;
        },
        () => {
          failed += 1;
        },
      ),
    );
  }
  await Promise.all(pending);
  poster.close();
  times.sort((a, b) => a - b);
  const at = (fraction: number) => quantile(times, fraction);
  const perS = times.length / ((performance.now() - startedAt) / 1_000);
  return { sent: total, failed, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), perS };
}

const waitUntil = (at: number): Promise<void> | undefined => {
  const delayMs = at - performance.now();
  if (delayMs <= 1) return undefined;
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
};

function inTurns({ post }: Poster, urls: readonly string[]): Deliver {
  let n = 0;
  return (prepared) => post(urls[n++ % urls.length] as string, prepared);
}

/** Connections that are used again. */
export interface Poster {
  post(url: string, request: PreparedRequest): Promise<number>;
  close(): void;
}

export function createPoster(): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  return { post: (url, prepared) => post(agent, url, prepared), close: () => agent.destroy() };
}

function post(agent: Agent, url: string, { path, headers, body }: PreparedRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}${path}`, { agent, method: 'POST', headers, timeout: 15_000 }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    call.once('error', reject);
    call.once('timeout', () => call.destroy(new Error('no answer in 15 s')));
    call.end(body);
  });
}
