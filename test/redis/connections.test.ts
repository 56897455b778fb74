/** The connection itself: starting without a server, with the wrong password, health, and ending. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../scripts/lib/freePort.js';
import { type CacheOnRedis, openCacheOnRedis, valueKey } from '../support/cacheOnRedis.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

const elapsedMs = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
};

describeWithRedis('A connection to Redis', () => {
  let server: RedisServer;
  const opened: CacheOnRedis[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(async () => {
    server.resume();
    await Promise.all(opened.splice(0).map((tower) => tower.close()));
  });
  afterAll(() => server.stop());

  async function open(...args: Parameters<typeof openCacheOnRedis>): Promise<CacheOnRedis> {
    const tower = await openCacheOnRedis(...args);
    opened.push(tower);
    return tower;
  }

  it('When there is no server at the start, then Jack starts in memory, and uses Redis once it comes', async () => {
    const port = await freePort();
    let tower!: CacheOnRedis;
    expect(
      await elapsedMs(async () => {
        tower = await open({ url: `redis://127.0.0.1:${port}` });
      }),
    ).toBeLessThan(700);
    expect(tower.cache.mode).toBe('memory');
    const key = valueKey<string>('checked');
    await tower.cache.set(key, 'from before');
    const late = await startRedis({ port });
    try {
      await until(() => tower.cache.mode === 'redis', { what: 'Redis to be used' });
      await until(async () => (await late.command('EXISTS', key.name)) === '1', { what: 'the hand-back' });
    } finally {
      await late.stop();
    }
  });

  it('When a server accepts and says nothing at the start, then Jack starts after the time for connecting', async () => {
    server.pause();
    let tower!: CacheOnRedis;
    expect(
      await elapsedMs(async () => {
        tower = await open({ url: server.url });
      }),
    ).toBeLessThan(900);
    expect(tower.cache.mode).toBe('memory');
    server.resume();
    await until(() => tower.cache.mode === 'redis', { what: 'Redis to be used' });
  });

  it('When the server is loading its data at the start, then Jack does not wait for it', async () => {
    const loading = await startLoadingServer();
    try {
      const startedIn = await elapsedMs(() => open({ url: loading.url }));
      expect(startedIn).toBeLessThan(900);
      expect(opened.at(-1)?.cache.mode).toBe('memory');
    } finally {
      await Promise.all(opened.splice(0).map((tower) => tower.close()));
      loading.stop();
    }
  });

  it('When the password is wrong, then state is served from memory, health says why, and no log line holds it', async () => {
    const guarded = await startRedis({ args: ['--requirepass', 'the-right-password'] });
    try {
      const url = guarded.url.replace('redis://', 'redis://:the-wrong-password@');
      const tower = await open({ url });
      expect(tower.cache.mode).toBe('memory');
      const key = valueKey<string>();
      await tower.cache.set(key, 'value');
      expect(await tower.cache.get(key)).toBe('value');
      const health = await tower.connections.health();
      expect(health).toMatchObject({ state: 'connecting', lastError: 'WRONGPASS' });
      expect(tower.log().length).toBeGreaterThan(0);
      expect(`${tower.log().join('\n')}${JSON.stringify(health)}`).not.toMatch(
        /password@|the-(right|wrong)-password/,
      );
    } finally {
      await guarded.stop();
    }
  });

  it('Health is measured: version, role, uptime, memory and latency from the server itself', async () => {
    const tower = await open({ url: server.url });
    const health = await tower.connections.health();
    expect(health).toMatchObject({ state: 'ready', lastError: null, role: 'master' });
    expect(health.version).toMatch(/^\d+\.\d+/);
    expect(health.usedMemoryBytes).toBeGreaterThan(100_000);
    expect(health.uptimeSeconds).toBeGreaterThanOrEqual(0);
    expect(health.latencyMs).toBeGreaterThan(0);
  });

  it('When the server hangs, then health answers within its deadline and says away', async () => {
    const tower = await open({ url: server.url });
    server.pause();
    expect(
      await elapsedMs(async () => {
        expect((await tower.connections.health()).state).not.toBe('ready');
      }),
    ).toBeLessThan(800);
  });

  it('Round trips and their times are counted by operation', async () => {
    const tower = await open({ url: server.url });
    const key = valueKey<string>();
    const before = tower.connections.roundTrips();
    await tower.cache.set(key, 'value');
    await tower.cache.get(key);
    await tower.cache.get(key);
    expect(tower.connections.roundTrips() - before).toBe(3);
    expect(tower.connections.latencyByOperation()).toMatchObject({ get: { count: 2 }, set: { count: 1 } });
    const { count, p50Ms, p99Ms } = tower.connections.latency();
    expect([count, p50Ms > 0, p99Ms >= p50Ms]).toEqual([3, true, true]);
  });

  it('The subscriber hears what is published, and again after the server was killed and restarted', async () => {
    const own = await startRedis();
    try {
      const tower = await open({ url: own.url });
      const heard: string[] = [];
      const subscriber = tower.connections.subscriber();
      expect(tower.connections.subscriber()).toBe(subscriber);
      subscriber.on('message', (_channel, message) => heard.push(message));
      await subscriber.subscribe('test:channel');
      // Again, if need be: what is sent into a connection that is just ending is lost.
      const publish = (text: string) =>
        until(
          async () => {
            await own.command('PUBLISH', 'test:channel', text);
            await pause(20);
            return heard.includes(text);
          },
          { what: 'the message' },
        );
      await publish('one');
      await own.kill();
      await own.restart();
      await publish('two');
      expect([...new Set(heard)]).toEqual(['one', 'two']);
    } finally {
      await own.stop();
    }
  });

  it('When it is stopped, frozen server or not, then at once, and twice does no harm', async () => {
    const tower = await open({ url: server.url });
    tower.connections.subscriber();
    server.pause();
    expect(await elapsedMs(() => tower.close())).toBeLessThan(200);
    await tower.close();
    expect((await tower.connections.health()).state).toBe('away');
  });
});

/** Says to everybody that it is loading, for as long as it runs. */
async function startLoadingServer(): Promise<{ readonly url: string; stop(): void }> {
  const info = 'loading:1\r\nloading_eta_seconds:60\r\n';
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      // One line of length and one of name for each command; the names tell what to answer.
      for (const [name] of chunk.toString().matchAll(/\b(hello|client|info|select)\r\n/gi)) {
        if (/hello/i.test(name)) socket.write('%1\r\n$5\r\nproto\r\n:3\r\n');
        else if (/info/i.test(name)) socket.write(`$${info.length}\r\n${info}\r\n`);
        else socket.write('+OK\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `redis://127.0.0.1:${port}`, stop: () => void server.close() };
}
