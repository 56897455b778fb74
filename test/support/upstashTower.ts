/** The lower floors of the tower over Upstash's driver, built as services/tower.ts builds them, with its log kept. */
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createUpstashDriver } from '../../services/cache/upstashDriver.js';
import { Cache } from '../../services/cache.js';
import { createKeys } from '../../services/cacheAdapter/keys.js';
import { systemClock } from '../../services/clock.js';
import { createLogger } from '../../services/logger.js';
import { UpstashConnection } from '../../services/upstash/connection.js';

export interface UpstashTower {
  readonly cache: Cache;
  readonly connection: UpstashConnection;
  readonly probeKey: string;
  readonly startedInMs: number;
  log(): string;
  stop(): Promise<void>;
}

export interface UpstashTowerOptions {
  readonly url: string;
  readonly token: string;
  readonly commandTimeoutMs?: number;
  readonly isFallbackEnabled?: boolean;
}

export async function upstashTower(options: UpstashTowerOptions): Promise<UpstashTower> {
  const { url, token, commandTimeoutMs = 500, isFallbackEnabled = true } = options;
  let log = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      log += String(chunk);
      done();
    },
  });
  const logger = createLogger({ level: 'debug', format: 'json', stream });
  const keys = createKeys({ prefix: 'jack:upstash:', phoneHashKey: randomBytes(32) });
  const connection = UpstashConnection.create({
    url,
    token,
    commandTimeoutMs,
    connectionTimeoutMs: 500,
    probeKey: keys.probe,
    logger,
  });
  const driver = createUpstashDriver({
    client: connection.client,
    clock: systemClock,
    indexName: keys.index,
    exchange: (work, operation) => connection.exchange(work, operation),
  });
  const cache = Cache.create({
    memory: createMemoryDriver({ clock: systemClock, maxBytes: 50 * 1024 * 1024 }),
    redis: { driver, breaker: connection.guard, isReady: () => connection.isReady() },
    isFallbackEnabled,
    clock: systemClock,
    random: () => 0,
    logger,
  });
  const beforeMs = performance.now();
  await connection.start();
  const startedInMs = performance.now() - beforeMs;
  cache.start();
  return {
    cache,
    connection,
    probeKey: keys.probe,
    startedInMs,
    log: () => log,
    stop: async () => {
      await cache.stop();
      await connection.stop();
    },
  };
}
