/** Which visit times exist: half hours inside the opening hours, later than now. */
import { type CivilDay, type CivilMinute, DAY_MIN, dayOf, minuteOf } from './civilTime.js';
import { spanAt, spansOn, type Week } from './hours.js';
import type { DayPart } from './when.js';

const GRID_MIN = 30;
/** Nobody is offered a time that has come before they have read the text. */
const LEAD_MIN = 60;
/** A visit begins at the latest this long before closing. */
const BEFORE_CLOSING_MIN = 30;
const SEARCH_DAYS = 21;
/** Times most people can make; offered first when they are free. */
const PREFERRED = [630, 840] as const;

const PARTS: Readonly<Record<DayPart, readonly [number, number]>> = {
  morning: [0, 720],
  afternoon: [720, 1020],
  evening: [1020, DAY_MIN],
};

/** All offerable starts of one day, in order. */
export function startsOn(week: Week, day: CivilDay, now: CivilMinute): CivilMinute[] {
  const starts: CivilMinute[] = [];
  for (const { from, to } of spansOn(week, day)) {
    const first = Math.ceil(from / GRID_MIN) * GRID_MIN;
    for (let minute = first; minute <= to - BEFORE_CLOSING_MIN; minute += GRID_MIN) {
      if (day * DAY_MIN + minute >= now + LEAD_MIN) starts.push(day * DAY_MIN + minute);
    }
  }
  return starts;
}

export const isInPart = (time: CivilMinute, part: DayPart): boolean =>
  minuteOf(time) >= PARTS[part][0] && minuteOf(time) < PARTS[part][1];

/** Two times of the first day from `from` on that has any; one, or none, when there are no more. */
export function proposeTimes(week: Week, now: CivilMinute, from: CivilDay, part?: DayPart): CivilMinute[] {
  for (let day = Math.max(from, dayOf(now)); day < from + SEARCH_DAYS; day += 1) {
    const starts = startsOn(week, day, now).filter((start) => !part || isInPart(start, part));
    if (starts.length > 0) return pickTwo(starts);
  }
  return [];
}

function pickTwo(starts: readonly CivilMinute[]): CivilMinute[] {
  const preferred = starts.filter((start) => PREFERRED.some((minute) => minute === minuteOf(start)));
  if (preferred.length === 2) return preferred;
  const early = preferred[0] ?? starts[0] ?? 0;
  const later = starts[Math.floor((starts.indexOf(early) + starts.length) / 2)];
  return later === undefined || later === early ? [early] : [early, later];
}

/** The offerable starts nearest to a wish, the nearest first, at most two and an hour apart. */
export function nearestTimes(week: Week, now: CivilMinute, wish: CivilMinute): CivilMinute[] {
  const around: CivilMinute[] = [];
  for (let day = dayOf(wish) - 7; day <= dayOf(wish) + 7; day += 1) around.push(...startsOn(week, day, now));
  if (around.length === 0) return proposeTimes(week, now, dayOf(now)).slice(0, 2);
  around.sort((a, b) => Math.abs(a - wish) - Math.abs(b - wish) || a - b);
  const nearest = around[0] ?? wish;
  const other = around.find((start) => Math.abs(start - nearest) >= 60);
  return other === undefined ? [nearest] : [nearest, other];
}

export type Verdict = 'free' | 'past' | 'closedDay' | 'outside';

/** Whether a visit may be agreed for exactly this time. */
export function judgeTime(week: Week, now: CivilMinute, wish: CivilMinute): Verdict {
  if (wish <= now) return 'past';
  if (spansOn(week, dayOf(wish)).length === 0) return 'closedDay';
  const span = spanAt(week, wish);
  return span && minuteOf(wish) <= span.to - BEFORE_CLOSING_MIN ? 'free' : 'outside';
}

/** The first day on which that time of day can still be had. */
export function nextDayFor(week: Week | undefined, now: CivilMinute, minute: number): number {
  for (let day = dayOf(now); week && day < dayOf(now) + 8; day += 1) {
    if (judgeTime(week, now, day * DAY_MIN + minute) === 'free') return day;
  }
  return dayOf(now) + (minute > minuteOf(now) ? 0 : 1);
}
