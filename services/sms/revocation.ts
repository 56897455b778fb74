/**
 * Whether a text says, in whatever words, that no texts are wanted or that the number is somebody else's (DOMAIN.md 5
 * rule 3 and 8.2: by any reasonable means, typing errors, phrases and other languages included). Bare keywords are
 * classifyKeyword's. How well it does is measured on test/corpora/revocation.jsonl.
 */
import { plainWords } from './revocation/plainWords.js';
import { type RevocationRule, RULES } from './revocation/rules.js';

export type RevocationResult = 'none' | 'revoked' | 'wrong_number';

export interface Revocation {
  readonly result: RevocationResult;
  /** The rule that counted: `en.stop_texting`. */
  readonly rule: string | null;
  /** Of the rule; null without one. */
  readonly language: 'en' | 'fr' | 'es' | null;
}

const NONE: Revocation = { result: 'none', rule: null, language: null };

export function classifyRevocation(body: string): Revocation {
  if (body === '') return NONE;
  const { words, named } = plainWords(body);
  const rule = RULES.find((candidate) => applies(candidate, candidate.readsNames ? named : words));
  return rule ? { result: rule.result, rule: rule.name, language: rule.language } : NONE;
}

function applies({ needs, pattern, unless }: RevocationRule, words: string): boolean {
  if (!needs.some((letters) => words.includes(letters))) return false;
  const found = pattern.exec(words);
  if (!found) return false;
  return unless === undefined || !unless.test(clausesOf(words, found.index, found.index + found[0].length));
}

/** From the beginning of the first clause that was found to the end of the last. */
function clausesOf(words: string, start: number, end: number): string {
  const isEnd = (character: string | undefined): boolean => character === '.' || character === '?';
  let from = start;
  while (from > 0 && !isEnd(words[from - 1])) from -= 1;
  let to = end;
  while (to < words.length && !isEnd(words[to - 1])) to += 1;
  return words.slice(from, to);
}
