/**
 * Two machines that answer each other stop after a handful of turns. Twilio ends such a talk after 30 replies with 14107
 * (twilio.com/docs/api/errors/14107), when the dealership has paid for 30 and the other side has read none.
 *
 * A pure rule over what was said last. It looks at pace and at words together, since a person may be quick or may repeat
 * a question, and hardly does both for long; one who repeats a question slowly is not its business.
 */
import type { ContextMessage } from '../types.js';

export interface LoopLimits {
  /** So many answered texts in a row that say the same, each soon after ours. */
  readonly repeats: number;
  /** So many quick ones in which hardly any word is new. */
  readonly dullExchanges: number;
  /** So many quick ones, whatever they say. */
  readonly quickExchanges: number;
}

export const DEFAULT_LOOP_LIMITS: LoopLimits = { repeats: 5, dullExchanges: 8, quickExchanges: 15 };

export type LoopFinding = 'automatic_replies' | 'same_words' | 'nothing_new' | 'too_quick';

/** What was said between two texts of ours. */
interface Exchange {
  readonly text: string;
  readonly words: ReadonlySet<string>;
  /** From our text to theirs. Longer than any limit where none of ours came before. */
  readonly gapMs: number;
}

/** Soon enough for a machine; a person has read, thought and typed by then only now and then. */
const SOON_MS = 30_000;
const QUICK_MS = 10_000;
/** A text that waits for longer is no part of a loop that runs now: a person may have given the conversation back. */
const STALE_MS = 60_000;
const SAME_FROM = 0.8;
const NEW_WORDS_BELOW = 0.25;
/** "yes", "ok thanks": whoever answers questions repeats these. */
const LEAST_WORDS = 3;
const LEAST_WORDS_ON_AVERAGE = 4;

/** @param messages the last ones at the claim, oldest first, up to the text that waits. */
export function findLoop(
  messages: readonly ContextMessage[],
  nowMs: number,
  limits: LoopLimits = DEFAULT_LOOP_LIMITS,
): LoopFinding | undefined {
  const last = messages.at(-1);
  if (last?.sender !== 'lead' || nowMs - last.createdAtMs > STALE_MS) return undefined;
  const exchanges = exchangesOf(messages);
  if (areAutomatic(exchanges.slice(-2))) return 'automatic_replies';
  if (saySame(lastOf(exchanges, limits.repeats))) return 'same_words';
  if (isDull(lastOf(exchanges, limits.dullExchanges))) return 'nothing_new';
  if (areQuick(lastOf(exchanges, limits.quickExchanges))) return 'too_quick';
  return undefined;
}

/** Since a person last spoke here: staff who text end any loop. */
function exchangesOf(messages: readonly ContextMessage[]): Exchange[] {
  const exchanges: Exchange[] = [];
  let texts: string[] = [];
  let oursAtMs = Number.NEGATIVE_INFINITY;
  let gapMs = Number.POSITIVE_INFINITY;
  const close = () => {
    const text = texts.join(' ').slice(0, 1_000);
    if (texts.length > 0) exchanges.push({ text, words: wordsOf(text), gapMs });
    texts = [];
  };
  for (const { sender, body, createdAtMs } of messages) {
    if (sender === 'lead') {
      if (texts.length === 0) gapMs = createdAtMs - oursAtMs;
      texts.push(body);
      continue;
    }
    close();
    oursAtMs = createdAtMs;
    if (sender !== 'assistant') exchanges.length = 0;
  }
  close();
  return exchanges;
}

/** Empty when there were not so many yet. */
const lastOf = (exchanges: readonly Exchange[], count: number): readonly Exchange[] =>
  exchanges.length < count ? [] : exchanges.slice(-count);

const areQuick = (exchanges: readonly Exchange[], withinMs = QUICK_MS): boolean =>
  exchanges.length > 0 && exchanges.every(({ gapMs }) => gapMs <= withinMs);

function areAutomatic(exchanges: readonly Exchange[]): boolean {
  const [first, second] = exchanges;
  return (
    first !== undefined &&
    second !== undefined &&
    isAutomaticReply(first.text) &&
    isAutomaticReply(second.text) &&
    areSame(first, second)
  );
}

/** The first of them may have come whenever it liked. */
const saySame = (exchanges: readonly Exchange[]): boolean =>
  areQuick(exchanges.slice(1), SOON_MS) &&
  exchanges.slice(1).every((exchange, index) => areSame(exchange, exchanges[index] as Exchange));

function areSame(a: Exchange, b: Exchange): boolean {
  if (a.words.size < LEAST_WORDS || b.words.size < LEAST_WORDS) return false;
  const shared = [...a.words].filter((word) => b.words.has(word)).length;
  return shared / (a.words.size + b.words.size - shared) >= SAME_FROM;
}

function isDull(exchanges: readonly Exchange[]): boolean {
  if (!areQuick(exchanges, QUICK_MS)) return false;
  const said = new Set<string>();
  let [words, fresh] = [0, 0];
  for (const exchange of exchanges) {
    for (const word of exchange.words) {
      words += 1;
      if (!said.has(word)) fresh += 1;
      said.add(word);
    }
  }
  return words / exchanges.length >= LEAST_WORDS_ON_AVERAGE && fresh / words < NEW_WORDS_BELOW;
}

const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);

/** What phones and desks say by themselves, in the three languages. Two alike in a row are needed to count. */
const AUTOMATIC: readonly RegExp[] = [
  /\bauto(?:matic|mated|matically)?[- ]?(?:reply|replies|response|responder|generated|message)\b/,
  /\bsent automatically\b|\bdo not disturb while driving\b/,
  /\bi'?m driving\b[^?]{0,80}\b(?:will|i'll|when i|get back|respond|reply)\b/,
  /\bout of (?:the )?office\b|\baway from (?:my|the) (?:desk|phone|keyboard)\b|\bon vacation until\b/,
  /\b(?:do not|don't|please don't) (?:reply|respond) to this\b|\bis not monitored\b|\bunmonitored\b/,
  /\bthank(?:s| you) for (?:contacting|reaching out|texting|messaging|your (?:message|text|inquiry))\b[^?]{0,120}\b(?:will|shortly|soon as)\b/,
  /\b(?:réponse|message) automatique\b|\babsente? du bureau\b|\bje conduis\b|\bne pas répondre à ce\b/,
  /\b(?:respuesta|mensaje) automátic[ao]\b|\bfuera de (?:la )?oficina\b|\bestoy (?:manejando|conduciendo)\b|\bno responda a este\b/,
];

export function isAutomaticReply(text: string): boolean {
  const plain = text.slice(0, 500).toLowerCase().normalize('NFC').replaceAll('’', "'").replace(/\s+/g, ' ');
  return AUTOMATIC.some((pattern) => pattern.test(plain));
}
