import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Guard, type GuardOptions, RedisAwayError, withDeadline } from '../../../services/redis/guard.js';

const never = <T>(): Promise<T> => new Promise(() => undefined);
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: Error) => error.message,
  );

/** In steps, with a real turn of the event loop after each: the deadline waits for one. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    await jest.advanceTimersByTimeAsync(Math.min(10, ms - passed));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Bench {
  readonly guard: Guard;
  readonly link: { isReady: boolean; probes: number; reconnects: number; probe: () => Promise<void> };
  readonly changes: boolean[];
}

function createBench(options: Partial<GuardOptions> = {}): Bench {
  const link = { isReady: true, probes: 0, reconnects: 0, probe: async () => undefined };
  const changes: boolean[] = [];
  const guard = Guard.create({
    link: {
      isReady: () => link.isReady,
      probe: async () => {
        link.probes += 1;
        await link.probe();
      },
      reconnect: () => {
        link.reconnects += 1;
      },
    },
    ...options,
  });
  guard.onChange((isOpen) => changes.push(isOpen));
  return { guard, link, changes };
}

describe('The guard', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('When an answer takes 80 ms, then the call fails as unknown, and a single one opens nothing', async () => {
    const { guard, link } = createBench();
    const call = outcome(guard.run(never));
    await pass(79);
    expect(await Promise.race([call, Promise.resolve('waiting')])).toBe('waiting');
    await pass(1);
    expect(await call).toBe('Redis is away: deadline');
    expect([guard.isOpen, link.reconnects]).toEqual([false, 0]);
  });

  it('When three in a row miss, then it opens and ends the connection once, however many were under way', async () => {
    const { guard, link, changes } = createBench();
    const calls = Array.from({ length: 40 }, () => outcome(guard.run(never)));
    await pass(80);
    expect(new Set(await Promise.all(calls))).toEqual(
      new Set(['Redis is away: deadline', 'Redis is away: open']),
    );
    expect([guard.isOpen, link.reconnects, changes]).toEqual([true, 1, [true]]);
  });

  it('When it opens, then a call that has just begun waits no longer either', async () => {
    const { guard } = createBench();
    const first = Array.from({ length: 3 }, () => outcome(guard.run(never)));
    await pass(70);
    const late = outcome(guard.run(never));
    await pass(10);
    expect(guard.isOpen).toBe(true);
    expect(await Promise.race([late, Promise.resolve('waiting')])).toBe('Redis is away: open');
    await Promise.all(first);
  });

  it('When an answer comes between misses, then the count begins anew', async () => {
    const { guard } = createBench();
    for (let round = 0; round < 3; round += 1) {
      for (let miss = 0; miss < 2; miss += 1) {
        const call = outcome(guard.run(never));
        await pass(80);
        await call;
      }
      await guard.run(async () => 'answer');
    }
    expect(guard.isOpen).toBe(false);
  });

  it('When it is open, then no call touches Redis and every one fails at once', async () => {
    const { guard } = createBench();
    guard.open('test');
    const work = jest.fn(async () => 'answer');
    await expect(guard.run(work)).rejects.toThrow(RedisAwayError);
    expect(work).not.toHaveBeenCalled();
  });

  it('When the connection is not ready, then the first call opens it without waiting', async () => {
    const { guard, link } = createBench();
    link.isReady = false;
    expect(await outcome(guard.run(never))).toBe('Redis is away: not connected');
    expect(guard.isOpen).toBe(true);
  });

  it('When two probes in a row pass, 250 ms apart, then it closes', async () => {
    const { guard, link, changes } = createBench();
    guard.open('test');
    await pass(499);
    expect([link.probes, guard.isOpen]).toEqual([1, true]);
    await pass(1);
    expect([link.probes, guard.isOpen, changes]).toEqual([2, false, [true, false]]);
  });

  it('When calls keep coming while it is open, then it closes all the same', async () => {
    const { guard } = createBench();
    guard.open('test');
    for (let n = 0; n < 50; n += 1) {
      await outcome(guard.run(never));
      await pass(10);
    }
    expect(guard.isOpen).toBe(false);
  });

  it('When a probe fails or hangs between two that pass, then the count of passes begins anew', async () => {
    const { guard, link } = createBench();
    const probes = [
      async () => undefined,
      async () => {
        throw new Error('READONLY You cannot write against a read only replica.');
      },
      async () => undefined,
      () => never<undefined>(),
      async () => undefined,
    ];
    link.probe = () => (probes.shift() ?? (async () => undefined))();
    guard.open('test');
    // The one that hangs is given up after its deadline, and the next follows 250 ms later.
    await pass(4 * 250 + 80 + 250);
    expect([link.probes, guard.isOpen]).toEqual([5, true]);
    await pass(260);
    expect([link.probes, guard.isOpen]).toEqual([6, false]);
  });

  it('When the connection is away at probing time, then nothing is sent, and passes before it do not count', async () => {
    const { guard, link } = createBench();
    guard.open('test');
    await pass(250);
    link.isReady = false;
    await pass(250);
    link.isReady = true;
    await pass(250);
    expect([link.probes, guard.isOpen]).toEqual([2, true]);
    await pass(250);
    expect(guard.isOpen).toBe(false);
  });

  it.each(['OOM', 'BUSY', 'NOSCRIPT', 'CROSSSLOT', 'TRYAGAIN', 'WRONGTYPE', 'NOPERM'])(
    'When the server answers %s, then only that call fails, with the server’s own error',
    async (code) => {
      const { guard, link } = createBench();
      for (let n = 0; n < 5; n += 1) {
        expect(
          await outcome(
            guard.run(async () => {
              throw new Error(`${code} because`);
            }),
          ),
        ).toBe(`${code} because`);
      }
      expect([guard.isOpen, link.reconnects]).toEqual([false, 0]);
    },
  );

  it.each([
    'Connection is closed.',
    'READONLY no writes',
    'LOADING dataset',
    'NOAUTH Authentication required.',
  ])('When a call fails with "%s", then it opens at once', async (message) => {
    const { guard } = createBench();
    const call = guard.run(async () => {
      throw new Error(message);
    });
    await expect(call).rejects.toThrow(RedisAwayError);
    expect(guard.isOpen).toBe(true);
  });

  it('The work before closing comes after the probes and before traffic; when it fails, then it stays open', async () => {
    const seen: string[] = [];
    let fails = 1;
    const { guard, link } = createBench();
    guard.onBeforeClose(async () => {
      seen.push(`open ${guard.isOpen}, probes ${link.probes}`);
      if (fails-- > 0) throw new Error('Connection is closed.');
      expect(await guard.run(async () => 'passes')).toBe('passes');
    });
    guard.open('test');
    await pass(500);
    expect(guard.isOpen).toBe(true);
    await pass(500);
    expect(guard.isOpen).toBe(false);
    expect(seen).toEqual(['open true, probes 2', 'open true, probes 4']);
  });

  it('When it is stopped, then it never probes again, and a late loss of the connection starts nothing', async () => {
    const { guard, link } = createBench();
    guard.open('test');
    guard.stop();
    guard.open('late');
    await pass(5_000);
    expect([link.probes, jest.getTimerCount()]).toEqual([0, 0]);
  });
});

describe('A deadline', () => {
  it('When our own event loop stood still while the answer arrived, then the answer counts', async () => {
    // The answer comes in the poll phase that follows the stall, as from a socket.
    const answer = new Promise((resolve) => setTimeout(() => setImmediate(() => resolve('answer')), 1));
    const guarded = withDeadline(answer, 20);
    const untilMs = performance.now() + 60;
    while (performance.now() < untilMs);
    await expect(guarded).resolves.toBe('answer');
  });
});
