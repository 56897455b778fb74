/** The guard under any sequence of answers, hangs, errors, probes and breaks, on fake time. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { Guard, isOwnFault, RedisAwayError } from '../../services/redis/guard.js';
import { counted, timeLimitMs } from '../support/bounded.js';

const DEADLINE_MS = 80;
const PROBE_EVERY_MS = 250;
const MISSES = 3;
const STEP_MS = 10;

type Step =
  | {
      readonly do: 'call';
      readonly answer: 'value' | 'never' | 'OOM' | 'READONLY' | 'closed';
      readonly afterMs: number;
    }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'ready'; readonly isReady: boolean }
  | { readonly do: 'probes'; readonly how: 'pass' | 'fail' | 'hang' }
  | { readonly do: 'hook'; readonly how: 'pass' | 'fail' | 'slow' }
  | { readonly do: 'lost' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      answer: fc.constantFrom('value', 'value', 'never', 'never', 'OOM', 'READONLY', 'closed'),
      afterMs: fc.constantFrom(0, 10, 70, 90, 200),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(10, 80, 100, 250, 600) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ready' as const), isReady: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('probes' as const),
      how: fc.constantFrom('pass', 'fail', 'hang'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('hook' as const), how: fc.constantFrom('pass', 'fail', 'slow') }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'lost' as const }) },
);

const MESSAGES = {
  OOM: 'OOM command not allowed',
  READONLY: "READONLY You can't write against a read only replica.",
  closed: 'Connection is closed.',
};

interface Settled {
  readonly beganMs: number;
  readonly wasOpen: boolean;
  readonly answer: string;
  endedMs?: number;
  outcome?: unknown;
}

class World {
  nowMs = 0;
  isReady = true;
  probes: 'pass' | 'fail' | 'hang' = 'pass';
  hook: 'pass' | 'fail' | 'slow' = 'pass';
  isHookRunning = false;
  reachedRedis = 0;
  readonly calls: Settled[] = [];
  readonly changes: boolean[] = [];
  readonly guard: Guard;

  constructor() {
    this.guard = Guard.create({
      deadlineMs: DEADLINE_MS,
      missesToOpen: MISSES,
      probeEveryMs: PROBE_EVERY_MS,
      probesToClose: 2,
      link: {
        isReady: () => this.isReady,
        probe: () => {
          if (this.probes === 'fail') return Promise.reject(new Error('LOADING'));
          return this.probes === 'hang' ? new Promise(() => undefined) : Promise.resolve();
        },
        reconnect: () => undefined,
      },
    });
    this.guard.onChange((isOpen) => this.changes.push(isOpen));
    this.guard.onBeforeClose(async () => {
      this.isHookRunning = true;
      try {
        if (this.hook === 'fail') throw new Error('the hook failed');
        if (this.hook === 'slow') await new Promise((resolve) => setTimeout(resolve, 100));
      } finally {
        this.isHookRunning = false;
      }
    });
  }

  call(answer: Extract<Step, { do: 'call' }>['answer'], afterMs: number): void {
    const call: Settled = {
      beganMs: this.nowMs,
      wasOpen: this.guard.isOpen && !this.isHookRunning,
      answer,
    };
    this.calls.push(call);
    const reached = this.reachedRedis;
    const work = () => {
      this.reachedRedis += 1;
      if (answer === 'never') return new Promise<string>(() => undefined);
      return new Promise<string>((resolve, reject) =>
        setTimeout(
          () => (answer === 'value' ? resolve('value') : reject(new Error(MESSAGES[answer]))),
          afterMs,
        ),
      );
    };
    const settle = (outcome: unknown) => {
      call.endedMs = this.nowMs;
      call.outcome = outcome;
    };
    this.guard.run(work).then(settle, settle);
    if (call.wasOpen) expect(this.reachedRedis).toBe(reached);
  }

  /** In steps, with a real turn of the event loop after each: the deadline waits for one. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await jest.advanceTimersByTimeAsync(STEP_MS);
      this.nowMs += STEP_MS;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async take(next: Step): Promise<void> {
    if (next.do === 'call') this.call(next.answer, next.afterMs);
    else if (next.do === 'pass') await this.pass(next.ms);
    else if (next.do === 'ready') this.isReady = next.isReady;
    else if (next.do === 'probes') this.probes = next.how;
    else if (next.do === 'hook') this.hook = next.how;
    else this.guard.open('not connected');
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What must hold of every call, whatever happened. */
  checkCalls(): void {
    for (const { beganMs, endedMs, wasOpen, answer, outcome } of this.calls) {
      const isLate = this.nowMs - beganMs > DEADLINE_MS + STEP_MS;
      if (isLate) expect(endedMs).toBeDefined();
      if (endedMs === undefined) continue;
      expect(endedMs - beganMs).toBeLessThanOrEqual(DEADLINE_MS + STEP_MS);
      if (wasOpen) expect([endedMs, outcome]).toEqual([beganMs, expect.any(RedisAwayError)]);
      else if (answer === 'never' || answer === 'READONLY' || answer === 'closed') {
        expect(outcome).toBeInstanceOf(RedisAwayError);
      } else if (answer === 'OOM' && !(outcome instanceof RedisAwayError)) {
        expect(isOwnFault(outcome)).toBe(true);
      }
    }
  }
}

describe('The guard, whatever happens', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it(
    'keeps no caller beyond the deadline, lets none through while open, and is closed again soon after all is well',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
          const world = new World();
          for (const next of steps) {
            await world.take(next);
            world.checkCalls();
          }
          await world.pass(DEADLINE_MS + STEP_MS);
          world.checkCalls();
          // Calls go on all the time: traffic must not keep it open.
          [world.isReady, world.probes, world.hook] = [true, 'pass', 'pass'];
          for (let n = 0; n < 12; n += 1) {
            world.call('value', 0);
            await world.pass(100);
          }
          expect(world.guard.isOpen).toBe(false);
          expect(world.calls.at(-1)?.outcome).toBe('value');
          // Changes are told in turn, each once.
          expect(world.changes).toEqual(world.changes.map((_, n) => n % 2 === 0));
          world.guard.stop();
        }),
        counted(400),
      );
    },
    timeLimitMs(4),
  );

  it(
    'opens after three misses in a row or at once when the server says so, and not before',
    async () => {
      const answer = fc.constantFrom(
        'value',
        'value',
        'never',
        'never',
        'never',
        'never',
        'OOM',
        'OOM',
        'READONLY',
        'closed',
      );
      await fc.assert(
        fc.asyncProperty(fc.array(answer, { maxLength: 25, size: 'max' }), async (answers) => {
          const world = new World();
          let misses = 0;
          for (const each of answers) {
            world.call(each as 'value', 0);
            await world.pass(DEADLINE_MS + STEP_MS);
            if (each === 'value') misses = 0;
            if (each === 'never') misses += 1;
            const mustBeOpen = misses >= MISSES || each === 'READONLY' || each === 'closed';
            expect(world.guard.isOpen).toBe(mustBeOpen);
            if (mustBeOpen) break;
          }
          world.guard.stop();
        }),
        counted(1_000),
      );
    },
    timeLimitMs(2),
  );
});
