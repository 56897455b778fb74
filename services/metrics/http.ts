import { Histogram, type Registry } from 'prom-client';

export interface HttpMetrics {
  /**
   * @param route the pattern that was matched (`/api/leads/:leadId`), else `unmatched`.
   * @param status `aborted` when the caller went away before the answer was out.
   */
  answered(request: {
    readonly method: string;
    readonly route: string;
    readonly status: number | 'aborted';
    readonly durationMs: number;
  }): void;
}

/** A webhook has milliseconds, a page of history some tens, a caller fifteen seconds of patience. */
const BUCKETS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function createHttpMetrics(registry: Registry): HttpMetrics {
  const duration = new Histogram({
    name: 'jack_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer. Live streams are not in it.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  return {
    answered: ({ method, route, status, durationMs }) => {
      const known = METHODS.has(method) ? method : 'other';
      duration.observe({ method: known, route, status: String(status) }, durationMs / 1_000);
    },
  };
}
