/** Everything recognised in the texts of one turn, read together. */
import { type Intent, isAgreement, isRefusal, pickedOption, readIntents } from './intents.js';
import { type Draft, UNNAMED_TRADE } from './memory.js';
import { findMentions, type Mention } from './mentions.js';
import { readQuery, type StockQuery, stockNumbersIn } from './stockQuery.js';
import type { Turn } from './turn.js';
import { vocabularyOf } from './vehicleVocabulary.js';
import { bareClock, parseWhen, type When } from './when.js';
import { plainText, tokensOf } from './words.js';

export interface Heard {
  /** Each text in plain form, without the unreadable ones. */
  readonly parts: readonly string[];
  /** The parts as one text. */
  readonly plain: string;
  readonly intents: ReadonlySet<Intent>;
  readonly mentions: readonly Mention[];
  readonly query: StockQuery;
  readonly stockNumbers: readonly string[];
  readonly when: When | undefined;
  readonly agrees: boolean;
  readonly refuses: boolean;
  /** `happy` or `unhappy` when the texts are emoji only. */
  readonly emoji?: 'happy' | 'unhappy';
  /** Letters we cannot read: another script. */
  readonly isForeignScript: boolean;
}

export function listen(turn: Turn, draft: Draft): Heard {
  const parts = turn.texts.map(plainText).filter((part) => /[a-z0-9]/.test(part) || part === '?');
  const plain = parts.join(' . ');
  const tokens = tokensOf(plain);
  const expectsTrade = draft.lastQuestion === 'tradeIn' && !isQuestion(plain) && !isPointer(plain);
  const found = findMentions(
    tokens,
    vocabularyOf(turn.dealership.inventory),
    expectsTrade ? 'trade' : 'wish',
  );
  const mentions = draft.tradeIn === UNNAMED_TRADE ? asTrade(found.mentions, turn) : found.mentions;
  const known = turn.dealership.inventory.map(({ stockNumber }) => stockNumber);
  const intents = new Set(parts.flatMap((part) => [...readIntents(part)]));
  const bare = draft.lastQuestion === 'visit' ? bareClock(plain) : undefined;
  const when = parseWhen(plain, turn.now) ?? (bare && !pickable(plain) ? { minutes: bare } : undefined);
  return {
    parts,
    plain,
    intents,
    mentions,
    query: withoutOffer(readQuery(mentions, mentions === found.mentions ? found.wishTokens : []), intents),
    stockNumbers: stockNumbersIn(tokens, known),
    when,
    agrees: parts.some(isAgreement),
    refuses: parts.some(isRefusal),
    ...readEmoji(turn.texts, parts),
    isForeignScript: parts.length === 0 && turn.texts.some((text) => /\p{L}/u.test(text)),
  };
}

/** With a trade-in still to be named, a vehicle of a certain year that is not in stock is that trade-in. */
function asTrade(mentions: readonly Mention[], { dealership }: Turn): readonly Mention[] {
  const isStocked = (mention: Mention): boolean =>
    dealership.inventory.some(({ model, year }) => model === mention.model && year === mention.year);
  const isTrade = (mention: Mention): boolean =>
    mention.role === 'wish' && mention.year !== undefined && !isStocked(mention);
  if (!mentions.some(isTrade)) return mentions;
  return mentions.map((mention) => (isTrade(mention) ? { ...mention, role: 'trade' } : mention));
}

/** "The Ford" points at something offered. */
const isPointer = (plain: string): boolean => /^the\b/.test(plain) && !/\b(?:19|20)\d\d\b/.test(plain);

/** The figure of "would you take 20k" or "400 a month" is an offer, not a price to search by. */
function withoutOffer(query: StockQuery, intents: ReadonlySet<Intent>): StockQuery {
  if (!intents.has('negotiation') && !intents.has('payment')) return query;
  const { minPrice: _min, maxPrice: _max, ...rest } = query;
  return rest;
}

const isQuestion = (plain: string): boolean => plain.includes('?') && !/\b(?:19|20)\d\d\b|\btrad/.test(plain);

const pickable = (plain: string): boolean => pickedOption(plain, 2) !== undefined;

/** The offered thing picked by any of the texts, from 0. */
export function picked({ parts }: Heard, count: number): number | undefined {
  for (const part of parts) {
    const option = pickedOption(part, count);
    if (option !== undefined && option < count) return option;
  }
  return undefined;
}

export const has = (heard: Heard, ...intents: readonly Intent[]): boolean =>
  intents.some((intent) => heard.intents.has(intent));

function readEmoji(texts: readonly string[], parts: readonly string[]): { emoji?: 'happy' | 'unhappy' } {
  const all = texts.join('');
  if (parts.length > 0 || !/\p{Extended_Pictographic}/u.test(all) || /\p{L}/u.test(all)) return {};
  return {
    emoji: /[\u{1F44E}\u{1F620}\u{1F621}\u{1F92C}\u{1F624}\u{1F44E}]/u.test(all) ? 'unhappy' : 'happy',
  };
}
