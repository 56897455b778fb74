/** The floors of the tower on a given server, put together as services/tower.ts does it, without the record. */
import { createMemoryDriver, type MemoryDriver } from '../services/cache/memoryDriver.js';
import { createRedisDriver } from '../services/cache/redisDriver.js';
import { Cache } from '../services/cache.js';
import { createKeys } from '../services/cacheAdapter/keys.js';
import type { Ttls } from '../services/cacheAdapter/ttls.js';
import { CacheAdapter } from '../services/cacheAdapter.js';
import { type Clock, systemClock } from '../services/clock.js';
import { createLogger } from '../services/logger.js';
import { PubSub } from '../services/pubsub.js';
import { RateLimits } from '../services/rateLimits.js';
import type { RedisTarget } from '../services/redis/options.js';
import { RedisConnections } from '../services/redis.js';
import { say } from './table.js';

export interface TowerStage {
  readonly adapter: CacheAdapter;
  readonly cache: Cache;
  readonly connections: RedisConnections;
  readonly limits: RateLimits;
  readonly memory: MemoryDriver;
  /** Says so when the tower was on the Map meanwhile: then something else was measured. */
  close(): Promise<void>;
}

export interface TowerStageOptions {
  readonly url: string;
  readonly prefix?: string;
  /** What the process keeps decoded; 0: nothing. Absent: the default. */
  readonly localMaxBytes?: number | undefined;
  readonly fallbackMaxBytes?: number;
  readonly poolSize?: number;
  readonly clock?: Clock;
  /** Then a change of the store is what is measured. */
  readonly isOutageExpected?: boolean;
  /** Instead of the defaults. */
  readonly ttls?: Partial<Ttls>;
}

const FALLBACK_BYTES = 400 * 1024 * 1024;
/** Nobody is refused: the work of counting is measured, not that of refusing. */
const NO_LIMIT = { points: 1_000_000_000, windowMs: 60_000 };

export async function openTowerStage(options: TowerStageOptions): Promise<TowerStage> {
  const { clock = systemClock, prefix = 'jack:bench:' } = options;
  const logger = createLogger({ level: 'error', format: 'json' });
  const random = Math.random;
  const keys = createKeys({ prefix, phoneHashKey: Buffer.alloc(32), ttls: options.ttls ?? {} });
  const target = targetOf(options.url, options.poolSize);
  const connections = RedisConnections.create({
    target,
    isNamed: true,
    probeKey: keys.probe,
    logger,
    random,
  });
  const pubsub = PubSub.create({ connections, keyPrefix: prefix, clock, random, logger });
  const memory = createMemoryDriver({ clock, maxBytes: options.fallbackMaxBytes ?? FALLBACK_BYTES });
  const driver = createRedisDriver({ access: connections, clock, indexName: keys.index });
  const cache = Cache.create({
    memory,
    redis: { driver, breaker: connections.guard, isReady: () => connections.isReady() },
    bus: pubsub.bus(),
    isFallbackEnabled: true,
    localMaxBytes: options.localMaxBytes,
    clock,
    random,
    logger,
  });
  connections.onChange((isReady) => {
    if (!isReady) cache.connectionLost();
  });
  await connections.start();
  cache.start();
  const limits = RateLimits.create({
    access: connections,
    names: keys.limits,
    clock,
    logger,
    limits: { inboundText: NO_LIMIT },
  });
  return {
    adapter: CacheAdapter.create({ cache, keys }),
    cache,
    connections,
    limits,
    memory,
    close: async () => {
      const { modeChanges } = cache.report();
      await limits.stop();
      await cache.stop();
      await pubsub.stop();
      await connections.stop();
      if (modeChanges > 0 && options.isOutageExpected !== true)
        say(`the tower changed its store ${modeChanges} times: the figures are not of Redis alone`);
    },
  };
}

/** As Jack's own defaults have it. */
export const targetOf = (url: string, poolSize = 1): RedisTarget => ({
  url,
  host: '',
  port: 0,
  password: undefined,
  db: 0,
  tls: false,
  poolSize,
  connectionTimeoutMs: 500,
  commandTimeoutMs: 500,
  maxRetries: 0,
});
