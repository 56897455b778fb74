/** A subject of the contract over the connections that Jack has, whatever topology they lead to. */
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import { systemClock } from '../../services/clock.js';
import type { RedisTarget } from '../../services/redis/options.js';
import { RedisConnections } from '../../services/redis.js';
import { newName, type Subject } from './cacheSubjects.js';
import { silentLogger } from './testDatabase.js';
import { until } from './until.js';

export async function connectTo(target: Partial<RedisTarget>): Promise<RedisConnections> {
  const connections = RedisConnections.create({
    target: {
      url: undefined,
      host: '',
      port: 0,
      password: undefined,
      db: 0,
      tls: false,
      connectionTimeoutMs: 500,
      commandTimeoutMs: 5_000,
      maxRetries: 0,
      ...target,
    },
    probeKey: 'test:probe',
    logger: silentLogger,
    random: Math.random,
    isNamed: true,
    // The contract is about values; a busy machine must not make a miss of one.
    guard: { deadlineMs: 2_000 },
  });
  await connections.start();
  await until(() => connections.isReady(), { what: 'the connections', timeoutMs: 10_000 });
  return connections;
}

/** Does not own the connections. */
export function subjectOver(connections: RedisConnections): Subject {
  return {
    driver: createRedisDriver({
      access: connections,
      clock: systemClock,
      indexName: (tag) => `test:index:{${tag}}`,
    }),
    passTime: async (ttlMs) => {
      // A witness with the same lifetime: when the server has let it go, it has let the others go.
      const witness = newName();
      const group = connections.groupOf(witness);
      const client = connections.clientOf(group);
      await connections.exchange(() => client.set(witness, '1', 'PX', ttlMs), 'test', group);
      const isGone = async () =>
        (await connections.exchange(() => client.exists(witness), 'test', group)) === 0;
      await until(isGone, { what: 'the server to let it go' });
    },
    close: async () => undefined,
  };
}
