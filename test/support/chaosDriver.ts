/** A driver that fails when told to, and never by chance. */
import type { CacheDriver } from '../../services/cache/types.js';
import { Guard, type GuardedLink, type GuardOptions } from '../../services/redis/guard.js';

export interface ChaosDriver extends CacheDriver {
  /** What a guard sees of the connection, probe included. */
  readonly link: GuardedLink;
  /** Names of the methods that reached the driver inside, in order. */
  readonly calls: string[];
  /** How often the guard has ended the connection. */
  reconnects(): number;
  /** The next call fails with this message, without reaching the driver inside. */
  failNext(message: string): void;
  /** The next call is executed, but its answer never comes. */
  loseNextAnswer(): void;
  /** Every call and probe fails at once until `comeBack`. */
  goAway(): void;
  comeBack(): void;
  /** Holds the next call of this method until the returned function is called. */
  hold(method: keyof CacheDriver): () => void;
  /** The next call of this method is executed, and its answer kept back until `release`. */
  holdAnswer(method: keyof CacheDriver): { readonly answered: Promise<void>; release(): void };
}

type Method = (...args: unknown[]) => Promise<unknown>;

const METHODS = [
  'getMany',
  'set',
  'setIfAbsent',
  'delete',
  'acquireLease',
  'releaseLease',
  'clearTag',
] as const satisfies readonly (keyof CacheDriver)[];

export function createChaosDriver(inside: CacheDriver): ChaosDriver {
  const calls: string[] = [];
  const gates = new Map<string, Promise<void>>();
  const answerGates = new Map<string, { tell(): void; readonly opened: Promise<void> }>();
  let fault: 'none' | 'lost answer' | Error = 'none';
  let isAway = false;
  let reconnects = 0;

  const wrap = (method: (typeof METHODS)[number]): Method => {
    const real = inside[method].bind(inside) as Method;
    return async (...args) => {
      if (isAway) throw new Error('Connection is closed.');
      const now = fault;
      fault = 'none';
      if (now instanceof Error) throw now;
      calls.push(method);
      const gate = gates.get(method);
      gates.delete(method);
      await gate;
      const answerGate = answerGates.get(method);
      answerGates.delete(method);
      const answer = await real(...args);
      answerGate?.tell();
      await answerGate?.opened;
      return now === 'lost answer' ? await new Promise(() => undefined) : answer;
    };
  };

  return {
    ...(Object.fromEntries(METHODS.map((method) => [method, wrap(method)])) as unknown as CacheDriver),
    name: 'redis',
    leaseScope: inside.leaseScope,
    calls,
    link: {
      isReady: () => !isAway,
      probe: async () => {
        if (isAway) throw new Error('Connection is closed.');
      },
      reconnect: () => {
        reconnects += 1;
      },
    },
    reconnects: () => reconnects,
    failNext: (message) => {
      fault = new Error(message);
    },
    loseNextAnswer: () => {
      fault = 'lost answer';
    },
    goAway: () => {
      isAway = true;
    },
    comeBack: () => {
      isAway = false;
    },
    hold: (method) => {
      let open = (): void => undefined;
      gates.set(method, new Promise((resolve) => (open = resolve)));
      return () => open();
    },
    holdAnswer: (method) => {
      let release = (): void => undefined;
      const opened = new Promise<void>((resolve) => (release = resolve));
      const answered = new Promise<void>((tell) => answerGates.set(method, { tell, opened }));
      return { answered, release: () => release() };
    },
  };
}

/** The same behind a guard of its own, as the cache expects a Redis to be. */
export function guardChaos(chaos: ChaosDriver, options: Partial<GuardOptions> = {}) {
  const breaker = Guard.create({ link: chaos.link, ...options });
  const driver = {
    ...chaos,
    ...(Object.fromEntries(
      METHODS.map((method) => [
        method,
        (...args: unknown[]) => breaker.run(() => (chaos[method] as Method)(...args)),
      ]),
    ) as unknown as CacheDriver),
    name: chaos.name,
    leaseScope: chaos.leaseScope,
  };
  return { driver, breaker, isReady: () => chaos.link.isReady() };
}
