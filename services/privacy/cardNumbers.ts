/** Payment card numbers among other digits: by length, first digits, check digit and the way people group them. */

/** What may stand between two groups of digits. */
const RUN = /(?<![\d+])\d+(?:[ .\-\u2010-\u2015]{1,3}\d+){0,12}/g;
/** Lengths of the groups as cards print them, and as people read them out. */
const GROUPINGS = new Set([
  '4-4-4-4',
  '4-6-5',
  '4-6-4',
  '4-4-4-4-3',
  '4-4-4-1',
  '8-8',
  '4-4-8',
  '4-12',
  '6-10',
  '5-5-6',
]);

/** Replaces each card number. @param mark what stands for it. */
export function replaceCardNumbers(text: string, mark: () => string): string {
  return text.replace(RUN, (run) => replaceInRun(run, mark));
}

function replaceInRun(run: string, mark: () => string): string {
  // Odd places hold what separates.
  const parts = run.split(/([^\d]+)/);
  for (let first = 0; first < parts.length; first += 2) {
    for (let last = Math.min(first + 8, parts.length - 1); last >= first; last -= 2) {
      const groups = parts.slice(first, last + 1).filter((_, at) => at % 2 === 0);
      const shape = groups.map(({ length }) => length).join('-');
      if ((groups.length === 1 || GROUPINGS.has(shape)) && isCardNumber(groups.join(''))) {
        const before = parts.slice(0, first).join('');
        return before + mark() + replaceInRun(parts.slice(last + 1).join(''), mark);
      }
    }
  }
  return run;
}

/**
 * First digits and lengths of the schemes (ISO/IEC 7812; the ranges that the schemes publish), so that a tracking
 * number, a handset's serial number or two phone numbers in a row are none.
 */
const SCHEMES: readonly (readonly [first: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(?:6011|65|64[4-9])/, [16, 19]],
  [/^(?:36|38|39|30[0-5])/, [14, 16]],
  [/^35(?:2[89]|[3-8])/, [16]],
  [/^62/, [16, 17, 18, 19]],
  [/^(?:50|5[6-9]|63|67)/, [16, 18, 19]],
];

export function isCardNumber(digits: string): boolean {
  const isOfScheme = SCHEMES.some(
    ([first, lengths]) => lengths.includes(digits.length) && first.test(digits),
  );
  return isOfScheme && hasCheckDigit(digits);
}

/** The check digit after Luhn, which payment cards and Canadian social insurance numbers have. */
export function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]);
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
