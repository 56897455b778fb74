import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTextingTime, nextTextingTime, type Place } from '../../../services/outbound/quietHours.js';
import { TEXTING_HOURS } from '../../../services/outbound/rules/quietHours.js';
import { REGIONS } from '../../../services/outbound/rules/regions.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Every region with each of its zones. */
const PLACES: readonly Place[] = Object.entries(REGIONS).flatMap(([region, { zones }]) =>
  zones.map((zone) => ({ zone, region })),
);

/** An oracle of its own: what the law says, read off a wall clock that Intl prints. */
function isOpenByTheBook({ zone, region }: Place, ms: number): boolean {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(ms);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(of('weekday'));
  const minute = Number(of('hour')) * 60 + Number(of('minute'));
  return TEXTING_HOURS.filter(({ regions }) => regions.includes('*') || regions.includes(region ?? '')).every(
    ({ windows }) => {
      const [from, to] = windows[weekday as keyof typeof windows];
      return minute >= from && minute < to;
    },
  );
}

const place = fc.constantFrom(...PLACES);
const places = fc.uniqueArray(place, { minLength: 1, maxLength: 3 });
/** Two years, and more often than not near a change of the clocks. */
const moment = fc.oneof(
  fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-12-31') }),
  fc
    .tuple(
      fc.constantFrom('2026-03-08', '2026-11-01', '2027-03-14', '2027-11-07'),
      fc.integer({ min: -DAY_MS, max: 2 * DAY_MS }),
    )
    .map(([day, shift]) => Date.parse(day) + shift),
);

describe('Quiet hours', () => {
  it('A text may leave exactly when the law of every place allows it', () => {
    fc.assert(
      fc.property(places, moment, (candidates, ms) => {
        expect(isTextingTime(candidates, ms)).toBe(candidates.every((each) => isOpenByTheBook(each, ms)));
      }),
      { numRuns: 500 },
    );
  });

  it('The next moment is allowed, and no minute before it is', () => {
    fc.assert(
      fc.property(places, moment, (candidates, fromMs) => {
        const nextMs = nextTextingTime(candidates, fromMs);
        if (nextMs === undefined) return;
        const isOpen = (ms: number) => candidates.every((each) => isOpenByTheBook(each, ms));
        expect(nextMs).toBeGreaterThanOrEqual(fromMs);
        expect(isOpen(nextMs)).toBe(true);
        if (nextMs === fromMs) return;
        expect(nextMs % MINUTE_MS).toBe(0);
        // The minutes right before it, and a sample of all others.
        for (let ms = nextMs - 1; ms >= Math.max(fromMs, nextMs - 90 * MINUTE_MS); ms -= MINUTE_MS) {
          expect(isOpen(ms)).toBe(false);
        }
        for (let ms = fromMs; ms < nextMs; ms += 17 * MINUTE_MS) expect(isOpen(ms)).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  it('Any one place is open again within two days', () => {
    fc.assert(
      fc.property(place, moment, (each, ms) => {
        expect(nextTextingTime([each], ms)).toBeLessThanOrEqual(ms + 2 * DAY_MS);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    [
      'Texas on a Sunday morning',
      'US-TX',
      'America/Chicago',
      '2026-11-22T10:00-06:00',
      '2026-11-22T12:00-06:00',
    ],
    [
      'Texas on a Saturday morning',
      'US-TX',
      'America/Chicago',
      '2026-11-21T08:59-06:00',
      '2026-11-21T09:00-06:00',
    ],
    [
      'Rhode Island on a Friday evening',
      'US-RI',
      'America/New_York',
      '2026-11-20T18:00-05:00',
      '2026-11-21T10:00-05:00',
    ],
    [
      'Connecticut in the evening',
      'US-CT',
      'America/New_York',
      '2026-11-20T20:00-05:00',
      '2026-11-21T09:00-05:00',
    ],
    [
      'Kentucky in the morning',
      'US-KY',
      'America/Chicago',
      '2026-11-20T09:59-06:00',
      '2026-11-20T10:00-06:00',
    ],
    [
      'the night in which clocks go forward',
      'US-WA',
      'America/Los_Angeles',
      '2027-03-13T21:00-08:00',
      '2027-03-14T08:00-07:00',
    ],
    [
      'the night in which clocks go back',
      'US-WA',
      'America/Los_Angeles',
      '2026-10-31T21:00-07:00',
      '2026-11-01T08:00-08:00',
    ],
    [
      'Arizona, which keeps its time',
      'US-AZ',
      'America/Phoenix',
      '2027-03-13T21:30-07:00',
      '2027-03-14T08:00-07:00',
    ],
    [
      'half an hour beside the others',
      'CA-NL',
      'America/St_Johns',
      '2026-11-20T21:15-03:30',
      '2026-11-21T08:00-03:30',
    ],
  ])('%s', (_name, region, zone, from, next) => {
    expect(nextTextingTime([{ region, zone }], Date.parse(from))).toBe(Date.parse(next));
  });

  it('Of two places both must be awake', () => {
    const coasts: Place[] = [
      { region: 'US-NY', zone: 'America/New_York' },
      { region: 'US-CA', zone: 'America/Los_Angeles' },
    ];
    // 9 o'clock in California is noon in New York.
    expect(nextTextingTime(coasts, Date.parse('2026-11-20T08:00-05:00'))).toBe(
      Date.parse('2026-11-20T12:00-05:00'),
    );
    expect(nextTextingTime(coasts, Date.parse('2026-11-20T20:59-05:00'))).toBe(
      Date.parse('2026-11-20T20:59-05:00'),
    );
    expect(nextTextingTime(coasts, Date.parse('2026-11-20T21:00-05:00'))).toBe(
      Date.parse('2026-11-21T12:00-05:00'),
    );
  });

  it('Places that share no hour have no next moment', () => {
    // 9 to 18 in Rhode Island are 22 to 7 on the next day in Tokyo.
    const apart: Place[] = [{ region: 'US-RI', zone: 'America/New_York' }, { zone: 'Asia/Tokyo' }];
    expect(nextTextingTime(apart, Date.parse('2026-11-20T12:00Z'))).toBeUndefined();
  });

  it('Every entry of the law has a source, a day of review and windows inside the floor', () => {
    for (const { regions, windows, source, reviewedOn } of TEXTING_HOURS) {
      expect(source).not.toBe('');
      expect(reviewedOn).toMatch(/^\d{4}-\d\d-\d\d$/);
      for (const region of regions) expect(region === '*' || region in REGIONS).toBe(true);
      for (const [from, to] of Object.values(windows)) {
        expect(from).toBeGreaterThanOrEqual(8 * 60);
        expect(to).toBeLessThanOrEqual(21 * 60);
        expect(from).toBeLessThan(to);
      }
    }
  });
});
