/** Days and clock times in a shopper's words, relative to the dealership's wall clock. */
import {
  type CivilDay,
  type CivilMinute,
  civilDay,
  DAY_MIN,
  dayOf,
  MONTHS,
  minuteOf,
  weekdayOf,
} from './civilTime.js';

export type DayPart = 'morning' | 'afternoon' | 'evening';

export interface When {
  readonly day?: CivilDay;
  /** Minutes after midnight, likeliest reading first; `at 3` has two readings, `3 pm` one. */
  readonly minutes?: readonly number[];
  readonly part?: DayPart;
  /** `day` is the Saturday of a weekend of which any day will do. */
  readonly weekend?: true;
}

const WEEKDAY =
  /(?<!not |on the )\b(?:(next) )?(sun(?:days?)?(?! ?-?roof)|mon(?:days?)?|tue(?:s|sdays?)?|wed(?:s|nesdays?)?|thu(?:r|rs|rsdays?)?|fri(?:days?)?|sat(?:urdays?)?)\b/;
const MONTH =
  '(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const MONTH_DAY = new RegExp(`\\b${MONTH}\\.? ?(\\d{1,2})(?:st|nd|rd|th)?\\b(?!,?\\d)`);
const DAY_MONTH = new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)?(?: of)? ${MONTH}\\b`);
const NOT_A_CLOCK =
  '(?![\\d,.:]*\\d| ?(?:k|kms?|grand|thousand|percent|miles?|people|min|mins|minutes|days?|weeks?|months?|hours?|hrs?|years?|st|nd|rd|th|of)\\b|[%k/])';
const CLOCK_COLON = /(?<![\d:$.,])\b(\d{1,2})(?::|h)(\d\d)(?: ?(a|p)\.?m?\b)?/;
const CLOCK_MERIDIEM = /(?<![\d:$.,])\b(\d{1,2}) ?(a|p)\.?m\b/;
const CLOCK_AT = new RegExp(
  `(?:\\b(?:at|around|about|by|after|say|do|(?<!up )to)|@) ?(\\d{1,2})\\b${NOT_A_CLOCK}`,
);
const CLOCK_DAY = new RegExp(
  `(?:day|tomorrow|tmrw|\\b(?:sun|mon|tues?|wed|thu|thurs?|fri|sat)) (\\d{1,2})\\b${NOT_A_CLOCK}`,
);
const CLOCK_ISH = /\b(\d{1,2}) ?(?:ish|o'?clock)\b/;
const SOON = /\bin (an?|one|two|three|\d{1,2}) (hours?|hrs?|minutes?|mins?)\b/;

/** @returns undefined when the text names neither a day nor a time. */
export function parseWhen(plain: string, now: CivilMinute): When | undefined {
  const soon = parseSoon(plain, now);
  if (soon !== undefined) return { day: dayOf(soon), minutes: [minuteOf(soon)] };
  const day = parseDay(plain, dayOf(now));
  const minutes = parseClock(plain);
  const part = parsePart(plain);
  if (day === undefined && !minutes && !part) return undefined;
  return {
    ...(day === undefined ? {} : { day }),
    ...(minutes ? { minutes } : {}),
    ...(part ? { part } : {}),
    ...(/\bweekend\b/.test(plain) && !WEEKDAY.test(plain) ? { weekend: true as const } : {}),
  };
}

function parseSoon(plain: string, now: CivilMinute): CivilMinute | undefined {
  const match = SOON.exec(plain);
  if (!match) return undefined;
  const words: Readonly<Record<string, number>> = { a: 1, an: 1, one: 1, two: 2, three: 3 };
  const count = words[match[1] ?? ''] ?? Number(match[1]);
  const minutes = count * (match[2]?.startsWith('h') ? 60 : 1);
  return Math.ceil((now + minutes) / 15) * 15;
}

function parseDay(plain: string, today: CivilDay): CivilDay | undefined {
  if (/\bday after tomorrow\b/.test(plain)) return today + 2;
  if (/\b(?:tomorrow|tomorow|tommorow|tommorrow|tmrw|tmr|2morrow)\b/.test(plain)) return today + 1;
  const weekday = WEEKDAY.exec(plain);
  if (weekday) return nextWeekday(weekday[2] ?? '', weekday[1] !== undefined, today);
  const dated = parseDate(plain, today);
  if (dated !== undefined) return dated;
  if (/\b(?:today|tonight|this (?:morning|afternoon|evening)|right now)\b/.test(plain)) return today;
  if (/\bweekend\b/.test(plain)) return upcoming(6, /\bnext weekend\b/.test(plain) ? today + 7 : today);
  if (/\bnext week\b/.test(plain)) return upcoming(1, today + 1);
  return undefined;
}

const upcoming = (weekday: number, from: CivilDay): CivilDay => from + ((weekday - weekdayOf(from) + 7) % 7);

/** "Next Friday" skips the Friday of the running week (Monday to Sunday); a bare "Friday" is the coming one. */
function nextWeekday(name: string, isNext: boolean, today: CivilDay): CivilDay {
  const weekday = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].indexOf(name.slice(0, 3));
  const coming = upcoming(weekday, today);
  const sunday = today + ((7 - weekdayOf(today)) % 7);
  return isNext && coming <= sunday ? coming + 7 : coming;
}

function parseDate(plain: string, today: CivilDay): CivilDay | undefined {
  const monthFirst = MONTH_DAY.exec(plain);
  if (monthFirst) return nextDate(monthNumber(monthFirst[1]), Number(monthFirst[2]), today);
  const dayFirst = DAY_MONTH.exec(plain);
  if (dayFirst) return nextDate(monthNumber(dayFirst[2]), Number(dayFirst[1]), today);
  const slashed = /(?<![\d/])(\d{1,2})\/(\d{1,2})(?![\d/])/.exec(plain);
  if (slashed) return nextDate(Number(slashed[1]), Number(slashed[2]), today);
  const ordinal = /\bthe (\d{1,2})(?:st|nd|rd|th)\b/.exec(plain);
  return ordinal ? nextDayOfMonth(Number(ordinal[1]), today) : undefined;
}

const monthNumber = (name: string | undefined): number =>
  MONTHS.findIndex((month) => month.toLowerCase() === name?.slice(0, 3)) + 1;

const yearOf = (day: CivilDay): number => new Date(day * DAY_MIN * 60_000).getUTCFullYear();

function nextDate(month: number, day: number, today: CivilDay): CivilDay | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const date = civilDay(yearOf(today), month, day);
  return date >= today ? date : civilDay(yearOf(today) + 1, month, day);
}

function nextDayOfMonth(dayOfMonth: number, today: CivilDay): CivilDay | undefined {
  for (let day = today; day < today + 62; day += 1) {
    if (new Date(day * DAY_MIN * 60_000).getUTCDate() === dayOfMonth) return day;
  }
  return undefined;
}

function parsePart(plain: string): DayPart | undefined {
  if (/\b(?:morning|before noon)\b/.test(plain) && !/\bgood morning\b/.test(plain)) return 'morning';
  if (/\b(?:afternoon|after lunch)\b/.test(plain) && !/\bgood afternoon\b/.test(plain)) return 'afternoon';
  if (/\b(?:evening|tonight|after work)\b/.test(plain) && !/\bgood evening\b/.test(plain)) return 'evening';
  return undefined;
}

function parseClock(plain: string): number[] | undefined {
  const colon = CLOCK_COLON.exec(plain);
  if (colon) return readings(Number(colon[1]), Number(colon[2]), colon[3]);
  const meridiem = CLOCK_MERIDIEM.exec(plain);
  if (meridiem) return readings(Number(meridiem[1]), 0, meridiem[2]);
  if (/\b(?:noon|midday|lunch ?time)\b/.test(plain)) return [720];
  const hour = CLOCK_AT.exec(plain) ?? CLOCK_DAY.exec(plain) ?? CLOCK_ISH.exec(plain);
  return hour ? readings(Number(hour[1]), 0, undefined) : undefined;
}

/** A bare number as a clock time: `3` in answer to "which time". */
export function bareClock(plain: string): readonly number[] | undefined {
  const match = /^\D{0,12}(\d{1,2})\D{0,16}$/.exec(plain);
  const hour = Number(match?.[1]);
  return hour >= 3 ? readings(hour, 0, undefined) : undefined; // 1 and 2 are answers to "reply 1 or 2"
}

/** Without am or pm a visitor means the one in the day: 8 to 11 are mornings, 12 and 1 to 7 afternoons. */
function readings(hour: number, minute: number, meridiem: string | undefined): number[] | undefined {
  if (hour > 23 || minute > 59) return undefined;
  if (hour === 0 || hour > 12) return [hour * 60 + minute];
  const am = (hour % 12) * 60 + minute;
  if (meridiem) return [meridiem === 'a' ? am : am + 720];
  return hour >= 8 && hour < 12 ? [am, am + 720] : [am + 720, am];
}
