import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maskIdentifiers } from '../../../services/privacy/mask.js';

describe('Numbers that must not be in a text', () => {
  it.each([
    ['card 4111 1111 1111 1111 exp 12/29', 'card', '1111'],
    ['4111-1111-1111-1111', 'card', '1111'],
    ['5555555555554444 1229 123', 'card', '4444'],
    ['amex 3782 822463 10005', 'card', '10005'],
    ['my visa 4012 8888 8888 1881, cvv 123', 'card', '1881'],
    ['cvv: 987', 'card', '987'],
    ['my ssn is 123-45-6789', 'social_number', '6789'],
    ['123-45-6789', 'social_number', '6789'],
    ['social security number 123456789', 'social_number', '123456789'],
    ['SIN 046 454 286', 'social_number', '286'],
    ['046-454-286', 'social_number', '286'],
    ['mon NAS est 046 454 286', 'social_number', '286'],
    ['mi seguro social es 123 45 6789', 'social_number', '6789'],
    ['last four of my social: 6789', 'social_number', '6789'],
    ['date of birth 03/04/1990, can I get approved?', 'birth_date', '1990'],
    ['DOB 1990-04-03', 'birth_date', '1990'],
    ['I was born April 3, 1990', 'birth_date', '1990'],
    ['né le 3 avril 1990', 'birth_date', '1990'],
    ['fecha de nacimiento: 3 de abril de 1990', 'birth_date', '1990'],
    ['dob 04031990', 'birth_date', '04031990'],
    ["my driver's license is 1234567", 'licence', '1234567'],
    ['licence number D1234-56789-01234', 'licence', '01234'],
    ['permis de conduire A1234-567890-12', 'licence', '567890'],
    ['account number 000123456789', 'bank_account', '456789'],
    ['routing 021000021', 'bank_account', '021000021'],
  ])('When somebody texts "%s", then the number is masked as %s', (text, kind, secret) => {
    const masked = maskIdentifiers(text);
    expect(masked.kinds).toContain(kind);
    expect(masked.text).not.toContain(secret);
    expect(maskIdentifiers(masked.text)).toEqual({ text: masked.text, kinds: [] });
  });

  it.each([
    ['a VIN', 'is 1HGCM82633A004352 the VIN?'],
    ['a VIN with many digits', 'vin 2T1BURHE5JC012345'],
    ['a stock number', 'stock P123456 and 20451'],
    ['a phone', 'my number is 604-555-0142'],
    ['a phone with a country', '+1 604 555 0142 or (604) 555-0199'],
    ['a phone without spaces', 'call 16045550142'],
    ['two phones', '604-555-0142 604-555-0199'],
    ['prices', '$21,995 plus 12% or 19 995 $'],
    ['an odometer', 'it has 123456 km, mine 120 000 km'],
    ['the date of an appointment', 'Saturday 11/28/2026 at 5:30'],
    ['dates without a birth', 'from 2026-11-28 to 2026-12-01'],
    ['a birthday without a year', "it is for my son's birthday on 11/28, do you have it by then?"],
    ['a year of birth', 'I was born in 1990'],
    ['how long a licence is held', 'I got my license in 2019 and drive 15000 km a year'],
    ['a plate', 'licence plate 123456'],
    ['a tracking number', 'tracking 9400110200881234567890'],
    ['a handset', 'imei 490154203237518'],
    ['Spanish for "without"', 'sin enganche 20000 al mes'],
    ['an account of something', 'on account of 3 kids and 20000 km'],
    ['a postal code', '98101-1234'],
    ['a budget', 'between 20000 and 25000, 72 months, 399 biweekly'],
  ])('When somebody texts %s, then it stays', (_what, text) => {
    expect(maskIdentifiers(text)).toEqual({ text, kinds: [] });
  });

  const card = fc
    .tuple(fc.constantFrom('4', '51', '55', '2221'), fc.array(fc.nat(9), { minLength: 14, maxLength: 14 }))
    .map(([first, rest]) => withCheckDigit((first + rest.join('')).slice(0, 15)));
  const words = fc.array(fc.constantFrom('here', 'is', 'my', 'card', 'ok?', 'exp 12/29', 'and', 'thanks.'), {
    maxLength: 6,
  });

  it('masks a card wherever it stands, with spaces, dashes or neither', () => {
    fc.assert(
      fc.property(
        card,
        words,
        words,
        fc.constantFrom('', ' ', '-', ' - ', '.'),
        (digits, a, b, separator) => {
          const written = (digits.match(/.{4}/g) as string[]).join(separator);
          const masked = maskIdentifiers([...a, written, ...b].join(' '));
          expect(masked.kinds).toEqual(['card']);
          expect(masked.text).not.toContain(written);
          expect(masked.text.replace('[card number removed]', written)).toBe([...a, written, ...b].join(' '));
        },
      ),
    );
  });

  it('leaves ordinary text as it is, and takes the same time whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'abc dob ssn licence account is # :-.'), maxLength: 300 }),
        (text) => {
          expect(maskIdentifiers(text).text).toBe(text);
        },
      ),
    );
    const began = performance.now();
    for (const unit of ['1 ', '4-', '12.', 'dob ', 'ssn 1', 'account 1', 'license no ', ' is', 'born jan']) {
      maskIdentifiers(unit.repeat(4000 / unit.length));
    }
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

/** The digit that makes the sum right. */
function withCheckDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const doubled = at % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return digits + String((10 - (sum % 10)) % 10);
}
