/**
 * Numbers that must never be in a text (DOMAIN.md 8.6): they are masked before the text is stored, shown, logged or given
 * to a model. What a dealership works with stays: phones, VINs, stock numbers, prices, odometers, appointments.
 */
import { hasCheckDigit, replaceCardNumbers } from './cardNumbers.js';

export type IdentifierKind = 'card' | 'social_number' | 'birth_date' | 'licence' | 'bank_account';

export interface Masked {
  readonly text: string;
  /** Each kind once; empty when nothing was masked. */
  readonly kinds: readonly IdentifierKind[];
}

/** What stands for a number. No digit in it, so masking again changes nothing. */
export const PLACEHOLDERS: Readonly<Record<IdentifierKind, string>> = {
  card: '[card number removed]',
  social_number: '[social number removed]',
  birth_date: '[birth date removed]',
  licence: '[licence number removed]',
  bank_account: '[account number removed]',
};

/** A longer text is none: callers bound what they take in. */
const NO_DIGIT = /^\D*$/;

export function maskIdentifiers(text: string): Masked {
  if (NO_DIGIT.test(text)) return { text, kinds: [] };
  const kinds = new Set<IdentifierKind>();
  const mark = (kind: IdentifierKind): string => {
    kinds.add(kind);
    return PLACEHOLDERS[kind];
  };
  let masked = replaceCardNumbers(text, () => mark('card'));
  for (const { kind, pattern, isOne } of IN_CONTEXT) {
    masked = masked.replace(pattern, (found: string, context: string, value: string) =>
      isOne(value) ? context + mark(kind) : found,
    );
  }
  return { text: masked, kinds: [...kinds] };
}

const digitsOf = (value: string): string => value.replace(/\D/g, '');

/** Between what a number is called and the number itself. */
const IS = "(?:[ :=#]|is|are|it'?s|number|num\\b|no\\.?|nr|est|es|num[eé]ro|n[uú]mero|du|de|my|mon|mi){0,8}?";
const SOCIAL =
  '(?:\\bssn|\\bs\\.s\\.n\\.?|\\bsocial(?: security| insurance)?|\\bsin|\\bn\\.?a\\.?s|assurance[- ]sociale|seguro[- ]social)\\b';
const BIRTH =
  '(?:\\bdob|\\bd\\.o\\.b\\.?|\\bdate of birth|\\bborn|\\bbirth ?(?:date|day)|\\bdate de naissance|\\bn[ée]e? le|\\bfecha de nacimiento|\\bnac[íi](?:do|da)?)';
const MONTH =
  '(?:jan|feb|f[ée]v|mar|apr|avr|abr|may|mai|jun|juin|jul|juil|aug|ao[uû]|ago|sep|oct|nov|d[ée]c|ene|dic)[a-zé]{0,7}\\.?';
const DATE = [
  '\\d{1,4}[/. -]\\d{1,2}[/. -]\\d{2,4}(?!\\d)',
  `${MONTH} ?\\d{1,2}(?:st|nd|rd|th)?,? ?\\d{2,4}(?!\\d)`,
  `\\d{1,2}(?:st|nd|rd|th|er)?(?: de)?[ -]?${MONTH}(?: de(?:l)?)?[ ,-]{0,2}\\d{2,4}(?!\\d)`,
  '\\d{8}(?!\\d)',
].join('|');
const LICENCE =
  "(?:\\b(?:driver'?s?|driving) licen[cs]e|\\blicen[cs]e|\\bd\\.?l\\.?|\\bpermis(?: de conduire)?|\\blicencia(?: de (?:conducir|manejo|manejar))?)";
const ACCOUNT =
  '(?:\\b(?:bank )?(?:account|acct)|\\brouting|\\btransit|\\binstitution|\\biban|\\bcompte|\\bcuenta)';

interface InContext {
  readonly kind: IdentifierKind;
  /** Two groups: what stays, and the number. */
  readonly pattern: RegExp;
  isOne(value: string): boolean;
}

const always = (): boolean => true;

const IN_CONTEXT: readonly InContext[] = [
  {
    kind: 'card',
    pattern: /(\b(?:cvv2?|cvc2?|cvd|security code)\b[ :=#]{0,3}(?:is |est |es )?)(\d{3,4})(?!\d)/gi,
    isOne: always,
  },
  {
    kind: 'social_number',
    pattern: new RegExp(`(${SOCIAL}[^\\d\\n]{0,24})(\\d(?:[ .-]{0,2}\\d){8})(?![\\d]|[ .-]\\d)`, 'gi'),
    isOne: always,
  },
  {
    kind: 'social_number',
    pattern: /(\blast (?:4|four)\b[^\d\n]{0,24}\b(?:ssn|social|sin)\b[^\d\n]{0,12})(\d{4})(?!\d)/gi,
    isOne: always,
  },
  // As the United States write it: nothing else in this trade looks so.
  {
    kind: 'social_number',
    pattern: /((?<![\d+.-]))(\d{3}[-. ]\d{2}[-. ]\d{4})(?![\d]|[-.]\d)/g,
    isOne: (value) => !/^(?:000|666)/.test(value),
  },
  // As Canada writes it, with its check digit.
  {
    kind: 'social_number',
    pattern:
      /((?<![\d+$.-])(?<!\d ))(\d{3}[- ]\d{3}[- ]\d{3})(?![\d]|[- ]\d| ?(?:km|mi|kms|miles|dollars|\$))/g,
    isOne: (value) => hasCheckDigit(digitsOf(value)),
  },
  {
    kind: 'birth_date',
    pattern: new RegExp(`(${BIRTH}[^\\d\\n]{0,24}?)(${DATE})`, 'gi'),
    isOne: always,
  },
  {
    kind: 'licence',
    pattern: new RegExp(
      `(${LICENCE}(?! ?plate)${IS})\\b([a-z]{0,3}\\d[\\da-z]{0,16}(?:[ -](?=[a-z]{0,3}\\d)[\\da-z]{1,8}){0,3})\\b`,
      'gi',
    ),
    isOne: (value) => digitsOf(value).length >= 5 && !/^(?:19|20)\d\d(?: |$)/.test(value),
  },
  {
    kind: 'bank_account',
    pattern: new RegExp(`(${ACCOUNT}${IS})(\\d(?:[ -]?\\d){4,16})(?!\\d)`, 'gi'),
    isOne: always,
  },
];
