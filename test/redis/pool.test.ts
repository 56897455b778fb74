/** Connections by role: the pool of commands, those that wait, and what no fault may do to a command. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import {
  type CacheOnRedis,
  type CacheOnRedisOptions,
  openCacheOnRedis,
  valueKey,
} from '../support/cacheOnRedis.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { TcpProxy } from '../support/tcpProxy.js';
import { until } from '../support/until.js';

describeWithRedis('Connections by role', () => {
  let server: RedisServer;
  let tower: CacheOnRedis;
  const stops: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  afterAll(() => server.stop());

  async function open(options: Partial<CacheOnRedisOptions> = {}): Promise<CacheOnRedis> {
    tower = await openCacheOnRedis({ url: server.url, ...options });
    stops.unshift(() => tower.close());
    return tower;
  }

  async function openThroughProxy(target: CacheOnRedisOptions['target'] = {}): Promise<TcpProxy> {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    await open({ url: `redis://127.0.0.1:${proxy.port}`, target });
    stops.push(() => proxy.stop());
    return proxy;
  }

  const increment = (name: string) => {
    const { connections } = tower;
    const group = connections.groupOf(name);
    return connections.exchange(() => connections.clientOf(group).incr(name), 'incr', group);
  };
  const connectionsOf = async (at: RedisServer) =>
    (await at.command('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line.includes('lib-name') || line.includes('addr=')).length - 1;

  it('A pool of four: four connections, and a name and its hash tag always take the same', async () => {
    const own = await startRedis();
    stops.push(() => own.stop());
    await open({ url: own.url, target: { poolSize: 4 } });
    expect(await connectionsOf(own)).toBe(4);
    const { connections } = tower;
    const groups = Array.from({ length: 400 }, () => connections.groupOf(`test:{${randomUUID()}}`));
    for (const group of [0, 1, 2, 3])
      expect(groups.filter((each) => each === group).length).toBeGreaterThan(50);
    expect(new Set(groups.map((group) => connections.clientOf(group))).size).toBe(4);
    for (let n = 0; n < 20; n += 1) {
      expect(connections.groupOf(`a:{tag ${n}}:b`)).toBe(connections.groupOf(`c:{tag ${n}}`));
    }
    const key = valueKey<string>();
    await tower.cache.set(key, 'v');
    expect(await tower.cache.get(key)).toBe('v');
    expect((await connections.health()).connections.command).toEqual({ ready: 4, total: 4 });
    await connections.stop();
    await until(async () => (await connectionsOf(own)) === 0, { what: 'the connections to end' });
  });

  it('One connection of a pool is cut: the Map serves until all are back, and no call fails', async () => {
    await open({ target: { poolSize: 3 } });
    const errors: unknown[] = [];
    let isRunning = true;
    const running = Promise.all(
      Array.from({ length: 10 }, async () => {
        for (; isRunning; await pause(5)) {
          const key = valueKey<string>();
          await tower.cache.set(key, 'v').catch((error: unknown) => errors.push(error));
          const found = await tower.cache.get(key);
          // What was written without a rev in an outage is dropped after it.
          if (found !== undefined && found !== 'v') errors.push('a wrong value');
        }
      }),
    );
    const second = tower.connections.clientOf(1);
    if (!('stream' in second)) throw new Error('a pool has plain connections');
    second.stream.destroy();
    await until(() => tower.cache.mode === 'memory', { what: 'the Map', everyMs: 1 });
    await until(() => tower.cache.mode === 'redis', { what: 'Redis' });
    isRunning = false;
    await running;
    expect(errors).toEqual([]);
  });

  it.each([1, 3])(
    'Replies are lost and the connection is reset, pool of %d: every promise settles, no command runs twice',
    async (poolSize) => {
      const proxy = await openThroughProxy({ poolSize });
      const names = Array.from({ length: 200 }, () => `test:count:${randomUUID()}`);
      await proxy.loseReplies();
      const settled = await Promise.allSettled(names.map(increment));
      expect(settled.filter(({ status }) => status === 'fulfilled')).toEqual([]);
      await proxy.pass();
      await until(() => tower.cache.mode === 'redis', { what: 'Redis' });
      await pause(300);
      const counts = await Promise.all(names.map((name) => server.command('GET', name)));
      expect(counts.filter((count) => count === '1').length).toBeGreaterThan(0);
      expect(counts.filter((count) => !['', '1'].includes(count))).toEqual([]);
    },
  );

  it('The connection is gone: a call fails at once and is not kept for later', async () => {
    const proxy = await openThroughProxy();
    await proxy.cutOff();
    await until(() => !tower.connections.isReady(), { what: 'the lost connection', everyMs: 1 });
    const names = Array.from({ length: 50 }, () => `test:count:${randomUUID()}`);
    const startedAtMs = performance.now();
    const settled = await Promise.allSettled(names.map(increment));
    expect(performance.now() - startedAtMs).toBeLessThan(50);
    expect(settled.every(({ status }) => status === 'rejected')).toBe(true);
    // Nor does the client itself keep what reaches it past the guard.
    const past = `test:count:${randomUUID()}`;
    await expect(tower.connections.command.incr(past)).rejects.toThrow();
    names.push(past);
    await proxy.pass();
    await until(() => tower.connections.isReady(), { what: 'the connection' });
    await pause(200);
    expect(await Promise.all(names.map((name) => server.command('EXISTS', name)))).toEqual(
      names.map(() => '0'),
    );
  });

  it('A user of an ACL: its password changes and changes back, and everything follows without a restart', async () => {
    const own = await startRedis();
    stops.push(() => own.stop());
    const allow = (password: string) =>
      own.command('ACL', 'SETUSER', 'jack', 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all');
    await allow('first-password');
    await open({ url: own.url.replace('//', '//jack:first-password@'), target: { poolSize: 2 } });
    const heard: string[] = [];
    tower.connections.subscriber().on('message', (_channel, message) => heard.push(message));
    await tower.connections.subscriber().subscribe('test:channel');
    expect(tower.cache.mode).toBe('redis');

    await allow('second-password');
    await own.command('CLIENT', 'KILL', 'USER', 'jack');
    await until(() => tower.cache.mode === 'memory', { what: 'the Map' });
    const key = valueKey<string>('checked');
    await tower.cache.set(key, 'during');
    await pause(2_500);
    expect(await tower.connections.health()).toMatchObject({ state: 'connecting', lastError: 'WRONGPASS' });

    await allow('first-password');
    await until(() => tower.cache.mode === 'redis', { what: 'Redis', timeoutMs: 3_000 });
    await until(async () => (await own.command('EXISTS', key.name)) === '1', { what: 'the hand-back' });
    await until(async () => (await own.command('PUBLISH', 'test:channel', 'heard')) === '1', {
      what: 'the subscriber',
    });
    await until(() => heard.length === 1, { what: 'the message' });
    const log = tower.log();
    expect(log.length).toBeLessThan(10);
    expect(log.join('\n')).not.toMatch(/(first|second)-password/);
  });

  it('A password beside the URL counts when the URL has none', async () => {
    const own = await startRedis({ args: ['--requirepass', 'a password'] });
    stops.push(() => own.stop());
    await open({ url: own.url, target: { password: 'a password' } });
    expect(tower.cache.mode).toBe('redis');
  });

  it('A reader that waits longer than any command may is not cut, swallows nothing, and is counted', async () => {
    await open();
    const { connections } = tower;
    const list = `test:list:${randomUUID()}`;
    const reader = connections.blockingReader({ longestBlockMs: 3_000 });
    const popped = reader.blpop(list, 2.5);
    await pause(1_300);
    await server.command('RPUSH', list, 'one', 'two');
    expect(await popped).toEqual([list, 'one']);
    expect(await reader.blpop(list, 1)).toEqual([list, 'two']);
    expect(await reader.blpop(list, 0.3)).toBeNull();
    expect((await connections.health()).connections.blockingReaders).toBe(1);
    reader.disconnect();
    await until(async () => (await connections.health()).connections.blockingReaders === 0, {
      what: 'it to be given back',
    });
  });

  it('The server of a waiting reader is gone without a word: the wait ends, and the next one is served', async () => {
    const proxy = await openThroughProxy();
    const list = `test:list:${randomUUID()}`;
    const reader = tower.connections.blockingReader({ longestBlockMs: 500 });
    expect(await reader.blpop(list, 0.1)).toBeNull();
    const waiting = reader.blpop(list, 0.4).catch(() => 'failed');
    await proxy.blackHole();
    expect(await waiting).not.toBe('one');
    await pause(1_500);
    await proxy.pass();
    await server.command('RPUSH', list, 'one');
    await until(async () => (await reader.blpop(list, 0.4))?.[1] === 'one', { what: 'the item' });
  });

  it('Stopping ends those that wait, and there is a limit to their number', async () => {
    const own = await startRedis();
    stops.push(() => own.stop());
    await open({ url: own.url });
    const readers = Array.from({ length: 32 }, () => tower.connections.blockingReader());
    expect(() => tower.connections.blockingReader()).toThrow(/32 blocking readers/);
    const waiting = Promise.allSettled(readers.map((reader) => reader.blpop('test:nothing', 20)));
    await until(async () => (await connectionsOf(own)) === 33, { what: 'the connections' });
    await tower.connections.stop();
    expect((await waiting).every(({ status }) => status === 'rejected')).toBe(true);
    await until(async () => (await connectionsOf(own)) === 0, { what: 'the connections to end' });
  });
});
