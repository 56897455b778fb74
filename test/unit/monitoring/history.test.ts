import { describe, expect, it } from '@jest/globals';
import { History } from '../../../services/monitoring/history.js';
import type { Sample } from '../../../services/monitoring/types.js';

const MINUTE_MS = 60_000;

const sample = (minute: number, change: Partial<Sample> = {}): Sample => ({
  atMs: minute * MINUTE_MS,
  mode: 'redis',
  kinds: {},
  fallbackEvictions: 0,
  redisEvictions: 0,
  roundTripsMs: [],
  ...change,
});

describe('The history of samples', () => {
  it('When there is none yet, then nothing is recent', () => {
    const now = sample(0, {
      kinds: { snapshot: { hits: 5, misses: 5 } },
      redisEvictions: 9,
      fallbackEvictions: 9,
    });
    expect(new History(4).recent(now)).toEqual({
      spanMs: 0,
      kinds: { snapshot: { hits: 0, misses: 0 } },
      redisEvictions: 0,
      fallbackEvictions: 0,
      roundTrips: null,
    });
  });

  it('When counts grow, then what they grew by in the last ten minutes is recent', () => {
    const history = new History(240);
    for (let minute = 0; minute <= 20; minute += 1) {
      history.add(
        sample(minute, {
          redisEvictions: minute,
          kinds: { snapshot: { hits: minute * 10, misses: minute } },
        }),
      );
    }
    const now = sample(21, {
      redisEvictions: 25,
      kinds: { snapshot: { hits: 300, misses: 21 }, history: { hits: 0, misses: 2 } },
    });
    expect(history.recent(now)).toMatchObject({
      spanMs: 10 * MINUTE_MS,
      kinds: { snapshot: { hits: 190, misses: 10 }, history: { hits: 0, misses: 2 } },
      redisEvictions: 14,
    });
  });

  it('When the server started in between, then all that it counted is recent; when it is away, then nothing is known', () => {
    const history = new History(10);
    history.add(sample(0, { redisEvictions: 1_000 }));
    expect(history.recent(sample(1, { redisEvictions: 3 })).redisEvictions).toBe(3);
    expect(history.recent(sample(1, { redisEvictions: null })).redisEvictions).toBeNull();
  });

  it('When round trips are measured, then the percentile is over all looks and not the worst of one', () => {
    const history = new History(240);
    for (let n = 0; n < 20; n += 1)
      history.add(sample(n / 4, { roundTripsMs: Array.from({ length: 10 }, () => 1) }));
    expect(history.recent(sample(6, { roundTripsMs: [500, 400] })).roundTrips).toEqual({
      count: 202,
      p99Ms: 1,
    });
    expect(history.recent(sample(6, { roundTripsMs: [500, 400, 30] })).roundTrips).toEqual({
      count: 203,
      p99Ms: 30,
    });
  });

  it('When it is full, then the oldest goes', () => {
    const history = new History(240);
    for (let n = 0; n < 10_000; n += 1) history.add(sample(n / 4));
    expect(history.length).toBe(240);
  });
});
