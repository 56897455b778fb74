/**
 * What the engine remembers between turns: the slots, and in `asked` also the things it put to the shopper:
 * offered times and vehicles (`times:…`, `stock:…`), a clarifying question (`unsure`), a topic (`financing`).
 */
import type { Slots } from '../types.js';
import { type CivilMinute, fromIso, isoOf } from './civilTime.js';

export type Question = NonNullable<Slots['lastQuestion']>;

/** Slots being worked on; `asked` is always there. */
export type Draft = { -readonly [Name in keyof Slots]?: Slots[Name] } & { asked: string[] };

/** Trade-in wanted, vehicle not named yet. */
export const UNNAMED_TRADE = 'yes, vehicle not named yet';

const QUESTIONS: readonly string[] = ['vehicle', 'tradeIn', 'timeframe', 'name', 'visit'];
const MAX_ASKED = 24;
const MAX_NOTE = 200;

/** A clean copy: strings trimmed and capped, what cannot be read left out. */
export function draftOf(slots: Slots): Draft {
  const draft: Draft = { asked: readAsked(slots.asked) };
  for (const name of ['name', 'vehicle', 'stockNumber', 'tradeIn', 'timeframe'] as const) {
    const value = cleanWords(slots[name], name === 'vehicle' ? 90 : 60);
    if (value !== undefined) draft[name] = value;
  }
  const { visitAt, visitStatus, lastQuestion } = slots;
  if (typeof visitAt === 'string' && fromIso(visitAt) !== undefined) {
    draft.visitAt = visitAt;
    draft.visitStatus = visitStatus === 'agreed' ? 'agreed' : 'proposed';
  }
  if (lastQuestion !== undefined && QUESTIONS.includes(lastQuestion)) draft.lastQuestion = lastQuestion;
  return draft;
}

function readAsked(asked: unknown): string[] {
  if (!Array.isArray(asked)) return [];
  return asked
    .filter((note): note is string => typeof note === 'string' && note.length <= MAX_NOTE)
    .slice(-MAX_ASKED);
}

function cleanWords(value: unknown, limit: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  const words = value
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, limit);
  return words === '' ? undefined : words;
}

/** The slots to store; `visitStatus` never stands without `visitAt`. */
export function slotsOf(draft: Draft): Slots {
  const { asked, ...rest } = draft;
  return asked.length > 0 ? { ...rest, asked } : rest;
}

export const hasNote = (draft: Draft, note: string): boolean => draft.asked.includes(note);

export function addNote(draft: Draft, note: string): void {
  draft.asked = [...draft.asked.filter((other) => other !== note), note].slice(-MAX_ASKED);
}

export function dropNotes(draft: Draft, prefix: string): void {
  draft.asked = draft.asked.filter((note) => !note.startsWith(prefix));
}

function noteValues(draft: Draft, prefix: string): string[] {
  const note = draft.asked.findLast((other) => other.startsWith(prefix));
  return note === undefined ? [] : note.slice(prefix.length).split(',').filter(Boolean);
}

/** The visit times offered last, in the order offered. */
export const offeredTimes = (draft: Draft): CivilMinute[] =>
  noteValues(draft, 'times:').flatMap((iso) => fromIso(iso) ?? []);

export function offerTimes(draft: Draft, times: readonly CivilMinute[]): void {
  dropNotes(draft, 'times:');
  if (times.length > 0) addNote(draft, `times:${times.map(isoOf).join(',')}`);
}

/** The stock numbers offered last, in the order offered. */
export const offeredStock = (draft: Draft): string[] => noteValues(draft, 'stock:');

export function offerStock(draft: Draft, stockNumbers: readonly string[]): void {
  dropNotes(draft, 'stock:');
  if (stockNumbers.length > 0) addNote(draft, `stock:${stockNumbers.join(',')}`);
}

/** Records that a question leaves with this text. */
export function ask(draft: Draft, question: Question): void {
  draft.lastQuestion = question;
  addNote(draft, question);
}
