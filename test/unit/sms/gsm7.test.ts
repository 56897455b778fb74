import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isGsm7, normaliseToGsm7 } from '../../../services/sms/gsm7.js';

describe('Typography becomes plain GSM-7', () => {
  it.each([
    ['curly single quotes', 'it\u2019s \u2018ours\u2019', "it's 'ours'"],
    ['curly double quotes', '\u201cHonda\u201d \u00abCivic\u00bb', '"Honda" "Civic"'],
    ['dashes and minus', 'Mon\u2013Fri \u2014 9\u2010 to \u22125', 'Mon-Fri - 9- to -5'],
    ['the ellipsis', 'Well\u2026', 'Well...'],
    ['spaces of every width', 'a\u00a0b\u202fc\u2009d\te', 'a b c d e'],
    ['characters without width', 'Ci\u200bv\u2060ic\ufeff So\u00adnata', 'Civic Sonata'],
    ['joiners between letters', 'Ci\u200dvic\ufe0f', 'Civic'],
    ['line ends of every kind', 'a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
    ['bullets', '\u2022 Civic\n\u2022 Accord', '- Civic\n- Accord'],
    ['control characters', 'a\u0000b\u0007c', 'abc'],
    ['letters with a loose accent', 'Cafe\u0301 Montre\u0301al', 'Café Montréal'],
  ])('When a text holds %s, then it is GSM-7 afterwards', (_what, before, after) => {
    expect(normaliseToGsm7(before)).toBe(after);
    expect(isGsm7(after)).toBe(true);
  });
});

describe('Meaning is kept', () => {
  it.each(['é à ñ ü ö Ç ß', 'Price: €22 995 {net} [tax] ~10% ^ | \\', 'line\nfeed'])(
    'When a text is GSM-7 already (%j), then it stays as it is',
    (text) => {
      expect(normaliseToGsm7(text)).toBe(text);
    },
  );

  it.each([
    'Vous êtes ici, ça va?',
    'Привет',
    '谢谢',
    'See you soon 👍🏽',
    'Family 👨\u200d👩\u200d👧 car',
    '❤\ufe0f',
  ])('When a text has letters or emoji outside of the alphabet (%s), then they stay whole', (text) => {
    expect(normaliseToGsm7(text)).toBe(text);
    expect(isGsm7(text)).toBe(false);
  });
});

it('When any text is normalised twice, then the second time changes nothing', () => {
  const piece = fc.constantFrom(
    ...'aé€ç\u2019\u2026\u00a0\u200d\u200b\ufe0f\u0301\u0327\r\n\u0000\u2028\u00ad👍'.split(''),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.string({ unit: 'binary' }), (pieces, tail) => {
      const once = normaliseToGsm7(pieces.join('') + tail);
      expect(normaliseToGsm7(once)).toBe(once);
    }),
    { numRuns: 500 },
  );
});
