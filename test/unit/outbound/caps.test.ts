import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isWithinCap, startedTextsPerDay } from '../../../services/outbound/caps.js';

const HOUR_MS = 60 * 60 * 1000;

describe('Frequency caps', () => {
  it('The strictest of law, house and organization counts', () => {
    expect(startedTextsPerDay([], undefined)).toBe(3);
    expect(startedTextsPerDay(['US-FL', 'US-NY'], undefined)).toBe(3);
    expect(startedTextsPerDay(['US-FL'], 1)).toBe(1);
    expect(startedTextsPerDay(['US-NY'], 9)).toBe(3);
  });

  it.each([
    ['the first', [], 100, true],
    ['the third of a day', [90, 99], 100, true],
    ['the fourth of a day', [90, 95, 99], 100, false],
    ['the fourth after a day', [76, 95, 99], 100, true],
    ['one before three that are to leave', [101, 110, 120], 100, false],
    ['one between others, all within a day', [95, 99, 110], 100, false],
    ['one when those to leave are a day away', [124, 125, 126], 100, true],
  ])('%s', (_name, hours, at, expected) => {
    const startedAtMs = hours.map((hour) => hour * HOUR_MS);
    expect(isWithinCap(startedAtMs, at * HOUR_MS, 3)).toBe(expected);
  });

  it('Whatever is allowed in whatever order, no 24 hours ever hold more than the cap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 200 })),
        fc.integer({ min: 0, max: 3 }),
        (hours, most) => {
          const left: number[] = [];
          for (const hour of hours) if (isWithinCap(left, hour * HOUR_MS, most)) left.push(hour * HOUR_MS);
          for (const from of left) {
            expect(left.filter((ms) => ms >= from && ms < from + 24 * HOUR_MS).length).toBeLessThanOrEqual(
              most,
            );
          }
        },
      ),
    );
  });
});
