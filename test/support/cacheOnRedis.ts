/** The lower floors of the tower over a real connection: what services/tower.ts puts together, without the record. */
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import type { CacheBus, CacheKey, Tag } from '../../services/cache/types.js';
import { Cache } from '../../services/cache.js';
import { systemClock } from '../../services/clock.js';
import { createLogger, type Logger } from '../../services/logger.js';
import type { GuardOptions } from '../../services/redis/guard.js';
import type { RedisTarget } from '../../services/redis/options.js';
import { RedisConnections } from '../../services/redis.js';
import type { OrganizationId } from '../../services/types.js';

export interface CacheOnRedis {
  readonly cache: Cache;
  readonly connections: RedisConnections;
  /** Every line logged so far. */
  log(): string[];
  close(): Promise<void>;
}

export interface CacheOnRedisOptions {
  readonly url: string;
  readonly target?: Partial<RedisTarget>;
  readonly isFallbackEnabled?: boolean;
  readonly bus?: CacheBus;
  readonly guard?: Partial<GuardOptions>;
}

export async function openCacheOnRedis(options: CacheOnRedisOptions): Promise<CacheOnRedis> {
  const { logger, lines } = capturingLogger();
  const connections = RedisConnections.create({
    target: { ...DEFAULT_TARGET, url: options.url, ...options.target },
    probeKey: 'test:probe',
    logger,
    random: Math.random,
    isNamed: true,
    ...(options.guard ? { guard: options.guard } : {}),
  });
  const breaker = connections.guard;
  const driver = createRedisDriver({
    access: connections,
    clock: systemClock,
    indexName: (tag) => `test:index:{${tag}}`,
  });
  const cache = Cache.create({
    memory: createMemoryDriver({ clock: systemClock, maxBytes: 50_000_000 }),
    redis: { driver, breaker, isReady: () => connections.isReady() },
    isFallbackEnabled: options.isFallbackEnabled ?? true,
    ...(options.bus ? { bus: options.bus } : {}),
    clock: systemClock,
    random: Math.random,
    logger,
  });
  connections.onChange((isReady) => {
    if (!isReady) cache.connectionLost();
  });
  await connections.start();
  cache.start();
  return {
    cache,
    connections,
    log: () => lines,
    close: async () => {
      await cache.stop();
      await connections.stop();
    },
  };
}

export function valueKey<T = unknown>(
  freshness: CacheKey<T>['freshness'] = 'timed',
  organizationId = `org-${randomUUID()}` as OrganizationId,
): CacheKey<T> {
  return {
    name: `test:value:{${randomUUID()}}`,
    kind: 'test',
    organizationId,
    ttlMs: 60_000,
    freshness,
    tags: [organizationId as string as Tag],
  };
}

const DEFAULT_TARGET: RedisTarget = {
  url: undefined,
  host: '127.0.0.1',
  port: 6379,
  password: undefined,
  db: 0,
  tls: false,
  connectionTimeoutMs: 500,
  commandTimeoutMs: 500,
  maxRetries: 0,
};

function capturingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => lines.push(...chunk.toString().trim().split('\n')));
  return { logger: createLogger({ level: 'debug', format: 'json', stream }), lines };
}
