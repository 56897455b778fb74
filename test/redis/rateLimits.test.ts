/** Rate limits on a real server that is killed, hung, emptied and full in the middle of a window. */
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { afterEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../scripts/lib/redisServer.js';
import { createKeys } from '../../services/cacheAdapter/keys.js';
import { systemClock } from '../../services/clock.js';
import { createLogger } from '../../services/logger.js';
import { RateLimits } from '../../services/rateLimits.js';
import { Guard } from '../../services/redis/guard.js';
import { commandOptions } from '../../services/redis/options.js';
import type { OrganizationId } from '../../services/types.js';
import { accessTo } from '../support/redisAccess.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

const POINTS = 100;
const limits = { phonePage: { points: POINTS, windowMs: 60_000 } };
const ADDRESS = '198.51.100.7';
const keys = createKeys({ prefix: 'jack:limits:', phoneHashKey: randomBytes(32) });

interface Process {
  readonly limits: RateLimits;
  readonly guard: Guard;
  readonly exchanges: () => number;
  readonly log: () => string;
}

describeWithRedis('Rate limits on Redis', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function newServer(args: readonly string[] = []): Promise<RedisServer> {
    const server = await startRedis({ args });
    closers.push(() => server.stop());
    return server;
  }

  /** What one process of Jack has of it: a client with the options of services/redis, and a guard. */
  async function newProcess(server: RedisServer): Promise<Process> {
    const target = {
      url: server.url,
      host: '',
      port: 0,
      password: undefined,
      db: 0,
      tls: false,
      connectionTimeoutMs: 500,
      commandTimeoutMs: 500,
      maxRetries: 0,
    };
    const redis = new Redis(
      server.url,
      commandOptions(target, () => 0),
    );
    redis.on('error', () => undefined);
    const guard = Guard.create({
      link: {
        isReady: () => redis.status === 'ready',
        probe: async () => {
          await redis.set(keys.probe, '1', 'PX', 10_000);
        },
        reconnect: () => redis.disconnect(true),
      },
    });
    redis.on('close', () => guard.open('closed'));
    await redis.connect();
    let exchanges = 0;
    const lines: string[] = [];
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    const rateLimits = RateLimits.create({
      access: accessTo(redis, {
        breaker: guard,
        onExchange: () => {
          exchanges += 1;
        },
      }),
      names: keys.limits,
      clock: systemClock,
      logger: createLogger({ level: 'info', format: 'json', stream }),
      limits,
    });
    closers.push(async () => {
      await rateLimits.stop();
      guard.stop();
      redis.disconnect();
    });
    return { limits: rateLimits, guard, exchanges: () => exchanges, log: () => lines.join('') };
  }

  const ask = async ({ limits: rateLimits }: Process): Promise<boolean> =>
    (await rateLimits.address('phonePage', ADDRESS)).isAllowed;

  async function allowedOf(process: Process, requests: number): Promise<number> {
    const answers = await Promise.all(Array.from({ length: requests }, () => ask(process)));
    return answers.filter(Boolean).length;
  }

  /** One after the other, each timed. */
  async function oneByOne(process: Process, requests: number) {
    let allowed = 0;
    let longestMs = 0;
    for (let n = 0; n < requests; n += 1) {
      const startedAtMs = performance.now();
      if (await ask(process)) allowed += 1;
      longestMs = Math.max(longestMs, performance.now() - startedAtMs);
    }
    return { allowed, longestMs };
  }

  const isBack = (process: Process) => until(() => !process.guard.isOpen, { what: 'Redis to be back' });

  it('counts for two processes as one, with one exchange for requests of one moment', async () => {
    const server = await newServer();
    const [a, b] = [await newProcess(server), await newProcess(server)];
    const [first, second] = await Promise.all([allowedOf(a, POINTS), allowedOf(b, POINTS)]);
    expect(first + second).toBe(POINTS);
    expect(a.exchanges() + b.exchanges()).toBe(2 * Math.ceil(POINTS / 16));
  });

  it('counts the others when one counter cannot be counted', async () => {
    const server = await newServer();
    const one = await newProcess(server);
    await one.limits.address('phonePage', ADDRESS);
    const name = keys.limits.ofOutsider('phonePage', ADDRESS);
    await server.command('SET', name, 'spoilt');
    const others = Array.from({ length: 10 }, (_, n) => one.limits.address('phonePage', `203.0.113.${n}`));
    const spoilt = one.limits.address('phonePage', ADDRESS);
    expect((await Promise.all([...others, spoilt])).every(({ isAllowed }) => isAllowed)).toBe(true);
    expect(one.limits.report()).toMatchObject({ counted: { redis: 11, memory: 1 }, untold: 1 });
    expect(one.guard.isOpen).toBe(false);
  });

  it('puts nothing into a key name that says who it is about, and lets every counter die with its window', async () => {
    const server = await newServer();
    const { limits: rateLimits } = await newProcess(server);
    const organizationId = 'north-shore' as OrganizationId;
    await rateLimits.address('phonePage', ADDRESS);
    await rateLimits.inboundText({ account: 'AC1', to: '+16045550100', from: '+16045550123' });
    await rateLimits.apiCall(organizationId, 'key:abcdefgh');
    const names = (await server.command('KEYS', '*')).match(/jack:\S+/g) ?? [];
    expect(names.filter((name) => /198|604|abcdefgh/.test(name))).toEqual([]);
    expect(names.filter((name) => name.includes('{north-shore}'))).toHaveLength(2);
    expect(names).toHaveLength(4);
    for (const name of names) {
      const ttlMs = Number(/(-?\d+)/.exec(await server.command('PTTL', name))?.[1]);
      expect(ttlMs).toBeGreaterThan(0);
      expect(ttlMs).toBeLessThanOrEqual(60_000);
    }
  });

  it('When Redis is killed and comes back empty, twice in a window, then nobody gets more than the limit', async () => {
    const server = await newServer();
    const one = await newProcess(server);
    let allowed = await allowedOf(one, 30);
    for (let time = 0; time < 2; time += 1) {
      await server.kill();
      const away = await oneByOne(one, 20);
      allowed += away.allowed;
      expect(away.longestMs).toBeLessThan(200);
      await server.restart();
      await isBack(one);
      allowed += await allowedOf(one, 10);
    }
    expect(allowed).toBe(30 + 2 * 30);
    allowed += await allowedOf(one, 50);
    expect(allowed).toBe(POINTS);
    const other = await newProcess(server);
    expect(await ask(other)).toBe(false);
  });

  it('When Redis hangs, then three requests wait for the deadline and the others for nothing; counts stay together', async () => {
    const server = await newServer();
    const one = await newProcess(server);
    expect(await allowedOf(one, 40)).toBe(40);
    server.pause();
    const hanging = await oneByOne(one, 3);
    expect(hanging).toEqual({ allowed: 3, longestMs: expect.any(Number) });
    expect(hanging.longestMs).toBeLessThan(250);
    const after = await oneByOne(one, 200);
    expect(after.allowed).toBe(POINTS - 43);
    expect(after.longestMs).toBeLessThan(50);
    server.resume();
    await isBack(one);
    expect(await ask(one)).toBe(false);
  });

  it('When scripts or data are flushed in the middle, then no request fails and none is allowed twice', async () => {
    const server = await newServer();
    const one = await newProcess(server);
    let allowed = await allowedOf(one, 40);
    await server.command('SCRIPT', 'FLUSH');
    allowed += await allowedOf(one, 20);
    await server.flushAll();
    allowed += await allowedOf(one, 100);
    expect(allowed).toBe(POINTS);
    expect(one.limits.report()).toMatchObject({ lostByRedis: 1, counted: { redis: 160, memory: 0 } });
  });

  it('When Redis is full and refuses writes, then memory counts, and the log says so once', async () => {
    const server = await newServer();
    const one = await newProcess(server);
    expect(await allowedOf(one, 40)).toBe(40);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect((await oneByOne(one, 100)).allowed).toBe(60);
    expect(one.log().match(/could not count a limit/g)).toHaveLength(1);
    expect(one.log()).toContain('OOM');
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await ask(one)).toBe(false);
  });

  it('When an outage ends, then the other process hears of everybody who was counted in it', async () => {
    const server = await newServer();
    const [a, b] = [await newProcess(server), await newProcess(server)];
    await server.kill();
    await until(() => a.guard.isOpen && b.guard.isOpen, { what: 'the outage to be seen' });
    for (let n = 0; n < 1_000; n += 1) await a.limits.address('phonePage', `203.0.${n >> 8}.${n & 255}`);
    expect(await allowedOf(a, 150)).toBe(POINTS);
    await server.restart();
    await Promise.all([isBack(a), isBack(b)]);
    const startedAtMs = performance.now();
    await a.limits.address('phonePage', '192.0.2.1');
    await until(() => a.limits.report().untold === 0, { what: 'everything to be told', everyMs: 1 });
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    expect(await ask(b)).toBe(false);
    expect(await server.command('DBSIZE')).toContain('1003');
  });
});
