/** Visit times put to the shopper: the first proposal, and another one when the wish cannot be met. */
import {
  type CivilMinute,
  DAY_MIN,
  dayOf,
  isoOf,
  minuteOf,
  sayDate,
  sayDay,
  sayMinute,
  WEEKDAYS,
  weekdayOf,
} from './civilTime.js';
import { saySpans, spansOn, type Week } from './hours.js';
import { offerTimes } from './memory.js';
import { fresh, type Line, type Scene } from './scene.js';
import { nearestTimes, nextDayFor, proposeTimes, startsOn, type Verdict } from './visitSlots.js';

/** `Tue, Nov 24 at 10:30 am` */
export const sayVisit = (time: CivilMinute): string =>
  `${sayDate(dayOf(time))} at ${sayMinute(minuteOf(time))}`;

/** Puts times to the shopper; the answer is "1", "2" or a time, never a carrier keyword. */
export function propose(scene: Scene, times: readonly CivilMinute[], before = ''): Line[] {
  const { draft } = scene;
  const [first, second] = times;
  if (first === undefined)
    return [{ text: `${before} What day and time would suit you?`.trim(), asks: 'visit' }];
  offerTimes(draft, times);
  if (draft.visitStatus !== 'agreed') {
    draft.visitAt = isoOf(first);
    draft.visitStatus = 'proposed';
  }
  const today = dayOf(scene.turn.now);
  const one = sayOffer(first, today);
  if (second === undefined) {
    return [
      {
        text: `${before} The nearest I can offer is ${one}. Reply 1 to take it, or name another time.`.trim(),
        asks: 'visit',
      },
    ];
  }
  const two = dayOf(second) === dayOf(first) ? sayMinute(minuteOf(second)) : sayOffer(second, today);
  const question =
    before === ''
      ? proposal(scene, one, two)
      : `Would ${one} or ${two} work instead? Reply 1 or 2, or name another time.`;
  return [{ text: `${before} ${question}`.trim(), asks: 'visit' }];
}

function proposal(scene: Scene, one: string, two: string): string {
  const { vehicle, stockNumber } = scene.draft;
  const what = stockNumber !== undefined && vehicle !== undefined ? `to see the ${vehicle}` : 'for a visit';
  return fresh(
    scene,
    `Would ${one} or ${two} suit you better ${what}? Reply 1 or 2, or name another time.`,
    `How about ${one} or ${two}? Reply 1 or 2, or tell me what works.`,
    `I can also do ${one} or ${two}. Which is better, 1 or 2?`,
  );
}

function sayOffer(time: CivilMinute, today: number): string {
  const day = dayOf(time);
  const name =
    day <= today + 1
      ? `${sayDay(day, today)} (${WEEKDAYS[weekdayOf(day)]?.slice(0, 3) ?? ''})`
      : sayDate(day);
  return `${name} at ${sayMinute(minuteOf(time))}`;
}

/** A weekday by its name, not "today" or "this Saturday": once it is over, the next one is meant. */
export const namesWeekday = (plain: string): boolean =>
  /\b(?:sun|mon|tue|wed|thu|fri|sat)/.test(plain) && !/\b(?:today|this)\b/.test(plain);

/** Only a day, or a part of it, was named. */
export function dayLines(scene: Scene, week: Week, day: number): Line[] {
  const { now } = scene.turn;
  const part = scene.heard.when?.part;
  const times = proposeTimes(week, now, day, part);
  const isSameDay = times.length > 0 && dayOf(times[0] ?? 0) === day;
  if (isSameDay || scene.heard.when?.weekend || times.length === 0) return propose(scene, times);
  if (day === dayOf(now) && namesWeekday(scene.heard.plain)) return dayLines(scene, week, day + 7);
  if (startsOn(week, day, now).length > 0)
    return propose(scene, proposeTimes(week, now, day), partGone(week, now, day));
  return propose(
    scene,
    times,
    whyNot(week, now, day * DAY_MIN, spansOn(week, day).length === 0 ? 'closedDay' : 'past'),
  );
}

/** A time that cannot be had: why, and the nearest that can. */
export function refuse(scene: Scene, week: Week, wish: CivilMinute, verdict: Verdict): Line[] {
  const { now } = scene.turn;
  const isDayOpen = scene.heard.when?.day !== undefined || verdict !== 'past';
  const target = isDayOpen ? wish : nextDayFor(week, now, minuteOf(wish)) * DAY_MIN + minuteOf(wish);
  const times = nearestTimes(week, now, target).sort((a, b) => a - b);
  return propose(scene, times, whyNot(week, now, wish, verdict));
}

/** Open that day, but no more in the part of the day asked for. */
const partGone = (week: Week, now: CivilMinute, day: number): string =>
  day === dayOf(now)
    ? "There's nothing left at that hour today."
    : whyNot(week, now, day * DAY_MIN, 'outside');

function whyNot(week: Week, now: CivilMinute, wish: CivilMinute, verdict: Verdict): string {
  const day = dayOf(wish);
  const isToday = day === dayOf(now);
  if (verdict === 'closedDay')
    return `We're closed ${isToday ? 'today' : `on ${WEEKDAYS[weekdayOf(day)] ?? ''}s`}.`;
  if (verdict === 'past')
    return isToday && wish === day * DAY_MIN ? "We're done for today." : 'That time has already gone by.';
  return `On ${WEEKDAYS[weekdayOf(day)] ?? ''}s we're open ${saySpans(spansOn(week, day))}.`;
}
