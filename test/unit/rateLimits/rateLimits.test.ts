import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { RateLimits } from '../../../services/rateLimits.js';
import type { OrganizationId } from '../../../services/types.js';
import { newLimits, RedisModel, type RedisState, TestClock } from './_redisModel.js';

const POINTS = 20;
const WINDOW_MS = 60_000;
const limits = { phonePage: { points: POINTS, windowMs: WINDOW_MS } };
const ADDRESS = '198.51.100.7';

function stage(processes = 1) {
  const clock = new TestClock();
  const redis = new RedisModel(clock);
  const all = Array.from({ length: processes }, () => newLimits(clock, { access: redis.access(), limits }));
  return { clock, redis, all, first: all[0] as RateLimits };
}

const ask = async (rateLimits: RateLimits): Promise<boolean> =>
  (await rateLimits.address('phonePage', ADDRESS)).isAllowed;

async function allowedOf(rateLimits: RateLimits, requests: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: requests }, () => ask(rateLimits)));
  return answers.filter(Boolean).length;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('A rate limit', () => {
  it('allows what the window holds, refuses the rest, and begins again with the next window', async () => {
    const { clock, first } = stage();
    expect(await allowedOf(first, POINTS + 5)).toBe(POINTS);
    const refused = await first.address('phonePage', ADDRESS);
    expect(refused).toMatchObject({ isAllowed: false, remaining: 0, quota: POINTS, resetMs: WINDOW_MS });
    clock.nowMs += WINDOW_MS;
    expect(await ask(first)).toBe(true);
  });

  it('says once a window that it was reached', async () => {
    const { clock, first } = stage();
    await allowedOf(first, POINTS);
    const news = async () => (await first.address('phonePage', ADDRESS)).isNews;
    expect([await news(), await news(), await news()]).toEqual([true, false, false]);
    clock.nowMs += WINDOW_MS;
    expect(await news()).toBe(false);
  });

  it('counts for all processes while Redis is there, with one exchange for requests of one moment', async () => {
    const { redis, all } = stage(2);
    const [a = 0, b = 0] = await Promise.all(all.map((one) => allowedOf(one, POINTS)));
    expect(a + b).toBe(POINTS);
    // Sixteen go at once, the other four at the end of the moment.
    expect(redis.exchanges).toBe(2 * 2);
    await ask(all[0] as RateLimits);
    expect(redis.exchanges).toBe(2 * 2 + 1);
  });

  it('knows in memory what was used up in Redis, and tells Redis what was used up in memory', async () => {
    const { redis, first } = stage();
    await allowedOf(first, 15);
    redis.state = 'away';
    expect(await allowedOf(first, 3)).toBe(3);
    redis.state = 'up';
    await ask(first);
    expect([...redis.counters.values()].map(({ value }) => value)).toEqual([19]);
    expect(await allowedOf(first, 10)).toBe(1);
  });

  it('does not touch Redis while the guard is open', async () => {
    const { redis, first } = stage();
    redis.state = 'away';
    await allowedOf(first, 10);
    expect(redis.exchanges).toBe(0);
    expect(first.report().counted).toEqual({ redis: 0, memory: 10 });
  });

  it('tells Redis after an outage of callers who did not come again, and other processes see it', async () => {
    const { redis, all } = stage(2);
    const [a, b] = all as [RateLimits, RateLimits];
    redis.state = 'away';
    for (let n = 0; n < 500; n += 1) await a.address('phonePage', `198.51.${n >> 8}.${n & 255}`);
    await allowedOf(a, POINTS);
    redis.state = 'up';
    await a.address('phonePage', '203.0.113.1');
    for (let n = 0; n < 20; n += 1) await settle();
    expect(a.report().untold).toBe(0);
    expect(redis.counters.size).toBe(502);
    expect(await ask(b)).toBe(false);
  });

  it('keeps its count when Redis comes back empty, each process its own part', async () => {
    const { redis, all } = stage(4);
    for (const one of all) await allowedOf(one, 3);
    redis.counters.clear();
    for (const one of all) {
      await ask(one);
      await settle();
    }
    const [total = 0] = [...redis.counters.values()].map(({ value }) => value);
    // Sixteen were asked for. A process that last heard a low count tells too little; none tells what others used.
    expect(total).toBeGreaterThanOrEqual(12);
    expect(total).toBeLessThanOrEqual(16);
    expect(await allowedOf(all[3] as RateLimits, 10)).toBe(POINTS - total);
  });

  it('asks for the key and for the organization at once, and each refuses by itself', async () => {
    const clock = new TestClock();
    const redis = new RedisModel(clock);
    const own = { key: { points: 2, windowMs: 1_000 }, organization: { points: 3, windowMs: 1_000 } };
    const one = newLimits(clock, { access: redis.access(), limits: own });
    const call = async (key: string) =>
      (await one.apiCall('acme' as OrganizationId, key)).map(({ isAllowed }) => isAllowed);
    expect(await call('a')).toEqual([true, true]);
    expect(await call('a')).toEqual([true, true]);
    expect(await call('a')).toEqual([false, true]);
    expect(await call('b')).toEqual([true, false]);
    expect((await one.apiCall('other' as OrganizationId, 'a')).every(({ isAllowed }) => isAllowed)).toBe(
      true,
    );
  });

  it('forgets the quietest caller when memory is full, and says so', async () => {
    const clock = new TestClock();
    const one = newLimits(clock, { limits, maxWindows: 10 });
    for (let n = 0; n < 25; n += 1) await one.address('phonePage', `198.51.100.${n}`);
    expect(one.report()).toMatchObject({ windows: 10, evicted: 15, untold: 10 });
  });
});

type Step =
  | { readonly kind: 'requests'; readonly process: number; readonly count: number }
  | { readonly kind: 'redis'; readonly state: RedisState }
  | { readonly kind: 'emptied' }
  | { readonly kind: 'time'; readonly ms: number };

const step = (longestMs: number): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('requests' as const),
        process: fc.nat(2),
        count: fc.integer({ min: 1, max: 12 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('redis' as const),
        state: fc.constantFrom<RedisState>('up', 'away', 'losesReplies'),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'emptied' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('time' as const),
        ms: fc.integer({ min: 1, max: longestMs }),
      }),
    },
  );

/**
 * @returns when each request was allowed, how many were asked for, and how many may count twice: a request whose reply is
 * lost takes along what Redis has not confirmed yet, and all of that is sent again.
 */
async function play(steps: readonly Step[], processes: number) {
  const { clock, redis, all } = stage(processes);
  const allowedAtMs: number[] = [];
  let asked = 0;
  let twice = 0;
  let unconfirmed = 0;
  for (const next of steps) {
    if (next.kind === 'redis') redis.state = next.state;
    else if (next.kind === 'emptied') redis.counters.clear();
    else if (next.kind === 'time') clock.nowMs += next.ms;
    else {
      const allowed = await allowedOf(all[next.process % processes] as RateLimits, next.count);
      for (let n = 0; n < allowed; n += 1) allowedAtMs.push(clock.nowMs);
      asked += next.count;
      unconfirmed = redis.state === 'up' ? 0 : unconfirmed + next.count;
      if (redis.state === 'losesReplies') twice += next.count * unconfirmed;
      await settle();
    }
  }
  return { allowedAtMs, asked, twice };
}

// Hundreds of runs each, on machines that do other things too.
jest.setTimeout(90_000);

describe('A rate limit through changes of store', () => {
  it('never allows one process more than the limit in a window, however often Redis goes, comes and is emptied', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step(2_000), { minLength: 5, maxLength: 25 }), async (steps) => {
        // 25 steps of 2 s at most stay within one window.
        const { allowedAtMs, asked, twice } = await play(steps, 1);
        expect(allowedAtMs.length).toBeLessThanOrEqual(POINTS);
        // Nothing but lost replies takes anything away.
        expect(allowedAtMs.length).toBeGreaterThanOrEqual(Math.min(asked, POINTS) - twice);
      }),
      { numRuns: 500 },
    );
  });

  it('never allows one process more than two windows hold in the time of one, wherever that begins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step(40_000), { minLength: 10, maxLength: 60 }), async (steps) => {
        const { allowedAtMs } = await play(steps, 1);
        for (const fromMs of allowedAtMs) {
          const within = allowedAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + WINDOW_MS);
          expect(within.length).toBeLessThanOrEqual(2 * POINTS);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never allows three processes more than the limit each in a window', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step(2_000), { minLength: 5, maxLength: 25 }), async (steps) => {
        const { allowedAtMs } = await play(steps, 3);
        expect(allowedAtMs.length).toBeLessThanOrEqual(3 * POINTS);
      }),
      { numRuns: 200 },
    );
  });
});
