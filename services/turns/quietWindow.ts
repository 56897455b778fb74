/**
 * How long to wait for more after a text: people send "hey", then "do you still have", then the rest. After a finished
 * question the answer comes soon, after a fragment later. Pure, over words of English, French and Spanish; a wrong
 * guess costs a second, since a text that comes meanwhile makes a new turn anyway.
 */
import type { OrganizationSettings, ReplyWindow } from '../types.js';
import {
  ANSWERS,
  GREETINGS,
  NEVER_LAST,
  QUESTION_STARTS,
  SELDOM_LAST,
  SUBJECTS_AND_VERBS,
  TIMES,
} from './quietWords.js';

/** A third after what is finished, double after a fragment: 0.5, 1.5 and 3 s for the default of REPLY_WINDOW_MS. */
export const windowAround = (normalMs: number): ReplyWindow => ({
  shortestMs: Math.round(normalMs / 3),
  normalMs,
  longestMs: normalMs * 2,
});

const AT_ONCE: ReplyWindow = { shortestMs: 0, normalMs: 0, longestMs: 0 };

/** @param setting of the organization, if it has one. @param normalMs of the deployment. */
export const windowFor = (
  setting: OrganizationSettings['replyWindow'] | null,
  normalMs: number,
): ReplyWindow => (setting === 'off' ? AT_ONCE : (setting ?? windowAround(normalMs)));

/** @returns milliseconds; a normal window of 0 means that every text is answered at once. */
export function quietWindow(body: string, { shortestMs, normalMs, longestMs }: ReplyWindow): number {
  if (normalMs === 0) return 0;
  switch (completenessOf(body)) {
    case 'complete':
      return shortestMs;
    case 'open':
      return normalMs;
    case 'fragment':
      return longestMs;
  }
}

/** `open`: it could end here and could go on, as most texts without punctuation. */
export type Completeness = 'complete' | 'open' | 'fragment';

const TRAILING_PICTURES =
  /(?:[:;]-?[)(DP]|[\s\p{Extended_Pictographic}\p{Emoji_Modifier})\]"”»]|\u200D|\uFE0F)+$/u;
const GOES_ON = /(?:[,;:\-–—&/+(]|…|\.\.+|['’])$/u;
const ENDS = /[.!?？]$/u;
const ONLY_FIGURES = /^[$€£]?\d[\d\s.,:/$€%-]*(?:am|pm|a\.m|p\.m|h|k|km|miles)?$/i;
const EMAIL = /^\S+@\S+\.\S+$/;

export function completenessOf(body: string): Completeness {
  const said = body.replace(TRAILING_PICTURES, '');
  // Nothing but a thumb is an answer; nothing at all is a picture, and what it shows is told in the next text.
  if (said === '') return body.trim() === '' ? 'fragment' : 'complete';
  const words = wordsOf(said);
  const isEvery = (set: ReadonlySet<string>): boolean =>
    words.length > 0 && words.every((word) => set.has(word));
  if (GOES_ON.test(said)) return 'fragment';
  if (/[?？]$/u.test(said)) return 'complete';
  if (isEvery(GREETINGS)) return 'fragment';
  if (ENDS.test(said)) return 'complete';
  if (ONLY_FIGURES.test(said) || EMAIL.test(said) || isAnswer(words)) return 'complete';
  return unpunctuated(words);
}

/** "ok great thanks", "saturday at 10": nothing is missing in them although they have no verb. */
function isAnswer(words: readonly string[]): boolean {
  const belongs = (word: string): boolean =>
    ANSWERS.has(word) || GREETINGS.has(word) || TIMES.has(word) || /^\d/.test(word);
  const says = (word: string): boolean => ANSWERS.has(word) || TIMES.has(word) || /^\d/.test(word);
  return words.every(belongs) && words.some(says) && !NEVER_LAST.has(words.at(-1) ?? '');
}

function unpunctuated(words: readonly string[]): Completeness {
  const last = words.at(-1) ?? '';
  const isAsking = QUESTION_STARTS.has(words[0] ?? '');
  const isQuestion = isAsking && words.length > 2;
  if (NEVER_LAST.has(last) || (SELDOM_LAST.has(last) && !isQuestion)) return 'fragment';
  if (isQuestion) return 'complete';
  const hasVerb = isAsking || words.some((word) => SUBJECTS_AND_VERBS.has(word));
  return hasVerb && words.length > 1 ? 'open' : 'fragment';
}

/** Lower case and without accents, which many leave out; only `là` and `où` mean something else without theirs. */
const wordsOf = (text: string): string[] =>
  (
    text
      .toLowerCase()
      .replaceAll('’', "'")
      .match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? []
  ).map((word) => (word === 'là' || word === 'où' ? word : word.normalize('NFD').replace(/\p{M}/gu, '')));
