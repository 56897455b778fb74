/** Metrics whose values are kept elsewhere and read at the scrape. */
import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import { BUCKET_BOUNDS_MS, type Times } from '../histogram.js';

export type Labels = Readonly<Record<string, string>>;
export type Row = readonly [labels: Labels, value: number];

interface Pulled {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  rows(): readonly Row[];
}

/** Counted since the start of the process. */
export function counter(registry: Registry, { name, help, labels = [], rows }: Pulled): void {
  new Counter({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset();
      for (const [values, count] of rows()) this.inc(values, count);
    },
  });
}

/** As it is now. */
export function gauge(registry: Registry, { name, help, labels = [], rows }: Pulled): void {
  new Gauge({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset();
      for (const [values, value] of rows()) this.set(values, value);
    },
  });
}

/** Times since the start of the process, which add up over processes. */
export function histogram(
  registry: Registry,
  {
    name,
    help,
    rows,
  }: Omit<Pulled, 'rows'> & { rows(): readonly (readonly [labels: Labels, times: Times])[] },
): void {
  const values = () =>
    rows().flatMap(([labels, { count, sumMs, buckets }]) => [
      ...BUCKET_BOUNDS_MS.map((boundMs, at) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le: String(boundMs / 1_000) },
        value: buckets[at] ?? 0,
      })),
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
      { metricName: `${name}_count`, labels, value: count },
    ]);
  // The library's own Histogram observes every value itself, and these have been observed.
  const metric = {
    name,
    help,
    type: 'histogram',
    get: () => ({ name, help, type: 'histogram', values: values() }),
  };
  registry.registerMetric(metric as unknown as Metric);
}

/** A constant 1 whose labels say something. */
export function info(registry: Registry, name: string, help: string, labels: Labels): void {
  new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] }).set(labels, 1);
}

export const one = (value: number): readonly Row[] => [[{}, value]];
export const oneIf = (value: number | null | undefined): readonly Row[] =>
  value === null || value === undefined ? [] : one(value);
/** One row a name: `rowsOf({ moved: 3 }, 'result')`. */
export const rowsOf = (values: Readonly<Record<string, number>>, label: string): readonly Row[] =>
  Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);
