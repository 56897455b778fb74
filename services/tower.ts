/** Puts the floors of the tower together: redis, cache, cacheAdapter, state door. */
import { StateDoor } from '../redis-migration.js';
import { createMemoryDriver } from './cache/memoryDriver.js';
import { createRedisDriver } from './cache/redisDriver.js';
import { Cache } from './cache.js';
import { createKeys } from './cacheAdapter/keys.js';
import { CacheAdapter } from './cacheAdapter.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Database } from './db/client.js';
import type { Logger } from './logger.js';
import { createStateRecord } from './record/state.js';
import { RedisConnections, type RedisHealth } from './redis.js';
import type { Secrets } from './secrets.js';

export interface TowerDeps {
  readonly config: Config;
  readonly database: Database;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface Tower {
  readonly state: StateDoor;
  /** Undefined when no Redis is configured. */
  readonly redis: TowerRedis | undefined;
  stop(): Promise<void>;
}

/** What health and statistics may know of the connection. */
export interface TowerRedis {
  health(): Promise<RedisHealth>;
  roundTrips(): number;
  latency(): ReturnType<RedisConnections['latency']>;
}

export async function createTower(deps: TowerDeps): Promise<Tower> {
  const { config, clock, random } = deps;
  const keys = createKeys({ prefix: config.redisKeyPrefix, phoneHashKey: deps.secrets.cacheKeyHash });
  const connections = config.redis && createConnections(deps, keys.probe);
  const cache = Cache.create({
    memory: createMemoryDriver({ clock, maxBytes: config.fallback.maxBytes }),
    ...(connections ? { redis: redisSide(connections, clock, keys.index) } : {}),
    isFallbackEnabled: config.fallback.isEnabled,
    clock,
    random,
    logger: deps.logger.child({ subsystem: 'cache' }),
  });
  connections?.onChange((isReady) => {
    if (!isReady) cache.connectionLost();
  });
  await connections?.start();
  cache.start();
  const adapter = CacheAdapter.create({ cache, keys });
  return {
    state: StateDoor.create({ adapter, record: createStateRecord(deps.database) }),
    redis: connections,
    stop: async () => {
      await cache.stop();
      await connections?.stop();
    },
  };
}

function createConnections(
  { config, logger, random }: TowerDeps,
  probeKey: string,
): RedisConnections | undefined {
  if (!config.redis) return undefined;
  const { isNamed, ...target } = config.redis;
  return RedisConnections.create({
    target,
    isNamed,
    probeKey,
    random,
    logger: logger.child({ subsystem: 'redis' }),
  });
}

const redisSide = (
  connections: RedisConnections,
  clock: Clock,
  indexName: ReturnType<typeof createKeys>['index'],
) => ({
  link: connections.link(),
  driver: createRedisDriver({
    redis: connections.command,
    clock,
    indexName,
    exchange: (work, operation) => connections.exchange(work, operation),
  }),
});
