/**
 * The dealership's wall clock. A civil minute counts minutes since 1970-01-01T00:00 as read off the wall, so day
 * arithmetic is integer arithmetic and knows no daylight saving; only "now" crosses a zone, through Intl.
 */
export type CivilMinute = number;
/** Days since 1970-01-01 on the wall calendar. */
export type CivilDay = number;

export const DAY_MIN = 1440;
export const WEEKDAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;
export const MONTHS = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
] as const;

const MS_PER_MIN = 60_000;
const MAX_ZONES = 600; // more than IANA has
const formats = new Map<string, Intl.DateTimeFormat>();

/** Building a formatter costs a hundred times its use, so each zone has one. An unknown zone reads as UTC. */
function formatFor(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = buildFormat(zone);
  if (formats.size < MAX_ZONES) formats.set(zone, format);
  return format;
}

function buildFormat(zone: string): Intl.DateTimeFormat {
  const fields = {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { ...fields, hourCycle: 'h23', timeZone: zone });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return new Intl.DateTimeFormat('en-US', { ...fields, hourCycle: 'h23', timeZone: 'UTC' });
  }
}

/** @param zone IANA name. @returns the wall clock of `now` there. */
export function civilMinute(now: Date, zone: string): CivilMinute {
  const instant = Number.isNaN(now.getTime()) ? new Date(0) : now;
  const part: Record<string, number> = {};
  for (const { type, value } of formatFor(zone).formatToParts(instant)) part[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0 } = part;
  return civilDay(year, month, day) * DAY_MIN + hour * 60 + minute;
}

/** @param month 1 to 12 */
export const civilDay = (year: number, month: number, day: number): CivilDay =>
  Date.UTC(year, month - 1, day) / (DAY_MIN * MS_PER_MIN);

export const dayOf = (time: CivilMinute): CivilDay => Math.floor(time / DAY_MIN);
export const minuteOf = (time: CivilMinute): number => time - dayOf(time) * DAY_MIN;
/** 0 Sunday … 6 Saturday. */
export const weekdayOf = (day: CivilDay): number => (((day + 4) % 7) + 7) % 7;

/** `2026-11-24T10:30` */
export const isoOf = (time: CivilMinute): string => new Date(time * MS_PER_MIN).toISOString().slice(0, 16);

/** Reads `2026-11-24T10:30` (seconds are ignored); anything else is undefined. */
export function fromIso(iso: string): CivilMinute | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(iso);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1).map(Number);
  const time = civilDay(year, month, day) * DAY_MIN + hour * 60 + minute;
  return isoOf(time) === iso.slice(0, 16) ? time : undefined;
}

/** `10:30 am`, `2 pm`, `noon`. */
export function sayMinute(minute: number): string {
  if (minute === 720) return 'noon';
  const hour = Math.floor(minute / 60) % 24;
  const rest = minute % 60;
  const clock = rest === 0 ? String(hour % 12 || 12) : `${hour % 12 || 12}:${String(rest).padStart(2, '0')}`;
  return minute >= DAY_MIN ? 'midnight' : `${clock} ${hour < 12 ? 'am' : 'pm'}`;
}

/** `Tue, Nov 24` */
export function sayDate(day: CivilDay): string {
  const date = new Date(day * DAY_MIN * MS_PER_MIN);
  return `${WEEKDAYS[weekdayOf(day)]?.slice(0, 3) ?? ''}, ${MONTHS[date.getUTCMonth()] ?? ''} ${date.getUTCDate()}`;
}

/** `today`, `tomorrow` or `Tue, Nov 24`. */
export function sayDay(day: CivilDay, today: CivilDay): string {
  if (day === today) return 'today';
  return day === today + 1 ? 'tomorrow' : sayDate(day);
}
