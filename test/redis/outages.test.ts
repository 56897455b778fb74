/** What callers notice of a Redis that dies, hangs, refuses or comes back empty: nothing but a few milliseconds (P7, P8). */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type CacheOnRedis, openCacheOnRedis, valueKey } from '../support/cacheOnRedis.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { startTraffic } from '../support/traffic.js';
import { until } from '../support/until.js';

describeWithRedis('When Redis is in trouble', () => {
  let server: RedisServer;
  let tower: CacheOnRedis;
  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    if (server.pid === undefined) await server.restart();
    tower = await openCacheOnRedis({ url: server.url });
    expect(tower.cache.mode).toBe('redis');
  });
  afterEach(async () => {
    server.resume();
    await tower.close();
  });
  afterAll(() => server.stop());

  const inMode = (mode: string, timeoutMs = 5_000) =>
    until(() => tower.cache.mode === mode, { what: `mode ${mode}`, everyMs: 2, timeoutMs });
  const handedBack = () =>
    until(() => tower.cache.report().handBack.pending === 0, {
      what: 'the end of the hand-back',
      everyMs: 2,
    });

  it('kill -9 mid traffic: no error, no call over 200 ms, and back in use within 3 s of the restart', async () => {
    const end = startTraffic(tower.cache);
    await until(() => (tower.cache.report().kinds.test?.hits ?? 0) > 20, { what: 'traffic' });
    const killedAtMs = performance.now();
    await server.kill();
    await inMode('memory');
    expect(performance.now() - killedAtMs).toBeLessThan(200);
    const moved = Array.from({ length: 150 }, () => valueKey<number>('checked'));
    for (const [n, key] of moved.entries()) await tower.cache.set(key, n);
    await server.restart();
    await inMode('redis', 3_000);
    await handedBack();
    const { calls, errors, slowestMs } = await end();
    expect([errors, calls > 100]).toEqual([[], true]);
    expect(slowestMs).toBeLessThan(200);
    expect(tower.cache.report().handBack.moved).toBeGreaterThanOrEqual(150);
    const names = moved.map(({ name }) => name);
    expect(Number(await server.command('EXISTS', ...names))).toBe(150);
    expect(await tower.cache.get(moved[7]!)).toBe(7);
  });

  it('A hang (SIGSTOP): no error, callers wait 150 ms at most and only once, and it is used again after it', async () => {
    const end = startTraffic(tower.cache);
    await until(() => (tower.cache.report().kinds.test?.hits ?? 0) > 20, { what: 'traffic' });
    server.pause();
    await inMode('memory');
    const startedAtMs = performance.now();
    for (let n = 0; n < 100; n += 1) await tower.cache.get(valueKey());
    expect(performance.now() - startedAtMs).toBeLessThan(100);
    server.resume();
    await inMode('redis', 3_000);
    const { errors, slowestMs } = await end();
    expect(errors).toEqual([]);
    expect(slowestMs).toBeLessThan(150);
  });

  it('FLUSHALL: misses, and nothing else', async () => {
    const key = valueKey<string>();
    await tower.cache.set(key, 'value');
    await server.flushAll();
    expect(await tower.cache.get(key)).toBeUndefined();
    expect(await tower.cache.getOrLoad(key, async () => 'from the record')).toBe('from the record');
    expect(tower.cache.report()).toMatchObject({ mode: 'redis', modeChanges: 0 });
  });

  it('Restarted with data of before the outage: what changed meanwhile does not speak', async () => {
    const [written, deleted] = [valueKey<string>(), valueKey<string>()];
    await tower.cache.set(written, 'before');
    await tower.cache.set(deleted, 'before');
    const dumps = await Promise.all(
      [written, deleted].map(({ name }) => tower.connections.command.dumpBuffer(name)),
    );
    await server.kill();
    await inMode('memory');
    await tower.cache.set(written, 'meanwhile');
    await tower.cache.delete([deleted]);
    expect(await tower.cache.get(written)).toBe('meanwhile');
    await server.restart();
    await until(() => tower.connections.isReady(), { everyMs: 1 });
    await Promise.all(
      [written, deleted].map(({ name }, n) => tower.connections.command.restore(name, 60_000, dumps[n]!)),
    );
    expect(tower.cache.mode).toBe('memory');
    await inMode('redis');
    expect([await tower.cache.get(written), await tower.cache.get(deleted)]).toEqual([undefined, undefined]);
  });

  it('A second outage does not bring back what the first one wrote', async () => {
    const key = valueKey<string>('checked');
    await server.kill();
    await inMode('memory');
    await tower.cache.set(key, 'first outage');
    await server.restart();
    await inMode('redis');
    await tower.cache.set(key, 'fresh');
    await until(() => tower.cache.report().memory.entries === 0, { what: 'the empty Map' });
    await server.kill();
    await inMode('memory');
    expect(await tower.cache.get(key)).toBeUndefined();
  });

  it('Demoted to a read-only replica: served from memory, and back when it is a master again', async () => {
    await server.command('REPLICAOF', '127.0.0.1', '1');
    await tower.cache.set(valueKey(), 'value');
    await inMode('memory');
    const key = valueKey<string>();
    await tower.cache.set(key, 'meanwhile');
    expect(await tower.cache.get(key)).toBe('meanwhile');
    await server.command('REPLICAOF', 'NO', 'ONE');
    await inMode('redis');
  });

  it('Full: writes are refused one by one, Redis stays in use, and no caller hears of it', async () => {
    const key = valueKey<string>();
    await tower.cache.set(key, 'before');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await tower.cache.set(key, 'after');
      expect(tower.cache.mode).toBe('redis');
      await until(async () => (await tower.cache.get(key)) === undefined, { what: 'the old value to go' });
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  it('An outage is two lines in the log of each kind at most, and none of them holds a value', async () => {
    const key = valueKey<string>();
    await server.kill();
    await inMode('memory');
    await tower.cache.set(key, 'the words of a shopper');
    await until(async () => (await tower.connections.health()).lastError === 'ECONNREFUSED');
    await server.restart();
    await inMode('redis');
    const lines = tower.log();
    expect(lines.filter((line) => line.includes('the store of the state changed'))).toHaveLength(2);
    expect(lines.length).toBeLessThanOrEqual(6);
    expect(lines.join('\n')).not.toMatch(/the words of a shopper|127\.0\.0\.1/);
  });

  it('With the fallback switched off an outage is a clear error, and ends with it', async () => {
    const strict = await openCacheOnRedis({ url: server.url, isFallbackEnabled: false });
    try {
      await server.kill();
      const unavailable = expect.objectContaining({ code: 'E_CACHE_UNAVAILABLE' });
      await expect(strict.cache.get(valueKey())).rejects.toEqual(unavailable);
      await expect(strict.cache.set(valueKey(), 'x')).rejects.toEqual(unavailable);
      expect(strict.cache.mode).toBe('unavailable');
      await server.restart();
      await until(() => strict.cache.mode === 'redis');
      await strict.cache.set(valueKey(), 'x');
    } finally {
      await strict.close();
    }
  });
});
