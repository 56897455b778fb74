/** Opening hours, address, phone, website, financing: facts from the settings, or an honest "not in my notes". */
import {
  type CivilMinute,
  DAY_MIN,
  dayOf,
  minuteOf,
  sayDay,
  sayMinute,
  WEEKDAYS,
  weekdayOf,
} from './civilTime.js';
import { nextOpening, saySpans, sayWeek, spanAt, spansOn, type Week } from './hours.js';
import { has } from './listen.js';
import { addNote, hasNote } from './memory.js';
import { fresh, type Line, type Scene } from './scene.js';

export function dealershipLines(scene: Scene): Line[] {
  const topics = [
    hoursText,
    addressText,
    phoneText,
    websiteText,
    photosText,
    offersText,
    taxText,
    holdText,
    tradeValueText,
    financingText,
  ];
  return topics.flatMap((topic) => topic(scene) ?? []).map((text) => ({ text }));
}

/** A question about opening hours, or "and Sunday?" right after an answer about them. */
export function asksHours({ heard, turn, draft }: Scene): boolean {
  if (has(heard, 'hours')) return true;
  const isShort = heard.when?.day !== undefined && heard.plain.split(' ').length <= 6;
  if (!isShort || has(heard, 'visit') || draft.lastQuestion === 'visit') return false;
  return (
    /\b(?:hours:|we're (?:open|closed))/i.test(turn.lastSaid) && !/\b(?:set for|Moved)/.test(turn.lastSaid)
  );
}

function hoursText(scene: Scene): string | undefined {
  const { heard, turn } = scene;
  if (!asksHours(scene)) return undefined;
  const { week, publicPhone } = turn.dealership;
  if (!week)
    return `I don't have our opening hours in my notes, sorry.${publicPhone === undefined ? ' The team can tell you.' : ` You can ask at ${publicPhone}.`}`;
  const when = heard.when;
  if (when?.weekend && when.day !== undefined) return weekendText(week, when.day);
  if (when?.day !== undefined) return dayText(week, turn.now, when.day, when.minutes);
  const asksWeek =
    /\b(?:hours|all week|every day|weekdays?|horario|heures|what days)\b/.test(heard.plain) &&
    !/\bhours (?:today|now)\b/.test(heard.plain);
  return asksWeek ||
    !/\b(?:open|closed?)\b/.test(heard.plain) ||
    /\b(?:when|what time|how late)\b/.test(heard.plain)
    ? weekText(scene, week)
    : nowText(week, turn.now);
}

function weekText(scene: Scene, week: Week): string {
  return fresh(
    scene,
    `Our hours: ${sayWeek(week)}.`,
    `We're open ${sayWeek(week)}.`,
    `Same hours as above: ${sayWeek(week)}.`,
  );
}

/** Whether the door is open this minute, and when that changes. */
export function nowText(week: Week, now: CivilMinute): string {
  const span = spanAt(week, now);
  if (span) return `Yes, we're open now, until ${sayMinute(span.to)} today.`;
  return `We're closed right now${againText(week, now)}.`;
}

/** ` and open again tomorrow at 9 am`, the first opening after `from`. */
export function againText(week: Week, now: CivilMinute, from = now): string {
  const next = nextOpening(week, from);
  if (next === undefined) return '';
  return ` and open again ${sayDay(dayOf(next), dayOf(now))} at ${sayMinute(minuteOf(next))}`;
}

function dayText(week: Week, now: CivilMinute, day: number, minutes: readonly number[] | undefined): string {
  const spans = spansOn(week, day);
  const name = dayName(day, dayOf(now));
  if (spans.length === 0)
    return `We're closed ${name}${againText(week, now, Math.max(now, (day + 1) * DAY_MIN - 1))}.`;
  const isOpen = minutes?.some((minute) => spanAt(week, day * DAY_MIN + minute) !== undefined);
  const lead = isOpen === undefined ? '' : isOpen ? 'Yes, ' : 'No, ';
  if (day === dayOf(now) && now >= day * DAY_MIN + (spans.at(-1)?.to ?? 0))
    return `We've closed for today${againText(week, now)}.`;
  const text = `${name} we're open ${saySpans(spans)}.`;
  return lead + (lead === '' ? text.charAt(0).toUpperCase() + text.slice(1) : text);
}

const dayName = (day: number, today: number): string =>
  day <= today + 1
    ? sayDay(day, today)
    : day < today + 7
      ? `on ${WEEKDAYS[weekdayOf(day)] ?? ''}`
      : `on ${sayDay(day, today)}`;

function weekendText(week: Week, saturday: number): string {
  const [sat, sun] = [spansOn(week, saturday), spansOn(week, saturday + 1)];
  if (sat.length === 0 && sun.length === 0) return "We're closed on weekends.";
  return `On the weekend: Saturday ${saySpans(sat)}, Sunday ${saySpans(sun)}.`;
}

function addressText(scene: Scene): string | undefined {
  if (!has(scene.heard, 'address')) return undefined;
  const { address } = scene.turn.dealership;
  if (address === undefined)
    return "I don't have our address in my notes, sorry; the team can send it to you.";
  return fresh(scene, `You'll find us at ${address}.`, `The address is ${address}.`);
}

function phoneText({ heard, turn }: Scene): string | undefined {
  if (!has(heard, 'phone')) return undefined;
  const { publicPhone } = turn.dealership;
  return publicPhone === undefined
    ? "I don't have a number for calls in my notes, but texting here works."
    : `You can call us at ${publicPhone}.`;
}

function websiteText({ heard, turn }: Scene): string | undefined {
  if (!has(heard, 'website')) return undefined;
  const { website } = turn.dealership;
  return website === undefined
    ? "I don't have a website address in my notes, sorry."
    : `Our website is ${website}.`;
}

function photosText({ heard, turn }: Scene): string | undefined {
  if (!has(heard, 'photos')) return undefined;
  const { website } = turn.dealership;
  return website === undefined
    ? "I can't send photos from here; the team can."
    : `I can't send photos from here, but our website may have them: ${website}.`;
}

const taxText = (scene: Scene): string | undefined =>
  has(scene.heard, 'tax')
    ? fresh(
        scene,
        'Listed prices are before tax and fees; the team has the exact total.',
        'Tax and fees come on top of the listed price.',
      )
    : undefined;

const offersText = ({ heard }: Scene): string | undefined =>
  has(heard, 'offers') && !has(heard, 'negotiation')
    ? "I don't have current offers in my notes, so I won't guess; the team knows what's on."
    : undefined;

function holdText({ heard }: Scene): string | undefined {
  return has(heard, 'hold') ? "I can't hold a vehicle or take a deposit by text." : undefined;
}

const tradeValueText = (scene: Scene): string | undefined =>
  has(scene.heard, 'tradeValue') && /\btrad|\bmy\b/.test(scene.heard.plain)
    ? fresh(
        scene,
        "I can't put a value on a trade-in by text; our team does that in person once they've seen it.",
        'The trade-in value really needs a look in person.',
      )
    : undefined;

function financingText(scene: Scene): string | undefined {
  if (!has(scene.heard, 'finance') || has(scene.heard, 'payment') || hasNote(scene.draft, 'financing'))
    return undefined;
  addNote(scene.draft, 'financing');
  return "Financing is a conversation for a person on our team: I can't quote payments, rates or approvals. Please don't text personal or card details.";
}
