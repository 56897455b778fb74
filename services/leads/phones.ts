/** Which of a prospect's phones is texted, and how it is written in E.164. */
import parsePhoneNumber, { type CountryCode } from 'libphonenumber-js/min';
import type { E164 } from '../types.js';
import type { ProspectPhone } from './prospect.js';

/**
 * The phone that most likely gets texts: mobile ones first, then the one the person prefers, then as written. Fax machines,
 * pagers, extensions and numbers of an impossible length are passed over.
 * @param country of numbers without a country code.
 */
export function choosePhone(phones: readonly ProspectPhone[], country: CountryCode): E164 | undefined {
  const rank = ({ type, isPreferred }: ProspectPhone): number =>
    (type === 'cellphone' ? 0 : 2) + (isPreferred ? 0 : 1);
  const textable = phones.filter(({ type }) => type === 'cellphone' || type === 'voice');
  const sorted = [...textable].sort((a, b) => rank(a) - rank(b));
  for (const { value } of sorted) {
    const phone = normalisePhone(value, country);
    if (phone) return phone;
  }
  return undefined;
}

export function normalisePhone(value: string, country: CountryCode): E164 | undefined {
  if (value.length > 40) return undefined;
  const parsed = parsePhoneNumber(value, country);
  // "Possible" and not "valid": see toE164.
  return parsed?.isPossible() && !parsed.ext ? (parsed.number as string as E164) : undefined;
}

/** Where a dealership's own number is; the country code 1 stands for the United States, which dial the same as Canada. */
export function countryOfNumber(phone: E164 | undefined): CountryCode {
  const parsed = phone === undefined ? undefined : parsePhoneNumber(phone);
  return parsed?.countryCallingCode === '1' ? 'US' : (parsed?.country ?? 'US');
}
