/** The part of autocannon that the benches use; the package has no types of its own. */
declare module 'autocannon' {
  interface Request {
    method?: string;
    path?: string;
    headers?: Record<string, string>;
    body?: string;
  }
  interface Histogram {
    readonly p50: number;
    readonly p99: number;
    readonly p99_9: number;
    readonly max: number;
    readonly average: number;
  }
  interface Result {
    readonly latency: Histogram;
    readonly requests: Histogram & { readonly total: number };
    readonly non2xx: number;
    readonly errors: number;
    readonly timeouts: number;
    readonly '2xx': number;
    readonly duration: number;
  }
  interface Options {
    url: string;
    connections: number;
    amount?: number;
    duration?: number;
    overallRate?: number;
    /** Milliseconds between looks at the counters; 1,000 when absent. */
    sampleInt?: number;
    requests: (Request & { setupRequest?(request: Request): Request })[];
  }
  function autocannon(options: Options): Promise<Result>;
  export = autocannon;
}
