/** When a text goes once more. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextTextHour, TEXT_HOURS } from '../../../services/outbound/textHours.js';

const hourIn = (timeZone: string, ms: number): number =>
  Number(new Intl.DateTimeFormat('en-US', { timeZone, hour: 'numeric', hourCycle: 'h23' }).format(ms));

describe('The next hour for texts', () => {
  it.each([
    ['in the middle of the day', '2026-11-20T20:00:00Z', '2026-11-20T20:00:00Z'],
    ['late in the evening', '2026-11-21T05:10:00Z', '2026-11-21T17:00:00Z'],
    ['before the morning', '2026-11-20T14:00:01Z', '2026-11-20T17:00:00Z'],
    ['in the night when clocks go forward', '2026-03-08T09:30:00Z', '2026-03-08T16:00:00Z'],
    ['in the night when clocks go back', '2026-11-01T08:30:00Z', '2026-11-01T17:00:00Z'],
  ])('%s', (_name, after, expected) => {
    expect(new Date(nextTextHour(Date.parse(after), 'America/Vancouver')).toISOString()).toBe(
      new Date(expected).toISOString(),
    );
  });

  it('is never outside of them, and never before', () => {
    const zones = [
      'America/St_Johns',
      'America/New_York',
      'America/Vancouver',
      'Pacific/Honolulu',
      'Asia/Kathmandu',
    ];
    const days = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2028, 0, 1) });
    fc.assert(
      fc.property(days, fc.constantFrom(...zones), (ms, zone) => {
        const next = nextTextHour(ms, zone);
        expect(next).toBeGreaterThanOrEqual(ms);
        expect(next).toBeLessThanOrEqual(ms + 15 * 3_600_000);
        expect(hourIn(zone, next)).toBeGreaterThanOrEqual(TEXT_HOURS[0]);
        expect(hourIn(zone, next)).toBeLessThan(TEXT_HOURS[1]);
      }),
    );
  });
});
