/** Puts the floors of the tower together: redis, cache, cacheAdapter, state door. */
import { type MoverDeps, StateDoor } from '../redis-migration.js';
import { createMemoryDriver } from './cache/memoryDriver.js';
import { createRedisDriver } from './cache/redisDriver.js';
import { createUpstashDriver } from './cache/upstashDriver.js';
import { Cache, type CacheMode } from './cache.js';
import { createKeys } from './cacheAdapter/keys.js';
import { CacheAdapter } from './cacheAdapter.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Database } from './db/client.js';
import type { Logger } from './logger.js';
import { PubSub } from './pubsub.js';
import type { Limits } from './rateLimits/limits.js';
import { RateLimits } from './rateLimits.js';
import { createContextEdits } from './record/contextEdits.js';
import { createImportRecord } from './record/imports.js';
import { createStateRecord } from './record/state.js';
import { inspect, ping, type RedisInspection } from './redis/inspection.js';
import { RedisConnections, type RedisHealth } from './redis.js';
import type { Secrets } from './secrets.js';
import { UpstashConnection } from './upstash/connection.js';
import type { StoreFeatures } from './upstash/features.js';
import type { UpstashHealth } from './upstash/health.js';

export type { RedisInspection, ServerInfo } from './redis/inspection.js';

export interface TowerDeps {
  readonly config: Config;
  readonly database: Database;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** As in CacheOptions. */
  readonly localMaxBytes?: number | undefined;
  /** Instead of the defaults. */
  readonly limits?: Partial<Limits> | undefined;
}

export interface Tower {
  readonly limits: RateLimits;
  readonly state: StateDoor;
  readonly pubsub: PubSub;
  /** Undefined when no Redis is configured. */
  readonly redis: TowerRedis | undefined;
  /** Asks the server what an operator wants to know; undefined when no Redis is configured. */
  readonly inspector: RedisInspector | undefined;
  /** Called for every change of the store that serves. */
  onModeChange(listener: (mode: CacheMode, reason: string | null) => void): void;
  stop(): Promise<void>;
}

export interface RedisInspector {
  /** Never throws, and answers within about a second. */
  inspect(): Promise<RedisInspection>;
  /** Milliseconds of one round trip; null without an answer in time, and where there is no connection to ask on. */
  ping(): Promise<number | null>;
}

/** What health and statistics may know of the connection. */
export interface TowerRedis {
  health(): Promise<RedisHealth | UpstashHealth>;
  roundTrips(): number;
  latency(): ReturnType<RedisConnections['latency']>;
  latencyByOperation(): ReturnType<RedisConnections['latencyByOperation']>;
  /** What the way to the Redis cannot do, with the reason; absent: nothing is missing. */
  readonly features?: StoreFeatures;
}

export async function createTower(deps: TowerDeps): Promise<Tower> {
  const { config, clock, random } = deps;
  const keys = createKeys({ prefix: config.redisKeyPrefix, phoneHashKey: deps.secrets.cacheKeyHash });
  const upstash = createUpstash(deps, keys.probe);
  const connections = upstash ? undefined : createConnections(deps, keys.probe);
  const redis = upstash
    ? upstashSide(upstash, clock, keys.index)
    : connections && redisSide(connections, clock, keys.index);
  const pubsub = createPubSub(deps, connections, upstash?.features);
  const cache = Cache.create({
    memory: createMemoryDriver({ clock, maxBytes: config.fallback.maxBytes }),
    ...(redis ? { redis } : {}),
    ...(connections ? { bus: pubsub.bus() } : {}),
    isFallbackEnabled: config.fallback.isEnabled,
    localMaxBytes: deps.localMaxBytes,
    clock,
    random,
    logger: deps.logger.child({ subsystem: 'cache' }),
  });
  connections?.onChange((isReady) => {
    if (!isReady) cache.connectionLost();
  });
  await (upstash ?? connections)?.start();
  cache.start();
  const adapter = CacheAdapter.create({ cache, keys });
  const limits = RateLimits.create({
    access: redis?.access,
    names: keys.limits,
    clock,
    logger: deps.logger.child({ subsystem: 'limits' }),
    limits: deps.limits,
  });
  return {
    limits,
    pubsub,
    state: StateDoor.create({
      adapter,
      record: createStateRecord(deps.database),
      movers: moversOf(deps),
      edits: createContextEdits(deps.database),
    }),
    redis: upstash ?? connections,
    inspector: createInspector(config, upstash, connections),
    onModeChange: (listener) => cache.onModeChange(listener),
    stop: async () => {
      await limits.stop();
      await cache.stop();
      await pubsub.stop();
      await (upstash ?? connections)?.stop();
    },
  };
}

function createInspector(
  { redis }: Config,
  upstash: UpstashConnection | undefined,
  connections: RedisConnections | undefined,
): RedisInspector | undefined {
  if (upstash) {
    return {
      inspect: () => inspect({ health: () => upstash.health(), hasPassword: true }),
      ping: async () => null,
    };
  }
  if (!connections) return undefined;
  const deps = {
    health: () => connections.health(),
    command: () => connections.command,
    hasPassword: Boolean(redis?.password ?? (redis?.url && new URL(redis.url).password)),
  };
  return { inspect: () => inspect(deps), ping: () => ping(deps) };
}

const moversOf = ({ database, secrets, clock, logger }: TowerDeps): MoverDeps => ({
  imports: createImportRecord({ database, secrets, clock }),
  clock,
  logger: logger.child({ subsystem: 'migration' }),
});

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

const createPubSub = (
  { config, clock, random, logger }: TowerDeps,
  connections: RedisConnections | undefined,
  features: StoreFeatures | undefined,
): PubSub =>
  PubSub.create({
    connections,
    unavailableReason: features?.subscribe.supported === false ? features.subscribe.reason : undefined,
    keyPrefix: config.redisKeyPrefix,
    clock,
    random,
    logger: logger.child({ subsystem: 'pubsub' }),
  });

function redisSide(
  connections: RedisConnections,
  clock: Clock,
  indexName: ReturnType<typeof createKeys>['index'],
) {
  return {
    access: connections,
    breaker: connections.guard,
    isReady: () => connections.isReady(),
    driver: createRedisDriver({ access: connections, clock, indexName }),
  };
}

function createUpstash({ config, logger }: TowerDeps, probeKey: string): UpstashConnection | undefined {
  if (!config.upstash || !config.redis) return undefined;
  const { commandTimeoutMs, connectionTimeoutMs } = config.redis;
  return UpstashConnection.create({
    ...config.upstash,
    commandTimeoutMs,
    connectionTimeoutMs,
    probeKey,
    logger: logger.child({ subsystem: 'redis' }),
  });
}

function upstashSide(
  upstash: UpstashConnection,
  clock: Clock,
  indexName: ReturnType<typeof createKeys>['index'],
) {
  return {
    // The limits count with scripts on a socket; over REST they count in this process.
    access: undefined,
    breaker: upstash.guard,
    isReady: () => upstash.isReady(),
    driver: createUpstashDriver({
      client: upstash.client,
      clock,
      indexName,
      exchange: (work, operation) => upstash.exchange(work, operation),
    }),
  };
}
