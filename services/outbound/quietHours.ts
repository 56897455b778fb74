/**
 * Quiet hours as pure functions: whether a text that we start may leave at a moment, and when it may next. A recipient may
 * be in several places as far as we know; then the moment must be right in all of them.
 */
import { civilMinute, DAY_MIN, dayOf, minuteOf, weekdayOf } from '../assistant/civilTime.js';
import { TEXTING_HOURS, type TextingHours } from './rules/quietHours.js';

export interface Place {
  /** IANA name. */
  readonly zone: string;
  /** ISO 3166-2; absent where only the zone is known, so that the floor alone counts. */
  readonly region?: string;
}

const MINUTE_MS = 60_000;
/** Every weekday has a window, so a place is open again within two days; several places may have to meet. */
const SEARCH_DAYS = 15;
/** A wall clock skips two hours at most (Troll, Antarctica); everybody else one. */
const MAX_GAP_MIN = 180;

/** @param atMs milliseconds since the epoch. */
export const isTextingTime = (places: readonly Place[], atMs: number): boolean =>
  places.every((place) => isOpen(place, civilMinute(new Date(atMs), place.zone)));

/**
 * @returns the first moment from `fromMs` on at which all places allow a text: `fromMs` itself, or the beginning of a
 *   minute. Undefined when there is none within two weeks, which means that the places share no hour.
 */
export function nextTextingTime(places: readonly Place[], fromMs: number): number | undefined {
  const endMs = fromMs + SEARCH_DAYS * DAY_MIN * MINUTE_MS;
  let atMs = fromMs;
  while (atMs <= endMs) {
    const opensMs = Math.max(atMs, ...places.map((place) => nextOpening(place, atMs)));
    if (opensMs === atMs) return atMs;
    atMs = opensMs;
  }
  return undefined;
}

/** @returns `atMs` when the place is open then, else the beginning of its next window; infinity when it has none. */
function nextOpening(place: Place, atMs: number): number {
  const now = civilMinute(new Date(atMs), place.zone);
  if (isOpen(place, now)) return atMs;
  for (let day = dayOf(now); day <= dayOf(now) + SEARCH_DAYS; day++) {
    const { from, to } = windowOf(place.region, weekdayOf(day));
    if (to <= from) continue;
    const opensMs = instantOf(day * DAY_MIN + from, place.zone, atMs);
    if (opensMs > atMs) return opensMs;
  }
  return Number.POSITIVE_INFINITY;
}

function isOpen({ region }: Place, time: number): boolean {
  const { from, to } = windowOf(region, weekdayOf(dayOf(time)));
  const minute = minuteOf(time);
  return minute >= from && minute < to;
}

/** When the wall clock shows `time`; in a gap, the first minute after it. */
function instantOf(time: number, zone: string, nearMs: number): number {
  const offsetAt = (ms: number) => civilMinute(new Date(ms), zone) - Math.floor(ms / MINUTE_MS);
  let ms = (time - offsetAt(nearMs)) * MINUTE_MS;
  ms = (time - offsetAt(ms)) * MINUTE_MS;
  for (let minute = 0; minute < MAX_GAP_MIN && civilMinute(new Date(ms), zone) < time; minute++)
    ms += MINUTE_MS;
  return ms;
}

interface Window {
  /** Minutes of the local day. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

const windows = new Map<string, Window>();

/** What the floor and the region's own law leave of a weekday. Kept: the data does not change while we run. */
function windowOf(region: string | undefined, weekday: number): Window {
  const name = `${region ?? '*'} ${weekday}`;
  const known = windows.get(name);
  if (known) return known;
  const day = weekday as keyof TextingHours['windows'];
  const applying = TEXTING_HOURS.filter(
    ({ regions }) => regions.includes('*') || (region !== undefined && regions.includes(region)),
  );
  const window = {
    from: Math.max(...applying.map((entry) => entry.windows[day][0])),
    to: Math.min(...applying.map((entry) => entry.windows[day][1])),
  };
  windows.set(name, window);
  return window;
}
