/** Pub/sub of several processes over a real Redis, with the connections that Jack has, through its faults. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../services/clock.js';
import { PubSub } from '../../services/pubsub.js';
import { RedisConnections } from '../../services/redis.js';
import type { OrganizationId } from '../../services/types.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { TcpProxy } from '../support/tcpProxy.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

interface Process {
  readonly pubsub: PubSub;
  stop(): Promise<void>;
}

const newOrganizationId = () => `org-${randomUUID().slice(0, 8)}` as OrganizationId;

describeWithRedis('Pub/sub between processes', () => {
  let server: RedisServer;
  let processes: Process[] = [];
  const keyPrefix = 'jack:test:';

  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    await Promise.all(processes.map((process) => process.stop()));
    processes = [];
  });
  afterAll(() => server.stop());

  async function start(url = server.url): Promise<PubSub> {
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
      probeKey: `${keyPrefix}probe`,
      logger: silentLogger,
      random: Math.random,
      isNamed: true,
    });
    const pubsub = PubSub.create({
      connections,
      keyPrefix,
      logger: silentLogger,
      clock: systemClock,
      random: Math.random,
    });
    await connections.start();
    processes.push({
      pubsub,
      stop: async () => {
        await pubsub.stop();
        await connections.stop();
      },
    });
    return pubsub;
  }

  const listening = (pubsub: PubSub) =>
    until(() => pubsub.report().state === 'listening', { what: 'the subscriptions', timeoutMs: 8_000 });

  function collect(pubsub: PubSub, organizationId: OrganizationId, pattern = '*'): string[] {
    const heard: string[] = [];
    pubsub.subscribePattern(organizationId, pattern, ({ message }) => heard.push(message));
    return heard;
  }

  it('Every process hears every message once and in order, its own at once', async () => {
    const [a, b] = [await start(), await start()];
    const organization = newOrganizationId();
    const [atA, atB] = [collect(a, organization), collect(b, organization)];
    await Promise.all([listening(a), listening(b)]);
    const expected = Array.from({ length: 2_000 }, (_, n) => String(n));
    for (const message of expected) a.publish(organization, 'live', message);
    expect(atA).toEqual(expected);
    await until(() => atB.length >= 2_000, { what: 'the messages at the other process' });
    b.publish(organization, 'live', 'back');
    await until(() => atA.length > 2_000, { what: 'the answer' });
    expect(atA).toEqual([...expected, 'back']);
    expect(atB).toEqual([...expected, 'back']);
    expect(a.report()).toMatchObject({ published: 2_000, sent: 2_000, received: 1, dropped: 0, gaps: 0 });
  });

  it("No message reaches another organization, and a stranger's words on the channel reach nobody (P3)", async () => {
    const [a, b] = [await start(), await start()];
    const [own, other] = [newOrganizationId(), newOrganizationId()];
    const [heard, theirs] = [collect(b, own), collect(b, other)];
    await listening(b);
    for (let n = 0; n < 50; n += 1) a.publish(other, 'live', 'theirs');
    const stranger = new Redis(server.url);
    await stranger.publish(`${keyPrefix}pubsub:{${own}}`, '{"type":"forged"}');
    stranger.disconnect();
    a.publish(own, 'live', 'mine');
    await until(() => theirs.length === 50 && heard.length === 1, { what: 'both' });
    expect([...new Set(theirs), ...heard]).toEqual(['theirs', 'mine']);
    expect(b.report().ignored).toBe(1);
  });

  it('When nobody listens any more, then Redis is not asked any more', async () => {
    const a = await start();
    const organization = newOrganizationId();
    const end = a.subscribe(organization, 'live', () => undefined);
    await listening(a);
    const redis = new Redis(server.url);
    const subscribers = async () => (await redis.pubsub('NUMSUB', `${keyPrefix}pubsub:{${organization}}`))[1];
    expect(await subscribers()).toBe(1);
    end();
    await until(async () => (await subscribers()) === 0, { what: 'the end of the subscription' });
    redis.disconnect();
  });

  it('When Redis dies and comes back, then what was said waits, arrives once, and the break is told', async () => {
    const own = await startRedis();
    try {
      const [a, b] = [await start(own.url), await start(own.url)];
      const organization = newOrganizationId();
      const heard = collect(b, organization);
      await listening(b);
      let breaks = 0;
      b.onBreak(() => {
        breaks += 1;
      });
      a.publish(organization, 'live', 'before');
      await until(() => heard.length === 1, { what: 'the first message' });
      await own.kill();
      await until(() => breaks === 1, { what: 'the break', timeoutMs: 3_000 });
      expect(b.report()).toMatchObject({ state: 'broken', breaks: 1 });
      for (let n = 0; n < 20; n += 1) a.publish(organization, 'live', `during ${n}`);
      expect(a.report().buffered).toBe(20);
      await own.restart();
      await listening(b);
      await until(() => breaks === 2, { what: 'the second word of it' });
      await until(() => a.report().buffered === 0, { what: 'an empty buffer', timeoutMs: 8_000 });
      a.publish(organization, 'live', 'after');
      await until(() => heard.includes('after'), { what: 'the message after it' });
      // The sender may be back before the listener; what it says then is missed, and never heard twice.
      expect(new Set(heard).size).toBe(heard.length);
    } finally {
      await own.stop();
    }
  });

  it('When replies are lost, then messages are sent again and heard once', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    try {
      const a = await start(`redis://127.0.0.1:${proxy.port}`);
      const b = await start();
      const organization = newOrganizationId();
      const heard = collect(b, organization);
      await listening(b);
      const expected = Array.from({ length: 300 }, (_, n) => String(n));
      for (const [n, message] of expected.entries()) {
        if (n % 100 === 50) await proxy.loseReplies();
        if (n % 100 === 80) await proxy.pass();
        a.publish(organization, 'live', message);
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      await until(() => heard.length >= 300, { what: 'all messages', timeoutMs: 15_000 });
      expect(heard).toEqual(expected);
      expect(b.report().ignored).toBeGreaterThan(0);
    } finally {
      await proxy.stop();
    }
  });

  it('When the listening connection goes silent behind a cut cable, then that is noticed and told', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    try {
      const b = await start(`redis://127.0.0.1:${proxy.port}`);
      const a = await start();
      const organization = newOrganizationId();
      const heard = collect(b, organization);
      await listening(b);
      const since = performance.now();
      await proxy.blackHole();
      await until(() => b.report().breaks === 1, { what: 'the break', timeoutMs: 6_000 });
      expect(performance.now() - since).toBeLessThan(5_000);
      await proxy.pass();
      await listening(b);
      a.publish(organization, 'live', 'after');
      await until(() => heard.includes('after'), { what: 'the message after it' });
    } finally {
      await proxy.stop();
    }
  });

  it('The bus tells other processes and says when it cannot have heard', async () => {
    const [a, b] = [await start(), await start()];
    const heard: string[] = [];
    let breaks = 0;
    const bus = b.bus();
    bus.subscribe((message) => heard.push(message));
    bus.onBreak(() => {
      breaks += 1;
    });
    await listening(b);
    expect(breaks).toBe(1);
    a.bus().publish('{"tag":"x"}');
    await until(() => heard.length === 1, { what: 'the word' });
    expect(heard).toEqual(['{"tag":"x"}']);
  });
});
