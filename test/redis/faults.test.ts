/** What callers of the tower notice when a real server fails: nothing but time, and little of that (P7, P8). */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { CacheMode } from '../../services/cache.js';
import type { OrganizationId } from '../../services/types.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { faultKey, startTraffic, type TowerOnServer, towerOnServer } from '../support/towerOnServer.js';
import { until } from '../support/until.js';

const LONGEST_CALL_MS = 200;
const TO_MEMORY_MS = 200;
const TO_REDIS_MS = 3_000;
const PASSWORD = 'correct-horse-battery-staple';
const SECRET_BODY = 'the body of a text that nobody may log';

describeWithRedis('When the Redis that the tower uses fails', () => {
  let server: RedisServer;
  let tower: TowerOnServer;
  let stops: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    stops = [];
    server = await startRedis();
    stops.push(() => server.stop());
    tower = await towerOnServer(server.url);
    stops.unshift(() => tower.stop());
  });
  afterEach(async () => {
    server.resume();
    for (const stop of stops) await stop();
  });

  /** @returns how long it took, counted from `sinceMs`. */
  async function mode(wanted: CacheMode, sinceMs = performance.now(), timeoutMs = 6_000): Promise<number> {
    await until(() => tower.cache.mode === wanted, { what: `mode ${wanted}`, everyMs: 2, timeoutMs });
    return performance.now() - sinceMs;
  }
  const traffic = () => {
    const running = startTraffic(tower.cache);
    stops.unshift(() => running.stop());
    return running;
  };
  const calls = async (running: ReturnType<typeof startTraffic>, more: number) => {
    const from = running.report().calls;
    await until(() => running.report().calls >= from + more, { what: `${more} more calls` });
  };
  const handedBack = async () =>
    await until(() => tower.cache.report().handBack.pending === 0 && tower.cache.mode === 'redis', {
      what: 'the end of the hand-back',
    });

  it(`killed in the middle of traffic: no error, no call over ${LONGEST_CALL_MS} ms, the Map within ${TO_MEMORY_MS} ms, Redis again within ${TO_REDIS_MS} ms of its restart`, async () => {
    const running = traffic();
    await calls(running, 40);
    const killedAtMs = performance.now();
    await server.kill();
    expect(await mode('memory', killedAtMs)).toBeLessThan(TO_MEMORY_MS);
    await calls(running, 100);
    await server.restart();
    expect(await mode('redis')).toBeLessThan(TO_REDIS_MS);
    await calls(running, 40);
    await handedBack();
    const { errors, longestMs, wrong } = await running.stop();
    expect(errors).toEqual([]);
    expect(wrong).toEqual([]);
    expect(longestMs).toBeLessThan(LONGEST_CALL_MS);
    expect(tower.cache.report().modeChanges).toBe(2);
  });

  it('killed and restarted empty: what was written meanwhile is in Redis afterwards, what was deleted is not', async () => {
    const [before, during, timed, deleted] = [
      faultKey('checked'),
      faultKey('checked'),
      faultKey('timed'),
      faultKey('timed'),
    ];
    for (const key of [before, timed, deleted]) await tower.cache.set(key, 'before');
    await server.kill();
    await mode('memory');
    expect(await tower.cache.get(before)).toBeUndefined();
    for (const key of [before, during, timed]) await tower.cache.set(key, 'during');
    await tower.cache.delete([deleted]);
    expect(await tower.cache.get(timed)).toBe('during');
    await server.restart();
    await mode('redis');
    await handedBack();
    expect(await tower.cache.get(before)).toBe('during');
    expect(await tower.cache.get(during)).toBe('during');
    expect(await tower.cache.get(timed)).toBeUndefined();
    expect(await tower.cache.get(deleted)).toBeUndefined();
    expect(tower.cache.report().handBack).toMatchObject({ moved: 2, superseded: 2, failed: 0, pending: 0 });
    await until(() => tower.cache.report().memory.entries === 0, { what: 'the Map to be emptied' });
  });

  it('cut off with its data kept: nothing that was changed meanwhile is read from before', async () => {
    const organizationId = randomUUID() as OrganizationId;
    const [written, deleted, cleared, untouched] = [
      faultKey('timed'),
      faultKey('timed'),
      faultKey('timed', organizationId),
      faultKey('timed'),
    ];
    for (const key of [written, deleted, cleared, untouched]) await tower.cache.set(key, 'before');
    server.pause();
    await until(async () => {
      await tower.cache.get(untouched);
      return tower.cache.mode === 'memory';
    });
    await tower.cache.set(written, 'during');
    await tower.cache.delete([deleted]);
    expect(await tower.cache.clearOrganization(organizationId)).toBe(0);
    server.resume();
    await mode('redis');
    const read = await Promise.all([written, deleted, cleared, untouched].map((key) => tower.cache.get(key)));
    expect(read).toEqual([undefined, undefined, undefined, 'before']);
  });

  it(`frozen: no error, no call over ${LONGEST_CALL_MS} ms, and Redis again within ${TO_REDIS_MS} ms of its waking`, async () => {
    const running = traffic();
    await calls(running, 40);
    server.pause();
    await mode('memory');
    await calls(running, 200);
    server.resume();
    expect(await mode('redis')).toBeLessThan(TO_REDIS_MS);
    await calls(running, 40);
    const { errors, longestMs, wrong } = await running.stop();
    expect([errors, wrong]).toEqual([[], []]);
    expect(longestMs).toBeLessThan(LONGEST_CALL_MS);
  });

  it('emptied: every value is a miss, no call fails, and the mode stays', async () => {
    const key = faultKey('timed');
    await tower.cache.set(key, 'before');
    await server.flushAll();
    expect(await tower.cache.get(key)).toBeUndefined();
    await tower.cache.set(key, 'after');
    expect(await tower.cache.get(key)).toBe('after');
    expect(tower.cache.report()).toMatchObject({ mode: 'redis', modeChanges: 0 });
  });

  it('given another password: the Map serves, the log holds no secret, and Redis serves again when it is given back', async () => {
    const running = traffic();
    await tower.cache.set(faultKey('checked'), SECRET_BODY);
    const admin = new Redis(server.url);
    stops.unshift(async () => admin.disconnect());
    await admin.call('CONFIG', 'SET', 'requirepass', PASSWORD);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await mode('memory');
    const secret = faultKey('checked');
    await tower.cache.set(secret, SECRET_BODY);
    await until(() => tower.connections.isReady() === false, { what: 'the lost connection' });
    await calls(running, 200);
    await admin.call('CONFIG', 'SET', 'requirepass', '');
    expect(await mode('redis')).toBeLessThan(TO_REDIS_MS);
    await handedBack();
    expect(await tower.cache.get(secret)).toBe(SECRET_BODY);
    const { errors, longestMs } = await running.stop();
    expect(errors).toEqual([]);
    expect(longestMs).toBeLessThan(LONGEST_CALL_MS);
    expect(tower.log()).toContain('the store of the state changed');
    for (const secretPart of [PASSWORD, SECRET_BODY, secret.name, 'value 1'])
      expect(tower.log()).not.toContain(secretPart);
  });

  it('made a replica: the Map serves although it answers PING, until it may be written again', async () => {
    const running = traffic();
    await calls(running, 40);
    await server.command('REPLICAOF', '127.0.0.1', '1');
    await mode('memory');
    const key = faultKey('timed');
    await tower.cache.set(key, 'during');
    await calls(running, 200);
    expect(tower.cache.mode).toBe('memory');
    await server.command('REPLICAOF', 'NO', 'ONE');
    expect(await mode('redis')).toBeLessThan(TO_REDIS_MS);
    const { errors, longestMs, wrong } = await running.stop();
    expect([errors, wrong]).toEqual([[], []]);
    expect(longestMs).toBeLessThan(LONGEST_CALL_MS);
  });

  it('full and not allowed to evict: no call fails, and no value without a rev is older than the last write of it', async () => {
    const keys = Array.from({ length: 30 }, () => faultKey('timed'));
    for (const key of keys) await tower.cache.set(key, 'before');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    for (const key of keys) {
      await tower.cache.set(key, 'after');
      expect(await tower.cache.get(key)).not.toBe('before');
    }
    await until(() => tower.cache.report().handBack.pending === 0, { what: 'the drops' });
    for (const key of keys) expect(await tower.cache.get(key)).toBeUndefined();
    expect(tower.cache.mode).toBe('redis');
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await tower.cache.set(keys[0]!, 'again');
    expect(await tower.cache.get(keys[0]!)).toBe('again');
  });

  it('killed again while values are handed back: the rest is handed back the next time', async () => {
    await server.kill();
    await mode('memory');
    const keys = Array.from({ length: 5_000 }, () => faultKey('checked'));
    for (const key of keys) await tower.cache.set(key, 'kept');
    await server.restart();
    await until(() => tower.cache.report().handBack.moved > 100, { what: 'the first batches', everyMs: 1 });
    await server.kill();
    await mode('memory');
    const { moved, pending } = tower.cache.report().handBack;
    expect(pending).toBeGreaterThan(0);
    await server.restart();
    await mode('redis');
    await handedBack();
    expect(tower.cache.report().handBack).toMatchObject({ moved: moved + pending, failed: 0 });
  });

  it('absent at the start: the start takes no longer than a second, the Map serves, and Redis joins when it appears', async () => {
    await server.kill();
    const late = await towerOnServer(server.url);
    stops.unshift(() => late.stop());
    expect(late.startedInMs).toBeLessThan(1_000);
    expect(late.cache.mode).toBe('memory');
    const key = faultKey('checked');
    await late.cache.set(key, 'v');
    expect(await late.cache.get(key)).toBe('v');
    await server.restart();
    await until(() => late.cache.mode === 'redis', { what: 'Redis', timeoutMs: TO_REDIS_MS });
    await until(() => late.cache.report().handBack.moved === 1, { what: 'the hand-back' });
    expect(await late.cache.get(key)).toBe('v');
  });

  it('frozen at the start and at the end: starting and stopping take no longer than a second', async () => {
    server.pause();
    const late = await towerOnServer(server.url);
    expect(late.startedInMs).toBeLessThan(1_000);
    expect(late.cache.mode).toBe('memory');
    const stoppingAtMs = performance.now();
    await late.stop();
    await tower.stop();
    expect(performance.now() - stoppingAtMs).toBeLessThan(1_000);
  });

  it('all the time: the log says what changed, not every attempt', async () => {
    const running = traffic();
    await server.command('REPLICAOF', '127.0.0.1', '1');
    await mode('memory');
    await server.kill();
    await calls(running, 1_000);
    expect(tower.log().trim().split('\n').length).toBeLessThan(10);
  });
});
