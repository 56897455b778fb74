/** The tower's metrics, read from its own counters at the scrape. */
import type { Registry } from 'prom-client';
import type { StateDoor, StateReport } from '../../redis-migration.js';
import type { Tower } from '../tower.js';
import { counter, gauge, histogram, one, oneIf, type Row, rowsOf } from './pulled.js';

export interface TowerMetricsDeps {
  readonly state: Pick<StateDoor, 'report'>;
  readonly redis: Tower['redis'];
  readonly limits: Pick<Tower['limits'], 'report'>;
  readonly pubsub: Pick<Tower['pubsub'], 'report'>;
  readonly onModeChange: Tower['onModeChange'];
  /** Every code that may be raised, with whether it is. */
  readonly alerts: () => Readonly<Record<string, boolean>>;
}

const MODES = ['redis', 'memory', 'unavailable'] as const;

export function registerTower(registry: Registry, deps: TowerMetricsDeps): void {
  registerCache(registry, () => deps.state.report());
  registerModes(registry, deps);
  if (deps.redis) registerRedis(registry, deps, deps.redis);
  registerLimits(registry, deps);
  if (deps.redis) registerPubSub(registry, deps);
  gauge(registry, {
    name: 'jack_alerts',
    help: '1 while the alert is raised.',
    labels: ['code'],
    rows: () => Object.entries(deps.alerts()).map(([code, isRaised]) => [{ code }, Number(isRaised)]),
  });
}

function registerCache(registry: Registry, report: () => StateReport): void {
  counter(registry, {
    name: 'jack_cache_requests_total',
    help: 'Reads by kind of state. A local hit asked no store; an error was answered all the same, from memory.',
    labels: ['kind', 'result'],
    rows: () =>
      Object.entries(report().kinds).flatMap(([kind, { hits, localHits, misses, errors }]): Row[] => [
        [{ kind, result: 'hit' }, hits - localHits],
        [{ kind, result: 'local_hit' }, localHits],
        [{ kind, result: 'miss' }, misses],
        [{ kind, result: 'error' }, errors],
      ]),
  });
  counter(registry, {
    name: 'jack_cache_store_requests_total',
    help: 'Reads by the store that was asked.',
    labels: ['backend', 'result'],
    rows: () =>
      Object.entries(report().stores).flatMap(([backend, { hits, misses, errors }]): Row[] => [
        [{ backend, result: 'hit' }, hits],
        [{ backend, result: 'miss' }, misses],
        [{ backend, result: 'error' }, errors],
      ]),
  });
  histogram(registry, {
    name: 'jack_cache_operation_duration_seconds',
    help: 'Operations of the store, with what they waited for.',
    rows: () => Object.entries(report().stores).map(([backend, { times }]) => [{ backend }, times]),
  });
  gauge(registry, {
    name: 'jack_cache_fallback_bytes',
    help: 'What the memory store holds, with its overhead.',
    rows: () => one(report().memory.bytes),
  });
  gauge(registry, {
    name: 'jack_cache_fallback_max_bytes',
    help: 'Its ceiling.',
    rows: () => one(report().memory.maxBytes),
  });
  counter(registry, {
    name: 'jack_cache_fallback_evictions_total',
    help: 'Values that it dropped to stay below.',
    rows: () => one(report().memory.evictions),
  });
  gauge(registry, {
    name: 'jack_cache_local_bytes',
    help: 'What this process keeps decoded.',
    rows: () => one(report().local.bytes),
  });
}

function registerModes(registry: Registry, { state, redis, onModeChange }: TowerMetricsDeps): void {
  gauge(registry, {
    name: 'jack_cache_mode',
    help: '1 for the store that serves.',
    labels: ['mode'],
    rows: () => MODES.map((mode) => [{ mode }, Number(state.report().mode === mode)]),
  });
  if (!redis) return;
  const changes = new Map<
    string,
    { readonly labels: { readonly from: string; readonly to: string }; count: number }
  >();
  let last = state.report().mode;
  onModeChange((mode) => {
    const labels = { from: last, to: mode };
    last = mode;
    const name = `${labels.from} ${labels.to}`;
    const known = changes.get(name) ?? { labels, count: 0 };
    known.count += 1;
    changes.set(name, known);
  });
  counter(registry, {
    name: 'jack_cache_mode_changes_total',
    help: 'Changes of the store that serves.',
    labels: ['from', 'to'],
    rows: () => [...changes.values()].map(({ labels, count }) => [labels, count]),
  });
  counter(registry, {
    name: 'jack_cache_handback_entries_total',
    help: 'What outages left for Redis to hear of.',
    labels: ['result'],
    rows: () => {
      const { moved, superseded, failed } = state.report().handBack;
      return rowsOf({ moved, superseded, failed }, 'result');
    },
  });
  gauge(registry, {
    name: 'jack_cache_handback_pending',
    help: 'What Redis has not heard of yet.',
    rows: () => one(state.report().handBack.pending),
  });
}

function registerRedis(
  registry: Registry,
  { state }: TowerMetricsDeps,
  redis: NonNullable<Tower['redis']>,
): void {
  gauge(registry, {
    name: 'jack_redis_breaker_open',
    help: '1 while calls are kept from Redis.',
    rows: () => {
      const isOpen = state.report().isBreakerOpen;
      return oneIf(isOpen === null ? null : Number(isOpen));
    },
  });
  counter(registry, {
    name: 'jack_redis_round_trips_total',
    help: 'Requests that were sent and whose answer was waited for.',
    rows: () => one(redis.roundTrips()),
  });
  histogram(registry, {
    name: 'jack_redis_operation_duration_seconds',
    help: 'Exchanges with Redis by what was done.',
    rows: () =>
      Object.entries(redis.latencyByOperation()).map(([operation, times]) => [{ operation }, times]),
  });
}

function registerLimits(registry: Registry, { limits }: TowerMetricsDeps): void {
  counter(registry, {
    name: 'jack_rate_limit_requests_total',
    help: 'Requests that were counted, by who counted.',
    labels: ['backend'],
    rows: () => rowsOf(limits.report().counted, 'backend'),
  });
  counter(registry, {
    name: 'jack_rate_limit_refusals_total',
    help: 'Requests over a limit.',
    labels: ['limit'],
    rows: () => rowsOf(limits.report().refused, 'limit'),
  });
}

function registerPubSub(registry: Registry, { pubsub }: TowerMetricsDeps): void {
  gauge(registry, {
    name: 'jack_pubsub_listening',
    help: '1 while other processes are heard.',
    rows: () => one(Number(pubsub.report().state === 'listening')),
  });
  counter(registry, {
    name: 'jack_pubsub_messages_total',
    help: 'Messages to and from other processes; a dropped one waited for Redis too long.',
    labels: ['outcome'],
    rows: () => {
      const { sent, received, dropped } = pubsub.report();
      return rowsOf({ sent, received, dropped }, 'outcome');
    },
  });
  gauge(registry, {
    name: 'jack_pubsub_buffered',
    help: 'Messages that wait for Redis.',
    rows: () => one(pubsub.report().buffered),
  });
}
