/** Pub/sub over a Redis Cluster: messages go in through one node, and are heard by whoever listens at any other. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '../../services/clock.js';
import { PubSub } from '../../services/pubsub.js';
import { slotOf } from '../../services/redis/slot.js';
import { RedisConnections } from '../../services/redis.js';
import { newOrganizationId } from '../../services/types.js';
import { type ClusterServers, startClusterServers } from '../support/clusterServers.js';
import { describeWithRedis } from '../support/services.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

describeWithRedis('Pub/sub over a Redis Cluster', () => {
  let all: ClusterServers;
  let stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    all = await startClusterServers();
  }, 30_000);
  afterEach(async () => {
    await Promise.all(stops.map((stop) => stop()));
    stops = [];
  });
  afterAll(() => all.stop());

  async function start(): Promise<PubSub> {
    const parts = { logger: silentLogger, random: Math.random };
    const connections = RedisConnections.create({
      ...parts,
      target: {
        url: undefined,
        clusterNodes: all.nodes,
        host: '',
        port: 0,
        password: undefined,
        db: 0,
        tls: false,
        connectionTimeoutMs: 500,
        commandTimeoutMs: 500,
        maxRetries: 0,
      },
      probeKey: 'jack:test:probe',
      isNamed: true,
    });
    const pubsub = PubSub.create({ ...parts, connections, keyPrefix: 'jack:test:', clock: systemClock });
    await connections.start();
    stops.push(async () => {
      await pubsub.stop();
      await connections.stop();
    });
    return pubsub;
  }

  it('Messages come once and in order, and when the node that took them dies, the next ones come after its failover', async () => {
    const organizationId = newOrganizationId();
    const listeners = await Promise.all([start(), start(), start()]);
    const heard = listeners.map((pubsub) => {
      const messages: string[] = [];
      pubsub.subscribe(organizationId, 'live', ({ message }) => messages.push(message));
      return messages;
    });
    for (const pubsub of listeners) {
      await until(() => pubsub.report().state === 'listening', { what: 'the subscriptions' });
    }
    const sender = await start();
    const expected = Array.from({ length: 2_000 }, (_, n) => String(n));
    for (const message of expected) sender.publish(organizationId, 'live', message);
    await until(() => heard.every((messages) => messages.length >= 2_000), { what: 'the messages' });
    for (const messages of heard) expect(messages).toEqual(expected);

    const owner = await all.ownerOf(slotOf('pubsub'));
    await owner.kill();
    sender.publish(organizationId, 'live', 'during the failover');
    await until(() => sender.report().buffered === 0, { what: 'the failover', timeoutMs: 15_000 });
    for (const pubsub of listeners) {
      await until(() => pubsub.report().state === 'listening', { what: 'listening again', timeoutMs: 8_000 });
    }
    sender.publish(organizationId, 'live', 'after');
    await until(() => heard.every((messages) => messages.includes('after')), { what: 'the word after it' });
    for (const messages of heard) expect(new Set(messages).size).toBe(messages.length);
  }, 60_000);
});
