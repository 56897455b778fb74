/** What callers notice when Upstash fails: one stall of a deadline at most, then nothing (P7, P8). */
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { CacheKey, Tag } from '../../services/cache/types.js';
import type { CacheMode } from '../../services/cache.js';
import type { OrganizationId } from '../../services/types.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { type SteadyTraffic, startSteadyTraffic } from '../support/steadyTraffic.js';
import { TcpProxy } from '../support/tcpProxy.js';
import { until } from '../support/until.js';
import { type BridgeFault, UpstashBridge } from '../support/upstashBridge.js';
import { type UpstashTower, type UpstashTowerOptions, upstashTower } from '../support/upstashTower.js';

const DEADLINE_MS = 500;
/** The deadline, and room for a busy machine of two cores. */
const LONGEST_CALL_MS = DEADLINE_MS + 250;
const TO_REDIS_MS = 4_000;
const SECRET_BODY = 'the body of a text that nobody may log';

describeWithRedis('When Upstash fails', () => {
  let server: RedisServer;
  let bridge: UpstashBridge;
  let tower: UpstashTower;
  let stops: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    server = await startRedis();
    stops = [() => server.stop()];
    bridge = await UpstashBridge.start(server.url);
    stops.unshift(() => bridge.stop());
    tower = await open();
    expect(tower.cache.mode).toBe('redis');
  });
  afterEach(async () => {
    server.resume();
    bridge.fail({ kind: 'none' });
    for (const stop of stops) await stop();
  });

  async function open(options: Partial<UpstashTowerOptions> = {}): Promise<UpstashTower> {
    const opened = await upstashTower({
      url: bridge.url,
      token: bridge.token,
      commandTimeoutMs: DEADLINE_MS,
      ...options,
    });
    stops.unshift(() => opened.stop());
    return opened;
  }

  function key(freshness: CacheKey<string>['freshness'] = 'checked'): CacheKey<string> {
    const organizationId = randomUUID() as OrganizationId;
    const name = `jack:upstash:value:{${organizationId}}:${randomUUID()}`;
    const tags = [organizationId as string as Tag];
    return { name, kind: freshness, organizationId, ttlMs: 600_000, freshness, tags };
  }

  /** @returns how long it took. */
  async function mode(wanted: CacheMode, timeoutMs = 6_000): Promise<number> {
    const sinceMs = performance.now();
    await until(() => tower.cache.mode === wanted, { what: `mode ${wanted}`, everyMs: 2, timeoutMs });
    return performance.now() - sinceMs;
  }
  const handedBack = () =>
    until(() => tower.cache.report().handBack.pending === 0 && tower.cache.mode === 'redis', {
      what: 'the end of the hand-back',
    });
  const calls = async (running: SteadyTraffic, more: number) => {
    const from = running.durationsMs.length;
    await until(() => running.durationsMs.length >= from + more, { what: `${more} more calls` });
  };
  const traffic = (cache = tower.cache) => {
    const running = startSteadyTraffic(cache, key());
    stops.unshift(() => running.stop());
    return running;
  };

  /** Nothing a caller or a log sees may hold the token, the address, a key or a value. */
  function expectNoSecret(text: string): void {
    for (const secret of [
      bridge.token,
      'bridge-token',
      bridge.url,
      '127.0.0.1',
      SECRET_BODY,
      'jack:upstash:value',
    ])
      expect(text).not.toContain(secret);
  }

  /** A whole outage under traffic. */
  async function outage(begin: () => Promise<void>, end: () => Promise<void>): Promise<void> {
    const [stale, timed, deleted] = [key(), key('timed'), key('timed')];
    for (const each of [stale, timed, deleted]) await tower.cache.set(each, 'before');
    const running = traffic();
    await calls(running, 20);
    await begin();
    await mode('memory');
    await tower.cache.set(stale, SECRET_BODY);
    await tower.cache.set(timed, 'during');
    await tower.cache.delete([deleted]);
    await calls(running, 100);
    expect(tower.cache.mode).toBe('memory');
    await end();
    const recoveredInMs = await mode('redis');
    await handedBack();
    await calls(running, 20);
    await running.stop();
    report(running, recoveredInMs);
    expect([running.errors, running.wrong]).toEqual([[], []]);
    expect(Math.max(...running.durationsMs)).toBeLessThan(LONGEST_CALL_MS);
    // A change may have waited behind the one that was under way.
    expect(running.durationsMs.filter((ms) => ms > 150).length).toBeLessThanOrEqual(2);
    expect(recoveredInMs).toBeLessThan(TO_REDIS_MS);
    expect(await tower.cache.get(stale)).toBe(SECRET_BODY);
    expect([await tower.cache.get(timed), await tower.cache.get(deleted)]).toEqual([undefined, undefined]);
    expect(tower.cache.report().handBack.moved).toBeGreaterThanOrEqual(1);
    expect(tower.cache.report().modeChanges).toBe(2);
    expect(tower.log()).toContain('the store of the state changed');
    expectNoSecret(tower.log());
  }

  const heal = async () => bridge.fail({ kind: 'none' });
  const faults: readonly (readonly [name: string, fault: BridgeFault])[] = [
    ['it hangs', { kind: 'hang' }],
    ['it answers 500', { kind: 'status', status: 500 }],
    [
      'it answers 503 with a page instead of JSON',
      { kind: 'status', status: 503, body: '<html>busy</html>' },
    ],
    [
      'it answers 200 with a page instead of JSON',
      { kind: 'status', status: 200, body: '<html>login</html>' },
    ],
    ['it answers 429', { kind: 'status', status: 429 }],
    [
      'its quota is used up',
      {
        kind: 'status',
        status: 400,
        body: '{"error":"ERR max daily request limit exceeded. Limit: 10000, Usage: 10000."}',
      },
    ],
    ['it resets every request', { kind: 'reset' }],
    ['it executes and never tells', { kind: 'lost answer' }],
    ['it is slower than the deadline', { kind: 'slow', ms: DEADLINE_MS + 300 }],
  ];
  it.each(faults)(
    '%s: no error, one stall at most, and what was written meanwhile is in Redis afterwards',
    async (_, fault) => {
      await outage(async () => bridge.fail(fault), heal);
    },
  );

  it('it is down and comes up on the same port: as above', async () => {
    await outage(
      () => bridge.down(),
      () => bridge.up(),
    );
  });

  it('the network is a black hole: as above', async () => {
    await tower.stop();
    const proxy = await TcpProxy.start({ targetPort: Number(new URL(bridge.url).port) });
    stops.splice(-1, 0, () => proxy.stop());
    tower = await open({ url: `http://127.0.0.1:${proxy.port}` });
    await outage(
      () => proxy.blackHole(),
      () => proxy.pass(),
    );
  });

  it('the token is changed: the Map serves until the old one is let in again, and no token is in the log', async () => {
    const old = bridge.token;
    await outage(
      async () => void bridge.rotateToken(),
      async () => {
        expect((await tower.connection.health()).lastError).toBe('HTTP_401');
        bridge.token = old;
      },
    );
  });

  it('the Redis behind it is killed and comes back empty: as above', async () => {
    await outage(
      () => server.kill(),
      () => server.restart(),
    );
  });

  it('it is slow within the deadline: every call is slow, none fails, and the mode stays', async () => {
    bridge.fail({ kind: 'slow', ms: 100 });
    const running = traffic();
    await calls(running, 20);
    await running.stop();
    expect([running.errors, running.wrong]).toEqual([[], []]);
    expect(tower.cache.report()).toMatchObject({ mode: 'redis', modeChanges: 0 });
  });

  it('an answer is lost: the command is not sent again', async () => {
    bridge.requests.length = 0;
    bridge.fail({ kind: 'lost answer' });
    await tower.cache.set(key('timed'), 'once');
    bridge.fail({ kind: 'none' });
    expect(bridge.requests.filter(({ body }) => body.includes('once'))).toHaveLength(1);
    await mode('redis');
    await handedBack();
    expect(bridge.requests.filter(({ body }) => body.includes('once'))).toHaveLength(1);
  });

  it('fifty calls at once meet a hang: all are answered within one deadline, and none is sent later', async () => {
    const keys = Array.from({ length: 50 }, () => key());
    await Promise.all(keys.map((each) => tower.cache.set(each, 'before')));
    bridge.fail({ kind: 'hang' });
    const startedAtMs = performance.now();
    const late = new Promise((resolve) => setTimeout(resolve, 100)).then(() =>
      tower.cache.set(keys[0]!, 'queued'),
    );
    await Promise.all([...keys.map((each) => tower.cache.set(each, 'after')), late]);
    expect(performance.now() - startedAtMs).toBeLessThan(LONGEST_CALL_MS);
    expect(tower.cache.mode).toBe('memory');
    expect(bridge.requests.filter(({ body }) => body.includes('queued'))).toEqual([]);
  });

  it('Redis is full: writes fail for themselves, nothing older is read, and the mode stays', async () => {
    const own = key('timed');
    await tower.cache.set(own, 'before');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    await tower.cache.set(own, 'after');
    expect(await tower.cache.get(own)).not.toBe('before');
    expect(tower.cache.mode).toBe('redis');
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await handedBack();
    await tower.cache.set(own, 'again');
    expect(await tower.cache.get(own)).toBe('again');
  });

  it('it is a replica: the Map serves although reads would be answered', async () => {
    await server.command('REPLICAOF', '127.0.0.1', '1');
    await tower.cache.set(key(), 'during');
    await mode('memory');
    await server.command('REPLICAOF', 'NO', 'ONE');
    expect(await mode('redis')).toBeLessThan(TO_REDIS_MS);
  });

  it('it is absent, or hangs, at the start: the start takes no longer than it may, and it joins when it answers', async () => {
    for (const fault of ['down', 'hang'] as const) {
      if (fault === 'down') await bridge.down();
      else bridge.fail({ kind: 'hang' });
      const late = await open();
      expect(late.startedInMs).toBeLessThan(1_000);
      expect([late.cache.mode, late.connection.isReady()]).toEqual(['memory', false]);
      expect(late.cache.report().modeChanges).toBe(0);
      const own = key();
      await late.cache.set(own, 'v');
      expect(await late.cache.get(own)).toBe('v');
      await bridge.up();
      bridge.fail({ kind: 'none' });
      await until(() => late.cache.mode === 'redis', { what: 'Redis', timeoutMs: TO_REDIS_MS });
      await until(() => late.cache.report().handBack.moved === 1, { what: 'the hand-back' });
    }
  });

  it('stopping does not wait for an answer', async () => {
    bridge.fail({ kind: 'hang' });
    const waiting = tower.cache.set(key(), 'v');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const startedAtMs = performance.now();
    await tower.stop();
    await waiting;
    expect(performance.now() - startedAtMs).toBeLessThan(300);
  });

  it('without a fallback its errors are clear and hold no token, address, key or value', async () => {
    const failing: readonly (() => unknown)[] = [
      ...faults.slice(1).map(
        ([, fault]) =>
          () =>
            bridge.fail(fault),
      ),
      () => bridge.rotateToken(),
      () => bridge.down(),
    ];
    for (const begin of failing) {
      const strict = await open({ isFallbackEnabled: false });
      await begin();
      // Until a connection that was kept has heard of its end, so that the call has to make a new one.
      await new Promise((resolve) => setTimeout(resolve, 20));
      const failure: unknown = await strict.cache.set(key(), SECRET_BODY).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'E_CACHE_UNAVAILABLE' });
      expectNoSecret(inspect(failure, { depth: 9, showHidden: true }));
      expectNoSecret(strict.log());
      bridge.fail({ kind: 'none' });
    }
  });

  it('health says what is known, and what REST cannot do has a reason', async () => {
    expect(await tower.connection.health()).toMatchObject({
      state: 'ready',
      lastError: null,
      version: expect.stringMatching(/^\d+\./),
      role: 'master',
      usedMemoryBytes: expect.any(Number),
    });
    bridge.fail({ kind: 'status', status: 500 });
    await tower.cache.get(key());
    expect(await tower.connection.health()).toMatchObject({
      state: 'connecting',
      lastError: 'HTTP_500',
      version: null,
    });
    expect(tower.connection.features.publish).toEqual({ supported: true });
    const { subscribe, blockingReads, sharedLimits } = tower.connection.features;
    for (const feature of [subscribe, blockingReads, sharedLimits])
      expect(feature).toEqual({ supported: false, reason: expect.stringContaining('REST') });
  });
});

/** With JACK_FIGURES set, for the tables of the guide. */
function report({ durationsMs }: SteadyTraffic, recoveredInMs: number): void {
  if (!process.env.JACK_FIGURES) return;
  const longest = durationsMs
    .toSorted((a, b) => b - a)
    .slice(0, 2)
    .map(Math.round)
    .join(' and ');
  process.stderr.write(
    `figures: ${expect.getState().currentTestName} longest ${longest} ms, recovered in ${Math.round(recoveredInMs)} ms\n`,
  );
}
