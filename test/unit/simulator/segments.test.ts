import { describe, expect, it } from '@jest/globals';
import { countSegments } from '../../../services/sms/segments.js';

type Count = (text: string) => { encoding: string; segments: number };

const SAMPLES = [
  'Hi',
  'x'.repeat(160),
  'x'.repeat(161),
  'x'.repeat(306),
  'x'.repeat(307),
  '€'.repeat(80),
  '€'.repeat(81),
  `${'x'.repeat(152)}€${'x'.repeat(152)}`,
  'é à ñ ü ß Ω',
  'ça va bien',
  '“Is it here?”',
  '😀'.repeat(35),
  '😀'.repeat(36),
  '👨‍👩‍👧‍👦'.repeat(9),
  `${'ж'.repeat(66)}😀${'ж'.repeat(66)}`,
  'ж'.repeat(70),
  'ж'.repeat(71),
  'ж'.repeat(135),
];

describe('The segment count of the phone page', () => {
  it.each(SAMPLES.map((text) => [text.length, text.slice(0, 8), text] as const))(
    'When one writes %d characters such as %s, then the count while writing is the count that is stored',
    async (_length, _start, text) => {
      // A script of the browser, without types.
      const page = (await import(String('../../../public/simulator/segments.js'))) as {
        countSegments: Count;
      };
      const { encoding, segments } = countSegments(text);
      expect(page.countSegments(text)).toEqual({ encoding, segments });
    },
  );
});
