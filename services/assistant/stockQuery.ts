/** What a shopper asks of the inventory, and the same again in words. */

import { type Mention, nameOf } from './mentions.js';
import { type Body, bodyOf, keyOf } from './vehicleVocabulary.js';
import { grouped, listOf } from './words.js';

export interface StockQuery {
  readonly names: readonly Mention[];
  readonly bodies: readonly Body[];
  readonly colors: readonly string[];
  readonly condition?: 'new' | 'used';
  readonly fuel?: 'hybrid' | 'electric';
  readonly minPrice?: number;
  readonly maxPrice?: number;
  readonly maxKm?: number;
  readonly minYear?: number;
  readonly maxYear?: number;
  readonly order?: 'cheapest' | 'newest';
}

const COLORS =
  /^(?:black|white|red|blue|grey|gray|silver|green|brown|beige|orange|yellow|gold|burgundy|purple)$/;
const MAX_CUES = /^(?:under|below|less|max|maximum|upto|within|budget|spend|afford|most)$/;
const MIN_CUES = /^(?:over|above|more|least|minimum)$/;
const NEAR_CUES = /^(?:around|about|roughly|approximately|near)$/;

export function readQuery(mentions: readonly Mention[], tokens: readonly string[]): StockQuery {
  const plain = tokens.join(' ');
  const names = mentions.filter(({ role }) => role === 'wish');
  const bodies = [...new Set(bodiesIn(tokens))];
  const colors = [...new Set(tokens.filter((token) => COLORS.test(token)))].map((color) =>
    color === 'gray' ? 'grey' : color,
  );
  return {
    names,
    bodies,
    colors,
    ...readCondition(plain),
    ...readFuel(plain),
    ...readNumbers(tokens),
    ...readYears(plain, names),
    ...readOrder(plain),
  };
}

function bodiesIn(tokens: readonly string[]): Body[] {
  return tokens.flatMap((token, at) => {
    const body = bodyOf(token) ?? bodyOf(`${token}${tokens[at + 1] ?? ''}`);
    return body ? [body] : [];
  });
}

function readCondition(plain: string): { condition?: 'new' | 'used' } {
  const isUsed = /\b(?:used|pre ?owned|second ?hand|certified|cpo)\b/.test(plain);
  const isNew = /\b(?:brand new|new)\b(?! (?:to|here|job|baby|number|phone|year))/.test(plain);
  if (isUsed === isNew) return {}; // neither, or "new or used"
  return { condition: isUsed ? 'used' : 'new' };
}

function readFuel(plain: string): { fuel?: 'hybrid' | 'electric' } {
  if (/\bhybrids?\b/.test(plain)) return { fuel: 'hybrid' };
  return /\b(?:electric|evs?)\b/.test(plain) ? { fuel: 'electric' } : {};
}

function readOrder(plain: string): { order?: 'cheapest' | 'newest' } {
  if (/\b(?:cheapest|cheaper|lowest priced?|least expensive|most affordable)\b/.test(plain))
    return { order: 'cheapest' };
  return /\bnewest\b/.test(plain) ? { order: 'newest' } : {};
}

/** Prices in whole units and kilometres: `30k`, `$25,000`, `20 grand`, `under 30`, `60000 km`. */
function readNumbers(tokens: readonly string[]): { minPrice?: number; maxPrice?: number; maxKm?: number } {
  const found: { minPrice?: number; maxPrice?: number; maxKm?: number } = {};
  tokens.forEach((token, at) => {
    const amount = amountAt(token, tokens[at + 1]);
    if (!amount) return;
    const before = tokens.slice(Math.max(0, at - 4), at);
    const after = tokens.slice(at + 1, at + 5).join(' ');
    const cue = cueOf(before, after);
    const isWhole = tokens.length === 1 && amount.value >= 5 && !isYear(amount.value); // "20" or "20000" in answer to "which budget"
    const isShorthand =
      amount.value >= 5 &&
      amount.value < 200 &&
      (isWhole || cue === 'max' || cue === 'min') &&
      !isTimeWord(tokens[at + 1]);
    const value = isShorthand && !amount.isKm ? amount.value * 1000 : amount.value;
    if (value < 1000 || value > 2_000_000) return;
    if (amount.isKm) found.maxKm = value;
    else if (amount.isMoney || isWhole || (cue && !isYear(value))) place(found, value, cue, before);
  });
  return found;
}

const isTimeWord = (token: string | undefined): boolean =>
  /^(?:am|pm|min|mins|minutes?|hours?|days?|weeks?|months?|years?|people|miles?|o'clock)$/.test(token ?? '');

const isYear = (value: number): boolean => value >= 1980 && value <= 2040;

function amountAt(
  token: string,
  next: string | undefined,
): { value: number; isKm: boolean; isMoney: boolean } | undefined {
  const match = /^(\$?)(\d{1,7}(?:\.\d{1,2})?)(k|km|kms|grand)?$/.exec(token);
  if (!match) return undefined;
  const unit = match[3] ?? next ?? '';
  const isKm =
    /^(?:kms?|kilometers?|kilometres?|miles?|clicks)$/.test(unit) ||
    (match[3] === 'k' && /^kms?$/.test(next ?? ''));
  const isThousands = /^(?:k|grand|thousand)$/.test(unit);
  return {
    value: Number(match[2]) * (isThousands || match[3] === 'k' ? 1000 : 1),
    isKm,
    isMoney: match[1] === '$' || (isThousands && !isKm) || /^(?:dollars|bucks|cad)$/.test(next ?? ''),
  };
}

type Cue = 'max' | 'min' | 'near' | undefined;

function cueOf(before: readonly string[], after: string): Cue {
  if (/^(?:k |grand |thousand |dollars )?(?:or (?:less|under|below|cheaper)|max|tops|budget)/.test(after))
    return 'max';
  for (const word of [...before].reverse()) {
    if (MAX_CUES.test(word) || word === 'up') return 'max';
    if (MIN_CUES.test(word)) return 'min';
    if (NEAR_CUES.test(word)) return 'near';
    if (word === 'between') return 'min';
  }
  return undefined;
}

function place(
  found: { minPrice?: number; maxPrice?: number },
  value: number,
  cue: Cue,
  before: readonly string[],
): void {
  if (cue === 'min' && found.minPrice !== undefined && before.includes('and')) found.maxPrice = value;
  else if (cue === 'min') found.minPrice = value;
  else if (cue === 'near') {
    found.minPrice = Math.round(value * 0.8);
    found.maxPrice = Math.round(value * 1.15);
  } else found.maxPrice = value;
}

function readYears(plain: string, names: readonly Mention[]): { minYear?: number; maxYear?: number } {
  const range = /\b(20[0-4]\d|19[89]\d) (?:or|and) (newer|up|later|older)\b/.exec(plain);
  const [, year, direction] = range ?? [];
  if (year !== undefined)
    return direction === 'older' ? { maxYear: Number(year) } : { minYear: Number(year) };
  const newer = /\bnewer than (?:a )?(20[0-4]\d|19[89]\d)\b/.exec(plain);
  if (newer) return { minYear: Number(newer[1]) + 1 };
  const exact = /(?<!\$)\b(20[0-4]\d|19[89]\d)\b(?! ?(?:km|kms|dollars))/.exec(plain);
  if (!exact || names.some((name) => name.year !== undefined)) return {};
  return { minYear: Number(exact[1]), maxYear: Number(exact[1]) };
}

/** Whether anything of the inventory was asked for. */
export const isEmptyQuery = (query: StockQuery): boolean =>
  describeQuery(query) === 'vehicle' && query.order === undefined;

/** Whether the query says what kind of vehicle, not only which colour or price. */
export const namesKind = (query: StockQuery): boolean => query.names.length > 0 || query.bodies.length > 0;

/** A narrowing ("in blue?", "under 30k?") keeps what was asked before and adds to it. */
export function narrow(before: StockQuery, more: StockQuery): StockQuery {
  const pick = <T>(next: readonly T[], last: readonly T[]): readonly T[] => (next.length > 0 ? next : last);
  return {
    ...before,
    ...more,
    names: pick(more.names, before.names),
    bodies: pick(more.bodies, before.bodies),
    colors: pick(more.colors, before.colors),
  };
}

/** `used blue Honda Civic under $30,000`; reading it again gives the same query. */
export function describeQuery(query: StockQuery): string {
  const years = sayYears(query);
  const names = [...new Set(query.names.map(nameOf))];
  const kind = names.length > 0 ? listOf(names, 'or') : listOf(query.bodies, 'or') || 'vehicle';
  const words = [
    query.condition,
    listOf(query.colors, 'or'),
    query.fuel,
    years.before,
    kind,
    years.after,
    sayLimits(query),
  ];
  return words.filter(Boolean).join(' ');
}

function sayYears({ minYear, maxYear }: StockQuery): { before?: string; after?: string } {
  if (minYear !== undefined && minYear === maxYear) return { before: String(minYear) };
  if (minYear !== undefined) return { after: `${minYear} or newer` };
  return maxYear === undefined ? {} : { after: `${maxYear} or older` };
}

function sayLimits({ minPrice, maxPrice, maxKm }: StockQuery): string {
  const limits: string[] = [];
  if (minPrice !== undefined && maxPrice !== undefined) {
    limits.push(`between $${grouped(minPrice)} and $${grouped(maxPrice)}`);
  } else if (maxPrice !== undefined) limits.push(`under $${grouped(maxPrice)}`);
  else if (minPrice !== undefined) limits.push(`over $${grouped(minPrice)}`);
  if (maxKm !== undefined) limits.push(`under ${grouped(maxKm)} km`);
  return limits.join(' and ');
}

/** Stock numbers named in a text: those of the inventory, written with or without dashes, any case. */
export function stockNumbersIn(tokens: readonly string[], known: readonly string[]): string[] {
  const byKey = new Map(
    known.filter((number) => keyOf(number).length >= 3).map((number) => [keyOf(number), number]),
  );
  const found = tokens.flatMap((token, at) => {
    const number = byKey.get(keyOf(token)) ?? byKey.get(keyOf(`${token}${tokens[at + 1] ?? ''}`));
    return number === undefined ? [] : [number];
  });
  return [...new Set(found)].filter((number) => !/^(?:19|20)\d\d$/.test(number));
}
