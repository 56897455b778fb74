/**
 * A text as the rules of revocation read it: lower case without accents, one space between words, typing errors of the
 * words that matter mended, and every end of a clause a word of its own, `.` or `?`. So a pattern of words never
 * reaches over the end of a clause.
 */
import { CONTRACTIONS, FIRST_NAMES, MENDED, NOT_NAMES } from './lexicon.js';

/** Of a longer text the beginning and the end are read: what somebody wants of us stands there. */
const MAX_CHARACTERS = 300;

export interface PlainWords {
  /** `. please stop texting me .` */
  readonly words: string;
  /** The same with `Name` for what is written like a name of a person. */
  readonly named: string;
}

const WORD = /[\p{L}\p{N}]+|['\u2019\u02bc]|[.,!?;:\n()"\u2026\u2014|]|#/gu;

export function plainWords(text: string): PlainWords {
  const tokens = mended(spelled(bounded(text)));
  const isShouted = tokens.every(({ isCapital, word }) => isCapital || !/[a-z]/.test(word));
  const named = tokens.map((token, at) => (isName(token, tokens[at - 1], isShouted) ? 'Name' : token.word));
  return { words: joined(tokens.map(({ word }) => word)), named: joined(named) };
}

const bounded = (text: string): string =>
  text.length <= 2 * MAX_CHARACTERS
    ? text
    : `${text.slice(0, MAX_CHARACTERS)}\n${text.slice(-MAX_CHARACTERS)}`;

interface Token {
  readonly word: string;
  /** Written with one capital letter at its beginning. */
  readonly isCapital: boolean;
}

function spelled(text: string): Token[] {
  const parts =
    text
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .match(WORD) ?? [];
  const tokens: Token[] = [];
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at] as string;
    const next = parts[at + 1];
    if (APOSTROPHES.has(part)) {
      const last = tokens.at(-1);
      // "don't" is one word, "n'arretez" two.
      if (last && next !== undefined && ENGLISH_ENDINGS.has(next.toLowerCase())) {
        tokens[tokens.length - 1] = { ...last, word: last.word + next.toLowerCase() };
        at += 1;
      }
    } else if (part === '#') tokens.push({ word: 'number', isCapital: false });
    else if (/^[\p{L}\p{N}]/u.test(part)) tokens.push(tokenOf(part));
    else tokens.push({ word: part === '?' ? '?' : '.', isCapital: false });
  }
  return tokens;
}

const APOSTROPHES = new Set(["'", '\u2019', '\u02bc']);
const ENGLISH_ENDINGS = new Set(['t', 's', 're', 've', 'll', 'd', 'm']);

function tokenOf(part: string): Token {
  const lower = part.toLowerCase();
  // "stopppp" is "stop" with weight.
  const word = /(.)\1\1/.test(lower) ? lower.replace(/([a-z])\1{2,}/g, '$1') : lower;
  return { word, isCapital: /^\p{Lu}\p{Ll}+$/u.test(part) };
}

/** No other word begins so, whatever follows. */
const byItsBeginning = (word: string): string => (/^u?nsu[bs]s?[cs]/.test(word) ? 'unsubscribe' : word);

/** Typing errors mended, and "do not" written as "dont". */
function mended(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  for (const token of tokens) {
    const word = MENDED.get(token.word) ?? byItsBeginning(token.word);
    const last = out.at(-1);
    const contracted = last && CONTRACTIONS.get(`${last.word} ${word}`);
    if (last && contracted !== undefined) out[out.length - 1] = { ...last, word: contracted };
    else out.push({ ...token, word });
  }
  return out;
}

function isName({ word, isCapital }: Token, before: Token | undefined, isShouted: boolean): boolean {
  const bare = word.endsWith('s') ? word.slice(0, -1) : word;
  if (FIRST_NAMES.has(word) || FIRST_NAMES.has(bare)) return true;
  const isInside = before !== undefined && before.word !== '.' && before.word !== '?';
  return isCapital && isInside && !isShouted && !NOT_NAMES.has(word);
}

/** Without empty clauses: `. stop . thanks .` */
const joined = (words: readonly string[]): string =>
  `. ${words.join(' ')} .`.replace(/(?:[.] )+(?=[.?](?: |$))/g, '').replace(/([?])(?: [.?])+/g, '$1');
