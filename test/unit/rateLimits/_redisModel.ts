/** Redis as far as a limit needs it, on the test's clock: counts with an expiry, and the ways in which it fails. */
import type { Redis } from 'ioredis';
import type { LimitAccess } from '../../../services/rateLimits/storeClient.js';
import { type LimitNames, RateLimits, type RateLimitsDeps } from '../../../services/rateLimits.js';
import { silentLogger } from '../../support/testDatabase.js';

export type RedisState = 'up' | 'away' | 'losesReplies';

export class RedisModel {
  state: RedisState = 'up';
  exchanges = 0;
  readonly counters = new Map<string, { value: number; endsAtMs: number }>();
  readonly #clock: TestClock;

  constructor(clock: TestClock) {
    this.#clock = clock;
  }

  access(): LimitAccess {
    const client = {
      defineCommand: () => undefined,
      countLimits: async (keys: number, ...rest: string[]) => {
        const args = rest.slice(keys);
        const width = args.length / keys;
        return rest
          .slice(0, keys)
          .map((name, at) => this.#increment(name, Number(args[at * width]), Number(args[at * width + 1])));
      },
    } as unknown as Redis;
    return {
      groupOf: () => 0,
      clientOf: () => client,
      exchange: async (work) => {
        if (this.state === 'away') throw named('RedisAwayError');
        this.exchanges += 1;
        const result = await work();
        if (this.state === 'losesReplies') throw named('RedisAwayError');
        return result;
      },
    };
  }

  #increment(name: string, points: number, seconds: number): readonly [number, number] {
    const nowMs = this.#clock.monotonicMs();
    const counter = this.counters.get(name);
    const value = (counter && counter.endsAtMs > nowMs ? counter.value : 0) + points;
    const endsAtMs = counter && counter.endsAtMs > nowMs ? counter.endsAtMs : nowMs + seconds * 1_000;
    this.counters.set(name, { value, endsAtMs });
    return [value, Math.round(endsAtMs - nowMs)];
  }
}

const named = (name: string): Error => Object.assign(new Error('no answer'), { name });

export class TestClock {
  nowMs = 1_000;
  monotonicMs(): number {
    return this.nowMs;
  }
}

export const plainNames: LimitNames = {
  ofOrganization: (organizationId, limit, credential = '') => `${limit}:{${organizationId}}:${credential}`,
  ofOutsider: (limit, subject) => `${limit}:{${subject}}`,
};

export const newLimits = (clock: TestClock, more: Partial<RateLimitsDeps> = {}): RateLimits =>
  RateLimits.create({ access: undefined, names: plainNames, clock, logger: silentLogger, ...more });
