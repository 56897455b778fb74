import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_AGE_MS, retryDelayMs } from '../../../services/alerts/schedule.js';

const HOUR_MS = 3_600_000;

describe('When a webhook is tried again', () => {
  it('begins within seconds and grows to hours', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 20].map((failures) => retryDelayMs(failures, 0, 0.5));
    expect(delays).toEqual([
      5_000,
      30_000,
      120_000,
      600_000,
      1_800_000,
      HOUR_MS,
      2 * HOUR_MS,
      4 * HOUR_MS,
      8 * HOUR_MS,
      8 * HOUR_MS,
    ]);
  });

  it('ends within a day of the alert, after about ten tries', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 40, maxLength: 40 }),
        (chances) => {
          let ageMs = 0;
          let tries = 0;
          for (const random of chances) {
            tries += 1;
            const delayMs = retryDelayMs(tries, ageMs, random);
            if (delayMs === undefined) break;
            ageMs += delayMs;
          }
          expect(ageMs).toBeLessThanOrEqual(MAX_AGE_MS);
          expect(tries).toBeGreaterThanOrEqual(9);
          expect(tries).toBeLessThanOrEqual(13);
        },
      ),
    );
  });

  it('is not tried again when the alert is a day old', () => {
    expect(retryDelayMs(1, MAX_AGE_MS, 0)).toBeUndefined();
  });
});
