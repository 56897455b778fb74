/** Opening hours of a week, read from the settings once per turn. */
import type { OpeningHours } from '../types.js';
import {
  type CivilDay,
  type CivilMinute,
  DAY_MIN,
  dayOf,
  minuteOf,
  sayMinute,
  WEEKDAYS,
  weekdayOf,
} from './civilTime.js';

/** Minutes after midnight; `to` is when the door closes. */
export interface Span {
  readonly from: number;
  readonly to: number;
}
/** Seven days, Sunday first, each with its spans in order. */
export type Week = readonly (readonly Span[])[];

/** @returns undefined when no usable span is configured: then nobody knows the hours. */
export function readWeek(hours: OpeningHours | undefined): Week | undefined {
  if (!hours) return undefined;
  const week = WEEKDAYS.map((_, weekday) => readDay(hours[String(weekday)]));
  return week.some((spans) => spans.length > 0) ? week : undefined;
}

function readDay(spans: OpeningHours[string] | undefined): Span[] {
  if (!Array.isArray(spans)) return [];
  return spans
    .map((span): Span => ({ from: readClock(span[0]), to: readClock(span[1]) }))
    .filter(({ from, to }) => from < to) // NaN compares false: a malformed span is left out
    .sort((a, b) => a.from - b.from);
}

function readClock(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d{1,2}):(\d\d)$/.exec(text) : null;
  const minute = match ? Number(match[1]) * 60 + Number(match[2]) : Number.NaN;
  return minute <= DAY_MIN ? minute : Number.NaN;
}

export const spansOn = (week: Week, day: CivilDay): readonly Span[] => week[weekdayOf(day)] ?? [];

export const spanAt = (week: Week, time: CivilMinute): Span | undefined =>
  spansOn(week, dayOf(time)).find(({ from, to }) => from <= minuteOf(time) && minuteOf(time) < to);

/** The next moment the door opens, after `time`. */
export function nextOpening(week: Week, time: CivilMinute): CivilMinute | undefined {
  for (let day = dayOf(time); day <= dayOf(time) + 7; day += 1) {
    const span = spansOn(week, day).find(({ from }) => day * DAY_MIN + from > time);
    if (span) return day * DAY_MIN + span.from;
  }
  return undefined;
}

/** `9 am to 6 pm`, several spans joined, `closed` for none. */
export const saySpans = (spans: readonly Span[]): string =>
  spans.length === 0
    ? 'closed'
    : spans.map(({ from, to }) => `${sayMinute(from)} to ${sayMinute(to)}`).join(' and ');

/** `Mon to Fri 9 am to 6 pm, Sat 10 am to 5 pm, Sun closed`, Monday first, equal neighbours together. */
export function sayWeek(week: Week): string {
  const groups: { first: number; last: number; text: string }[] = [];
  for (const weekday of [1, 2, 3, 4, 5, 6, 0]) {
    const text = saySpans(week[weekday] ?? []);
    const group = groups.at(-1);
    if (group?.text === text) group.last = weekday;
    else groups.push({ first: weekday, last: weekday, text });
  }
  return groups.map(({ first, last, text }) => `${dayRange(first, last)} ${text}`).join(', ');
}

function dayRange(first: number, last: number): string {
  const short = (weekday: number): string => WEEKDAYS[weekday]?.slice(0, 3) ?? '';
  return first === last ? short(first) : `${short(first)}-${short(last)}`;
}
