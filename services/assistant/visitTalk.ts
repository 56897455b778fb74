/** Agreeing on a visit. */
import { type CivilMinute, DAY_MIN, dayOf, fromIso, isoOf, minuteOf } from './civilTime.js';
import { asksHours } from './dealershipTalk.js';
import { has, picked } from './listen.js';
import { addNote, dropNotes, hasNote, offeredTimes } from './memory.js';
import { fresh, type Line, type Scene } from './scene.js';
import { dayLines, namesWeekday, propose, refuse, sayVisit } from './visitOffers.js';
import { isInPart, judgeTime, nextDayFor, proposeTimes } from './visitSlots.js';

export function visitLines(scene: Scene): Line[] {
  const { draft, heard } = scene;
  if (has(heard, 'cancelVisit') && draft.visitAt !== undefined && !heard.when) return cancel(scene);
  if (isAnswering(scene)) {
    const answer = answerLines(scene);
    if (answer) return answer;
  }
  if (!wantsVisit(scene)) return [];
  return heard.when ? wishLines(scene) : openLines(scene);
}

/** With times on the table, "how about Tuesday?" is about the visit. */
const HEDGED = /\b(?:how about|what about|i can|could do|can do|works|maybe)\b/;

export const isAgreed = ({ draft, turn }: Scene): boolean =>
  draft.visitStatus === 'agreed' && draft.visitAt !== undefined && (fromIso(draft.visitAt) ?? 0) > turn.now;

const isAnswering = ({ draft, heard }: Scene): boolean =>
  draft.lastQuestion === 'visit' && !(has(heard, 'hours') && !has(heard, 'visit'));

function wantsVisit(scene: Scene): boolean {
  const { heard } = scene;
  if (has(heard, 'color')) return false; // "what colours does it come in"
  if (has(heard, 'visit'))
    return !(asksHours(scene) && !heard.when) || /test[- ]?drive|appointment/.test(heard.plain);
  if (!heard.when) return isAgreed(scene) && has(heard, 'reschedule');
  if (asksHours(scene)) return false;
  if (isAnswering(scene)) return true;
  if (isAgreed(scene) && (has(heard, 'reschedule', 'correction') || heard.when.minutes !== undefined))
    return true;
  const { day, minutes, part } = heard.when;
  if (day !== undefined && minutes !== undefined) return true;
  if (!hasNote(scene.draft, 'visit') || isAgreed(scene)) return false;
  return part !== undefined || minutes !== undefined || HEDGED.test(heard.plain);
}

/** Answers that stand on what was offered; undefined when the text says something else. */
function answerLines(scene: Scene): Line[] | undefined {
  const { heard, draft, turn } = scene;
  const offers = offeredTimes(draft);
  const chosen = chosenOffer(scene, offers);
  if (chosen !== undefined && chosen > turn.now) return agree(scene, chosen);
  if (chosen !== undefined && turn.dealership.week)
    return refuse(scene, turn.dealership.week, chosen, 'past');
  if (heard.when) return undefined;
  const [first, second] = offers;
  const isOther = heard.refuses || /^(?:option |number )?2\b/.test(heard.plain);
  if (isOther) return decline(scene);
  const agrees = heard.agrees || heard.emoji === 'happy';
  if (!agrees || first === undefined) return undefined;
  if (first <= turn.now) return openLines(scene);
  if (second === undefined || /\b(?:either|both)\b/.test(heard.plain)) return agree(scene, first);
  return [{ text: `Happy to. Reply 1 for ${sayVisit(first)} or 2 for ${sayVisit(second)}.`, asks: 'visit' }];
}

function chosenOffer({ heard }: Scene, offers: readonly CivilMinute[]): CivilMinute | undefined {
  const { when } = heard;
  if (when) {
    const sameDay = offers.filter(
      (time) => when.day === undefined || dayOf(time) === when.day || when.weekend,
    );
    if (when.minutes) return sameDay.find((time) => when.minutes?.includes(minuteOf(time)));
    const inPart = sameDay.filter((time) => !when.part || isInPart(time, when.part));
    return inPart.length === 1 && (when.day !== undefined || when.part) ? inPart[0] : undefined;
  }
  const option = picked(heard, offers.length);
  return option === undefined ? undefined : offers[option];
}

function decline(scene: Scene): Line[] {
  delete scene.draft.lastQuestion;
  dropNotes(scene.draft, 'times:');
  const text = fresh(
    scene,
    'No problem. Text me a day and time that suits you and I can set it up.',
    "That's fine, there's no rush. Any day works, just text me one.",
  );
  return [{ text, asks: 'other' }];
}

function cancel(scene: Scene): Line[] {
  delete scene.draft.visitAt;
  delete scene.draft.visitStatus;
  delete scene.draft.lastQuestion;
  dropNotes(scene.draft, 'times:');
  return [
    {
      text: "No problem, I've taken the visit off. Text me another day and time whenever it suits you.",
      asks: 'other',
    },
  ];
}

/** The shopper named a day, a time, or both. */
function wishLines(scene: Scene): Line[] {
  const { turn, heard } = scene;
  const { week } = turn.dealership;
  const when = heard.when ?? {};
  const day = when.day ?? impliedDay(scene);
  if (!when.minutes) return week ? dayLines(scene, week, day ?? dayOf(turn.now)) : openLines(scene);
  const readings = when.minutes
    .map((minute) => (day ?? nextDayFor(week, turn.now, minute)) * DAY_MIN + minute)
    .map((time) => (isNextWeek(scene, time) ? time + 7 * DAY_MIN : time));
  const likely = readings[0] ?? turn.now;
  if (!week) return unconfirmed(scene, readings.find((time) => time > turn.now) ?? likely);
  const free = readings.find((time) => judgeTime(week, turn.now, time) === 'free');
  if (free !== undefined) return agree(scene, free);
  return refuse(scene, week, likely, judgeTime(week, turn.now, likely));
}

/** "Saturday at 10", said on a Saturday at 11, is the next one. */
const isNextWeek = ({ turn, heard }: Scene, time: CivilMinute): boolean =>
  time <= turn.now && dayOf(time) === dayOf(turn.now) && namesWeekday(heard.plain);

/** "3 pm works better" is about the day just talked of. */
function impliedDay({ draft, turn }: Scene): number | undefined {
  const talked = offeredTimes(draft)[0] ?? (draft.visitAt === undefined ? undefined : fromIso(draft.visitAt));
  return talked === undefined || talked <= turn.now ? undefined : dayOf(talked);
}

/** Visit wanted, no time named. */
function openLines(scene: Scene): Line[] {
  const { week } = scene.turn.dealership;
  if (week) return propose(scene, proposeTimes(week, scene.turn.now, dayOf(scene.turn.now)));
  return [{ text: 'Glad to set up a visit. What day and time would suit you?', asks: 'visit' }];
}

function agree(scene: Scene, time: CivilMinute): Line[] {
  const { draft, turn } = scene;
  const isMoved = isAgreed(scene) && draft.visitAt !== isoOf(time);
  draft.visitAt = isoOf(time);
  draft.visitStatus = 'agreed';
  if (draft.lastQuestion === 'visit') delete draft.lastQuestion;
  dropNotes(draft, 'times:');
  addNote(draft, 'visit');
  const isInStock = draft.vehicle !== undefined && draft.stockNumber !== undefined;
  const what = isInStock ? ` to see the ${draft.vehicle}` : '';
  const head = isMoved ? `Moved: ${sayVisit(time)}${what}.` : `You're set for ${sayVisit(time)}${what}.`;
  const { address } = turn.dealership;
  const isToldWhere =
    address === undefined || turn.said.some((body) => body.includes(address)) || has(scene.heard, 'address');
  return [{ text: head }, ...(isToldWhere ? [] : [{ text: `We're at ${address}.`, isOptional: true }])];
}

/** Without opening hours nobody can promise a time; the team has to. */
function unconfirmed(scene: Scene, time: CivilMinute): Line[] {
  scene.draft.visitAt = isoOf(time);
  scene.draft.visitStatus = 'proposed';
  if (scene.draft.lastQuestion === 'visit') delete scene.draft.lastQuestion;
  addNote(scene.draft, 'visit');
  addNote(scene.draft, 'confirm');
  return [
    {
      text: `I've noted ${sayVisit(time)}. I don't have our opening hours here, so someone from the team will confirm it.`,
    },
  ];
}
