/** The lower floors of the tower on a given server, built as services/tower.ts builds them, with its log kept. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import type { CacheKey } from '../../services/cache/types.js';
import { Cache } from '../../services/cache.js';
import { createKeys } from '../../services/cacheAdapter/keys.js';
import { systemClock } from '../../services/clock.js';
import { createLogger } from '../../services/logger.js';
import { RedisConnections } from '../../services/redis.js';
import type { OrganizationId } from '../../services/types.js';

export interface TowerOnServer {
  readonly cache: Cache;
  readonly connections: RedisConnections;
  /** How long the connections took to start. */
  readonly startedInMs: number;
  log(): string;
  stop(): Promise<void>;
}

export async function towerOnServer(url: string): Promise<TowerOnServer> {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const logger = createLogger({ level: 'debug', format: 'json', stream });
  const keys = createKeys({ prefix: 'jack:faults:', phoneHashKey: randomBytes(32) });
  const connections = RedisConnections.create({
    target: {
      url,
      host: '',
      port: 0,
      password: undefined,
      db: 0,
      tls: false,
      connectionTimeoutMs: 500,
      commandTimeoutMs: 500,
      maxRetries: 0,
    },
    probeKey: keys.probe,
    logger,
    random: Math.random,
    isNamed: true,
  });
  const driver = createRedisDriver({
    redis: connections.command,
    clock: systemClock,
    indexName: keys.index,
    exchange: (work, operation) => connections.exchange(work, operation),
  });
  const cache = Cache.create({
    memory: createMemoryDriver({ clock: systemClock, maxBytes: 50 * 1024 * 1024 }),
    redis: { link: connections.link(), driver },
    isFallbackEnabled: true,
    clock: systemClock,
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
    connections,
    startedInMs,
    log: () => lines.join(''),
    stop: async () => {
      await cache.stop();
      await connections.stop();
    },
  };
}

export function faultKey(
  freshness: CacheKey<string>['freshness'],
  organizationId: OrganizationId = randomUUID() as OrganizationId,
): CacheKey<string> {
  const name = `jack:faults:value:{${organizationId}}:${randomUUID()}`;
  return { name, kind: freshness, organizationId, ttlMs: 600_000, freshness };
}

export interface TrafficReport {
  readonly calls: number;
  readonly errors: readonly unknown[];
  readonly longestMs: number;
  /** Values read that had not been written last under their name. */
  readonly wrong: readonly string[];
}

/** Writes and reads values that carry a rev, one exchange after the other, every few milliseconds until stopped. */
export function startTraffic(cache: Cache): { stop(): Promise<TrafficReport>; report(): TrafficReport } {
  const errors: unknown[] = [];
  const wrong: string[] = [];
  const keys = Array.from({ length: 20 }, () => faultKey('checked'));
  const written = new Map<string, string>();
  let calls = 0;
  let longestMs = 0;
  let isRunning = true;

  const timed = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    const startedAtMs = performance.now();
    try {
      return await work();
    } catch (error) {
      errors.push(error);
      return undefined;
    } finally {
      calls += 1;
      longestMs = Math.max(longestMs, performance.now() - startedAtMs);
    }
  };
  const once = async (n: number): Promise<void> => {
    const key = keys[n % keys.length]!;
    const found = await timed(() => cache.get(key));
    if (found !== undefined && found !== written.get(key.name)) wrong.push(found);
    written.set(key.name, `value ${n}`);
    await timed(() => cache.set(key, `value ${n}`));
  };
  const running = (async () => {
    for (let n = 0; isRunning; n += 1) {
      await once(n);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const report = (): TrafficReport => ({ calls, errors, longestMs, wrong });
  return {
    report,
    stop: async () => {
      isRunning = false;
      await running;
      return report();
    },
  };
}
