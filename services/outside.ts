/** What is seen from outside, put together: alerts, the health of Redis, metrics. */
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Logger } from './logger.js';
import { Metrics } from './metrics.js';
import { Monitor } from './monitoring/monitor.js';
import { RedisHealthReader } from './monitoring/redisHealth.js';
import type { Tower } from './tower.js';

export interface OutsideDeps {
  readonly config: Config;
  readonly tower: Tower;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How often the tower is looked at. */
  readonly monitorEveryMs?: number | undefined;
}

export interface Outside {
  readonly monitor: Monitor;
  readonly redisHealth: RedisHealthReader;
  readonly metrics: Metrics;
}

export function createOutside({
  config,
  tower,
  version,
  clock,
  logger,
  monitorEveryMs,
}: OutsideDeps): Outside {
  const { state, redis, inspector, pubsub, limits } = tower;
  const onModeChange: Tower['onModeChange'] = (listener) => tower.onModeChange(listener);
  const monitor = Monitor.create({
    isProduction: config.nodeEnv === 'production',
    state,
    inspector,
    onModeChange,
    clock,
    logger: logger.child({ subsystem: 'monitor' }),
    everyMs: monitorEveryMs,
  });
  return {
    monitor,
    redisHealth: RedisHealthReader.create({
      state,
      redis,
      inspector,
      pubsub,
      monitor,
      onModeChange,
      isFallbackEnabled: config.fallback.isEnabled,
      clock,
    }),
    metrics: Metrics.create({
      state,
      redis,
      limits,
      pubsub,
      onModeChange,
      alerts: () => monitor.states(),
      version,
      clock,
    }),
  };
}
