/** Single values as producers write them, and what they are taken for. */
import { INTERESTS, type Interest, type ProspectPhone } from '../prospect.js';

export const INTEREST_WORDS: Readonly<Record<string, Interest>> = {
  ...Object.fromEntries(INTERESTS.map((interest) => [interest, interest])),
  tradein: 'trade-in',
  trade: 'trade-in',
  'trade in': 'trade-in',
  testdrive: 'test-drive',
  'test drive': 'test-drive',
  purchase: 'buy',
};

export const PHONE_WORDS: Readonly<Record<string, ProspectPhone['type']>> = {
  cellphone: 'cellphone',
  cell: 'cellphone',
  mobile: 'cellphone',
  mobilephone: 'cellphone',
  cellular: 'cellphone',
  sms: 'cellphone',
  text: 'cellphone',
  voice: 'voice',
  phone: 'voice',
  home: 'voice',
  work: 'voice',
  business: 'voice',
  day: 'voice',
  evening: 'voice',
  fax: 'fax',
  pager: 'pager',
};

export interface ReadTime {
  /** ISO 8601. */
  readonly value: string;
  readonly guess: string | undefined;
}

/** `2026-11-18T19:42:07-08:00` and what is sent instead of it. @returns undefined when it is no time at all. */
export function readTime(text: string): ReadTime | undefined {
  if (/^\d{12,14}$/.test(text)) {
    return instant(Number(text), 'the request date was in milliseconds and is taken as UTC');
  }
  if (/^\d{9,11}$/.test(text))
    return instant(Number(text) * 1_000, 'the request date was in seconds and is taken as UTC');
  const found =
    /^(\d{4}-\d{2}-\d{2})(?:[T ]+(\d{1,2}:\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{1,2})?)?$/i.exec(
      text,
    );
  if (!found) {
    const parsed = Date.parse(text);
    return Number.isNaN(parsed) ? undefined : instant(parsed, 'the request date was not in ISO 8601');
  }
  const [, day = '', clock = '00:00', seconds = '00', zone] = found;
  const offset = readOffset(zone);
  const value = `${day}T${clock.padStart(5, '0')}:${seconds}${offset.value}`;
  if (Number.isNaN(Date.parse(value))) return undefined;
  return { value, guess: offset.guess };
}

function instant(ms: number, guess: string): ReadTime | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : { value: date.toISOString(), guess };
}

function readOffset(zone: string | undefined): {
  readonly value: string;
  readonly guess: string | undefined;
} {
  if (zone === undefined) {
    return { value: 'Z', guess: 'the request date had no time zone and is taken as UTC' };
  }
  if (/^(?:Z|UTC|GMT)$/i.test(zone)) return { value: 'Z', guess: undefined };
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d{1,2}):?(\d{1,2})?$/.exec(zone) ?? [];
  const value = `${sign}${hours.padStart(2, '0')}:${minutes.padStart(2, '0')}`;
  return { value, guess: value === zone ? undefined : `the time zone ${zone} is taken as ${value}` };
}

/** `22,995.00` and `$22995` → 22995. */
export function readNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const digits = text
    .replace(/[^\d.,-]/g, '')
    .replace(/,(?=\d{3}(?:\D|$))/g, '')
    .replace(',', '.');
  const value = Number(digits);
  return digits === '' || !Number.isFinite(value) || value < 0 || value > 1e9 ? undefined : value;
}

/** From 1900 on, up to the model years that are sold already. */
export function readYear(text: string | undefined): number | undefined {
  const year = Number(/^(?:19|20)\d{2}$/.exec(text ?? '')?.[0]);
  return Number.isNaN(year) ? undefined : year;
}

export const readEmail = (text: string | undefined): string | undefined => {
  const email = text?.replace(/^mailto:/i, '');
  return email && email.length <= 254 && /^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]{2,}$/.test(email)
    ? email
    : undefined;
};
