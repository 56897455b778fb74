/** Through three sentinels to a master and its replica: failovers under traffic through the tower. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, it } from '@jest/globals';
import { sendCommand } from '../../scripts/lib/resp.js';
import { type CacheOnRedis, openCacheOnRedis, valueKey } from '../support/cacheOnRedis.js';
import { type FailoverTraffic, startFailoverTraffic } from '../support/failoverTraffic.js';
import { GROUP, type SentinelServers, startSentinelServers } from '../support/sentinelServers.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

/** Down-after is 1 s, the promotion some 2 s later; 3.4 s were measured on an idle machine. */
const BACK_MS = 8_000;

describeWithRedis('Redis behind Sentinel', () => {
  let all: SentinelServers;
  let tower: CacheOnRedis;
  let traffic: FailoverTraffic;
  beforeEach(async () => {
    all = await startSentinelServers();
    tower = await openCacheOnRedis({
      url: '',
      target: { url: undefined, sentinel: { nodes: all.sentinels, name: GROUP } },
    });
    traffic = startFailoverTraffic(tower.cache);
    await until(() => traffic.report().calls > 200, { what: 'traffic' });
  });
  afterEach(async () => {
    await traffic.stop();
    await tower.close();
    for (const server of all.servers) server.resume();
    await all.stop();
  });

  // The client keeps a timer for two seconds after a connection to a sentinel.
  afterAll(() => pause(2_000));

  /** @returns how long it took from now, ms. */
  async function backOnRedis(): Promise<number> {
    const startedAtMs = performance.now();
    await until(() => tower.cache.mode === 'memory', { what: 'the Map', everyMs: 1 });
    await until(() => tower.cache.mode === 'redis', { what: 'Redis again', timeoutMs: BACK_MS, everyMs: 5 });
    return performance.now() - startedAtMs;
  }

  async function expectNobodyNoticed(): Promise<void> {
    const seen = traffic.report().calls;
    await until(() => traffic.report().calls > seen + 200, { what: 'traffic' });
    const { errors, wrong, stalls } = await traffic.stop();
    expect({ errors, wrong }).toEqual({ errors: [], wrong: [] });
    expect(stalls).toBeLessThanOrEqual(1);
  }

  it('With a password of the sentinels, and a user of an ACL at the server', async () => {
    for (const { port } of all.sentinels) {
      await sendCommand({ port }, ['ACL', 'SETUSER', 'default', 'resetpass', '>of the sentinels']);
    }
    const master = tower.connections.command;
    await master.call('ACL', 'SETUSER', 'jack', 'on', '>of jack', '~*', '&*', '+@all');
    const target = { url: undefined, username: 'jack', password: 'of jack' };
    const group = { nodes: all.sentinels, name: GROUP };
    for (const [password, mode] of [
      ['of the sentinels', 'redis'],
      ['another', 'memory'],
    ] as const) {
      const other = await openCacheOnRedis({
        url: '',
        target: { ...target, sentinel: { ...group, password } },
      });
      expect([password, other.cache.mode]).toEqual([password, mode]);
      await other.close();
    }
  });

  it('The master is killed: nobody notices, and the promoted one is used within eight seconds', async () => {
    const [old, promoted] = [await all.master(), await all.replica()];
    const subscriber = tower.connections.subscriber();
    const heard: string[] = [];
    subscriber.on('message', (_channel, message) => heard.push(message));
    await subscriber.subscribe('test:channel');
    await old.kill();
    expect(await backOnRedis()).toBeLessThan(BACK_MS);
    expect(await all.master()).toBe(promoted);
    const key = valueKey<string>();
    await tower.cache.set(key, 'after');
    expect(await promoted.command('EXISTS', key.name)).toBe('1');
    await until(async () => (await promoted.command('PUBLISH', 'test:channel', 'heard')) === '1', {
      what: 'the subscriber to follow',
      timeoutMs: 15_000,
    });
    await until(() => heard.length === 1, { what: 'the message' });
    expect(await tower.connections.health()).toMatchObject({
      state: 'ready',
      topology: 'sentinel',
      role: 'master',
      lastError: null,
      connections: { command: { ready: 1, total: 1 }, subscriber: 'ready', blockingReaders: 0 },
    });
    await expectNobodyNoticed();
  });

  it('The master is frozen: nobody notices, the promoted one is used within eight seconds, and none but it is written to', async () => {
    const [old, promoted] = [await all.master(), await all.replica()];
    old.pause();
    expect(await backOnRedis()).toBeLessThan(BACK_MS);
    const before = valueKey<string>();
    await tower.cache.set(before, 'v');
    expect(await promoted.command('EXISTS', before.name)).toBe('1');
    old.resume();
    // As long as the sentinels let it, it thinks that it is the master still.
    const keys = Array.from({ length: 50 }, () => valueKey<string>());
    for (const key of keys) {
      await tower.cache.set(key, 'v');
      expect(await promoted.command('EXISTS', key.name)).toBe('1');
    }
    expect(tower.cache.mode).toBe('redis');
    await expectNobodyNoticed();
  });

  it('The master is demoted without a fault: nobody notices, and nothing is written to the old one', async () => {
    const promoted = await all.replica();
    await all.failOver();
    await until(async () => (await all.master()) === promoted, { what: 'the failover', timeoutMs: BACK_MS });
    await until(
      async () => {
        const key = valueKey<string>();
        await tower.cache.set(key, 'after');
        return (await promoted.command('EXISTS', key.name)) === '1';
      },
      { what: 'writes to the promoted one', timeoutMs: BACK_MS },
    );
    await until(() => tower.cache.mode === 'redis', { timeoutMs: BACK_MS });
    const keys = Array.from({ length: 50 }, () => valueKey<string>());
    for (const key of keys) {
      await tower.cache.set(key, 'v');
      expect(await promoted.command('EXISTS', key.name)).toBe('1');
    }
    await expectNobodyNoticed();
  });
});

describeWithRedis('Sentinels that are not there', () => {
  it('No sentinel answers at the start: the Map serves at once, and the log says why', async () => {
    const nodes = [1, 2].map((port) => ({ host: '127.0.0.1', port }));
    const startedAtMs = performance.now();
    const alone = await openCacheOnRedis({
      url: '',
      target: { url: undefined, sentinel: { nodes, name: GROUP } },
    });
    try {
      expect(performance.now() - startedAtMs).toBeLessThan(900);
      expect(alone.cache.mode).toBe('memory');
      const key = valueKey<string>();
      await alone.cache.set(key, 'v');
      expect(await alone.cache.get(key)).toBe('v');
      expect(await alone.connections.health()).toMatchObject({ state: 'connecting', topology: 'sentinel' });
      expect(alone.log().join('\n')).toMatch(/no Redis answers.*SENTINELS_UNREACHABLE/);
    } finally {
      await alone.close();
    }
  });
});
