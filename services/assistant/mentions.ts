/** Which vehicles a text names, and whether the shopper wants them or owns them. */

import { isEveryday, keyOf, type VehicleName, type Vocabulary } from './vehicleVocabulary.js';
import { isPunctuation, titleCase } from './words.js';

/** `wish`: to buy. `trade`: to trade in. `own`: theirs, whatever becomes of it. `not`: ruled out. */
export type Role = 'wish' | 'trade' | 'own' | 'not';

export interface Mention extends VehicleName {
  readonly year?: number;
  readonly role: Role;
}

export interface Found {
  readonly mentions: readonly Mention[];
  /** The tokens that belong to the wish, names of vehicles left out: price, colour and body style are read from them. */
  readonly wishTokens: readonly string[];
}

interface Hit {
  readonly name: VehicleName;
  readonly length: number;
}

const TRADE_CUES = /^(?:trade|trades|trading|traded|tradein|swap|swapping)$/;
const WISH_CUES = /^(?:for|want|wants|like|interested|looking|about|towards?|buy|buying|see|prefer|into)$/;
const SENTENCE_OPENERS =
  /^(?:is|are|do|does|can|could|any|got|how|what|whats|what's|when|where|would|will|actually|or|hi|hey|hello)$/;

/** @param expected what a bare name means: `trade` right after the question about a trade-in. */
export function findMentions(tokens: readonly string[], vocabulary: Vocabulary, expected: Role): Found {
  const mentions: Mention[] = [];
  const wishTokens: string[] = [];
  let mode: Role = expected;
  for (let at = 0; at < tokens.length; ) {
    mode = nextMode(mode, tokens, at);
    const hit = nameAt(tokens, at, vocabulary);
    if (!hit) {
      if (mode === 'wish') wishTokens.push(tokens[at] ?? '');
      at += 1;
      continue;
    }
    const role = roleOf(mode, tokens, at, hit.length);
    mentions.push({ ...hit.name, ...yearAround(tokens, at, hit.length), role });
    if (role !== 'wish') dropTrailing(wishTokens);
    at += hit.length;
  }
  return { mentions, wishTokens };
}

function nextMode(mode: Role, tokens: readonly string[], at: number): Role {
  const token = tokens[at] ?? '';
  const before = tokens[at - 1];
  if (TRADE_CUES.test(token)) return before === 'no' || before === 'not' ? 'wish' : 'trade';
  if (mode !== 'wish' && WISH_CUES.test(token) && !(token === 'for' && tokens[at + 1] === 'trade'))
    return 'wish';
  if (mode !== 'wish' && SENTENCE_OPENERS.test(token) && startsSentence(before)) return 'wish';
  return mode;
}

const startsSentence = (before: string | undefined): boolean =>
  before === undefined || /^[.!?;]$/.test(before);

function roleOf(mode: Role, tokens: readonly string[], at: number, length: number): Role {
  const before = tokens.slice(Math.max(0, at - 5), at).filter((token) => !/^(?:19|20)\d\d$/.test(token));
  const near = before.slice(-3).join(' ');
  if (/\b(?:not|instead of|except|sold) (?:the |a |an )?$/.test(`${near} `)) return 'not';
  const after = tokens.slice(at + length, at + length + 4).join(' ');
  if (
    /^(?:(?:19|20)\d\d )?(?:to trade|to swap|as (?:a )?trade|trade|for trade|i'?d? (?:like|want) to trade)/.test(
      after,
    )
  )
    return 'trade';
  if (/\bmy (?:\w+ )?$/.test(`${near} `)) return 'trade';
  if (
    /\b(?:i|i've|ive|currently|we) (?:currently )?(?:have|own|drive|got) (?:a |an |the )?$/.test(
      `${before.join(' ')} `,
    )
  ) {
    return mode === 'trade' ? 'trade' : 'own';
  }
  return mode;
}

/** The article, year and "my" before a vehicle that is not wished for do not describe the wish. */
function dropTrailing(wishTokens: string[]): void {
  while (/^(?:(?:19|20)\d\d|a|an|the|my|i|have|own|drive|not)$/.test(wishTokens.at(-1) ?? ''))
    wishTokens.pop();
}

function nameAt(tokens: readonly string[], at: number, vocabulary: Vocabulary): Hit | undefined {
  const model = modelAt(tokens, at, vocabulary);
  const make = makeAt(tokens, at, vocabulary);
  if (!make) return model && isMeant(tokens, at, model) ? model : undefined;
  const rest = modelAt(tokens, at + make.length, vocabulary);
  if (rest && (rest.name.make === make.name.make || keyOf(make.name.make) === 'dodge')) {
    return { name: rest.name, length: make.length + rest.length };
  }
  if (model && model.length > make.length) return model;
  return isMeant(tokens, at, make) ? make : undefined;
}

/** The longest model name that begins here, up to three tokens (`f 150`, `grand cherokee`). */
function modelAt(tokens: readonly string[], at: number, vocabulary: Vocabulary): Hit | undefined {
  for (let length = 3; length >= 1; length -= 1) {
    const words = tokens.slice(at, at + length);
    if (words.length < length || words.some(isPunctuation)) continue;
    const name = lookUp(words.join(''), vocabulary);
    if (name) return { name, length };
  }
  return undefined;
}

function lookUp(joined: string, { models, inStock }: Vocabulary): VehicleName | undefined {
  const key = keyOf(joined);
  const exact =
    models.get(key) ?? (key.length > 3 && key.endsWith('s') ? models.get(key.slice(0, -1)) : undefined);
  if (exact) return exact;
  const slip = inStock.find((known) => known.length >= 5 && isOneSlip(key, known));
  return slip === undefined || REAL_WORDS.test(key) ? undefined : models.get(slip);
}

/** Words one letter away from a model that mean themselves. */
const REAL_WORDS = /^(?:civil|carry|cameras?|corona|coral|ranged?|accords|outbacks?|focused)$/;

/** One letter missing, added, changed, or two swapped; the first letter right. */
export function isOneSlip(word: string, known: string): boolean {
  if (word === known || word[0] !== known[0] || Math.abs(word.length - known.length) > 1) return false;
  let at = 0;
  while (at < word.length && word[at] === known[at]) at += 1;
  const swapped = word[at] === known[at + 1] && word[at + 1] === known[at];
  return (
    word.slice(at + 1) === known.slice(at + 1) ||
    word.slice(at) === known.slice(at + 1) ||
    word.slice(at + 1) === known.slice(at) ||
    (swapped && word.slice(at + 2) === known.slice(at + 2))
  );
}

function makeAt(tokens: readonly string[], at: number, { makes }: Vocabulary): Hit | undefined {
  for (let length = 2; length >= 1; length -= 1) {
    const words = tokens.slice(at, at + length);
    if (words.length < length || words.some(isPunctuation)) continue;
    const key = keyOf(words.join(''));
    const make =
      makes.get(key) ?? (key.length > 3 && key.endsWith('s') ? makes.get(key.slice(0, -1)) : undefined);
    if (make !== undefined) return { name: { make }, length };
  }
  return undefined;
}

/** Everyday words count as vehicles only where a vehicle is expected. */
function isMeant(tokens: readonly string[], at: number, hit: Hit): boolean {
  const word = keyOf(tokens.slice(at, at + hit.length).join(''));
  if (!isEveryday(word)) return true;
  const before = tokens[at - 1] ?? '';
  return /^(?:19|20)\d\d$/.test(before) || (/^(?:an?|the|my)$/.test(before) && !/^\d+$/.test(word));
}

/** A year directly before or after the name; `21` only before. */
function yearAround(tokens: readonly string[], at: number, length: number): { year?: number } {
  for (const token of [tokens[at - 1], tokens[at + length]]) {
    if (token !== undefined && /^(?:19[6-9]\d|20[0-4]\d)$/.test(token)) return { year: Number(token) };
  }
  const short = tokens[at - 1] ?? '';
  return /^(?:0[1-9]|1\d|2\d)$/.test(short) ? { year: 2000 + Number(short) } : {};
}

/** `2018 Ford F-150` */
export const nameOf = (mention: VehicleName & { readonly year?: number }): string =>
  titleCase([mention.year, mention.make, mention.model].filter((part) => part !== undefined).join(' '));
