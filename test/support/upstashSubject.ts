/** Upstash's driver over the bridge, as the contract suites want it. */
import { Redis } from 'ioredis';
import { createUpstashDriver } from '../../services/cache/upstashDriver.js';
import { type Clock, systemClock } from '../../services/clock.js';
import { UpstashClient } from '../../services/upstash/client.js';
import { newName, type Subject } from './cacheSubjects.js';
import { until } from './until.js';
import type { UpstashBridge } from './upstashBridge.js';

export interface UpstashSubject extends Subject {
  readonly client: UpstashClient;
  /** The operation of each exchange, oldest first. */
  readonly exchanges: string[];
}

export const testIndexName = (tag: string): string => `test:index:{${tag}}`;

/** @param redisUrl the server behind the bridge. */
export function upstashSubject(
  bridge: UpstashBridge,
  redisUrl: string,
  clock: Clock = systemClock,
): UpstashSubject {
  const client = UpstashClient.create({ url: bridge.url, token: bridge.token, deadlineMs: 5_000 });
  const redis = new Redis(redisUrl);
  const exchanges: string[] = [];
  return {
    client,
    exchanges,
    driver: createUpstashDriver({
      client,
      clock,
      indexName: testIndexName,
      exchange: (work, operation) => {
        exchanges.push(operation);
        return work();
      },
    }),
    passTime: async (ttlMs) => {
      // A witness with the same lifetime: when the server has let it go, it has let the others go.
      const witness = newName();
      await redis.set(witness, '1', 'PX', ttlMs);
      await until(async () => (await redis.exists(witness)) === 0, { what: 'the server to let it go' });
    },
    close: async () => {
      client.close();
      redis.disconnect();
    },
  };
}
