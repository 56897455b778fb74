/**
 * What Prometheus reads. The path of a text counts as it goes, in memory; everything else is read from the counters
 * that the parts keep anyway, at the scrape. No label names a tenant, a person or a key.
 */
import { collectDefaultMetrics, type Metric, Registry, type RegistryContentType } from 'prom-client';
import { createHttpMetrics, type HttpMetrics } from './metrics/http.js';
import { createPathMetrics, type PathMetrics } from './metrics/path.js';
import { info } from './metrics/pulled.js';
import { registerTower, type TowerMetricsDeps } from './metrics/tower.js';

export interface MetricsDeps extends TowerMetricsDeps {
  readonly version: string;
  readonly clock: { monotonicMs(): number };
}

export interface Rendered {
  readonly contentType: string;
  readonly text: string;
}

export class Metrics {
  readonly http: HttpMetrics;
  readonly path: PathMetrics;
  readonly #registry = new Registry();
  #isStarted = false;

  private constructor({ version, clock, ...tower }: MetricsDeps) {
    const registry = this.#registry;
    info(registry, 'jack_build_info', 'What runs.', { version, node: process.versions.node });
    this.http = createHttpMetrics(registry);
    this.path = createPathMetrics(registry, clock);
    registerTower(registry, tower);
  }

  static create(deps: MetricsDeps): Metrics {
    return new Metrics(deps);
  }

  /** Begins to watch the process: its memory, its event loop and its garbage collections. They are watched until it ends. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    collectDefaultMetrics({ register: this.#registry });
  }

  /** @param accept of the request; OpenMetrics when it asks for that, else the text format 0.0.4. */
  async render(accept: string | undefined): Promise<Rendered> {
    if (!accept?.includes('application/openmetrics-text')) {
      return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
    }
    const registry = openMetricsOf(this.#registry);
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}

/**
 * The same metrics to be written as OpenMetrics. The library takes `_total` off a counter's name there and leaves it
 * off for good, so it gets objects whose name is their own.
 */
function openMetricsOf(registry: Registry): Registry<RegistryContentType> {
  const shadows: Registry<RegistryContentType> = new Registry();
  shadows.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray() as unknown as (Metric & { name: string })[]) {
    const own = { name: { value: metric.name, writable: true, enumerable: true } };
    shadows.registerMetric(Object.create(metric, own) as Metric);
  }
  return shadows;
}
