/** As many signed texts as Jack takes with 20 in flight (autocannon), and whether everybody has a reply afterwards. */
import autocannon from 'autocannon';
import type { PreparedRequest } from './openLoop.js';

export interface SaturationResult {
  readonly sent: number;
  readonly textsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

const CONNECTIONS = 20;
/** autocannon notices only at a look that all requests have been answered, and takes the time until then. */
const LOOK_EVERY_MS = 20;

/**
 * @param urls of the processes, each of which gets an equal part of connections and texts.
 * @param texts a number and not a time: at the end of a time autocannon drops requests that Jack may or may not have got.
 * @returns times of the slowest of them.
 */
export async function saturate(
  urls: readonly string[],
  makeRequest: () => PreparedRequest,
  texts: number,
): Promise<SaturationResult> {
  const results = await Promise.all(
    urls.map((url) =>
      autocannon({
        url,
        connections: CONNECTIONS / urls.length,
        amount: texts / urls.length,
        sampleInt: LOOK_EVERY_MS,
        requests: [{ setupRequest: (request) => ({ ...request, method: 'POST', ...makeRequest() }) }],
      }),
    ),
  );
  const seconds = Math.max(...results.map(({ duration }) => duration));
  const sum = (pick: (result: (typeof results)[number]) => number) =>
    results.reduce((all, each) => all + pick(each), 0);
  return {
    sent: texts,
    textsPerS: sum((result) => result['2xx']) / seconds,
    p50Ms: Math.max(...results.map(({ latency }) => latency.p50)),
    p99Ms: Math.max(...results.map(({ latency }) => latency.p99)),
    failed: sum(({ non2xx, errors, timeouts }) => non2xx + errors + timeouts),
  };
}
