/** As many signed texts as Jack takes with 20 in flight (autocannon), and whether everybody has a reply afterwards. */
import autocannon from 'autocannon';
import type { PreparedRequest } from './openLoop.js';

export interface SaturationResult {
  readonly textsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

const CONNECTIONS = 20;
/** A number and not a time: at the end of a time autocannon drops requests that Jack may or may not have got. */
const TEXTS = 5_000;

export async function saturate(url: string, makeRequest: () => PreparedRequest): Promise<SaturationResult> {
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    amount: TEXTS,
    requests: [{ setupRequest: (request) => ({ ...request, method: 'POST', ...makeRequest() }) }],
  });
  return {
    textsPerS: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}
