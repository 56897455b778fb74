/** The tower over a given server without the record, put together as services/tower.ts does it, with its log kept. */
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import { Cache } from '../../services/cache.js';
import { createKeys, type Keys } from '../../services/cacheAdapter/keys.js';
import type { Ttls } from '../../services/cacheAdapter/ttls.js';
import { CacheAdapter } from '../../services/cacheAdapter.js';
import { type Clock, systemClock } from '../../services/clock.js';
import { createLogger } from '../../services/logger.js';
import { PubSub } from '../../services/pubsub.js';
import type { RedisTarget } from '../../services/redis/options.js';
import { RedisConnections } from '../../services/redis.js';

export interface TowerOnServer {
  readonly cache: Cache;
  readonly adapter: CacheAdapter;
  readonly keys: Keys;
  readonly connections: RedisConnections;
  /** How long the connections took to start. */
  readonly startedInMs: number;
  log(): string;
  stop(): Promise<void>;
}

export interface TowerOnServerOptions {
  readonly target: Partial<RedisTarget>;
  readonly clock?: Clock;
  readonly isFallbackEnabled?: boolean;
  /** Tells other processes what was cleared, and hears it from them. */
  readonly hasBus?: boolean;
  /** 0 when absent: every value is read from the store. */
  readonly localMaxBytes?: number;
  /** The same for towers that share their data. */
  readonly phoneHashKey?: Buffer;
}

const PREFIX = 'jack:faults:';
/** So that nothing is missed because it expired in the middle of a test. */
const TTL_MS = 600_000;
const KINDS = ['snapshot', 'phoneToLead', 'leadToPhone', 'liveView', 'presence', 'modelContext'] as const;
const TTLS: Partial<Ttls> = Object.fromEntries(KINDS.map((kind) => [kind, TTL_MS]));

const TARGET: RedisTarget = {
  url: undefined,
  host: '127.0.0.1',
  port: 0,
  password: undefined,
  db: 0,
  tls: false,
  connectionTimeoutMs: 500,
  commandTimeoutMs: 500,
  maxRetries: 0,
};

export async function towerOnServer(options: TowerOnServerOptions): Promise<TowerOnServer> {
  const { clock = systemClock, isFallbackEnabled = true, localMaxBytes = 0 } = options;
  const { logger, lines } = keptLog();
  const keys = createKeys({
    prefix: PREFIX,
    phoneHashKey: options.phoneHashKey ?? randomBytes(32),
    ttls: TTLS,
  });
  const connections = RedisConnections.create({
    target: { ...TARGET, ...options.target },
    probeKey: keys.probe,
    logger,
    random: Math.random,
    isNamed: true,
  });
  const pubsub = PubSub.create({ connections, keyPrefix: PREFIX, clock, random: Math.random, logger });
  const cache = Cache.create({
    memory: createMemoryDriver({ clock, maxBytes: 50 * 1024 * 1024 }),
    redis: {
      driver: createRedisDriver({ access: connections, clock, indexName: keys.index }),
      breaker: connections.guard,
      isReady: () => connections.isReady(),
    },
    ...(options.hasBus ? { bus: pubsub.bus() } : {}),
    isFallbackEnabled,
    localMaxBytes,
    clock,
    random: () => 0,
    logger,
  });
  connections.onChange((isReady) => {
    if (!isReady) cache.connectionLost();
  });
  const beforeMs = performance.now();
  await connections.start();
  const startedInMs = performance.now() - beforeMs;
  cache.start();
  return {
    cache,
    adapter: CacheAdapter.create({ cache, keys }),
    keys,
    connections,
    startedInMs,
    log: () => lines.join(''),
    stop: async () => {
      await cache.stop();
      await pubsub.stop();
      await connections.stop();
    },
  };
}

function keptLog() {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  return { logger: createLogger({ level: 'debug', format: 'json', stream }), lines };
}
