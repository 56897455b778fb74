import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { countSegments } from '../../../services/sms/segments.js';

describe('Segments', () => {
  it.each([
    ['nothing, as in an MMS without text', '', 'GSM-7', 1, 0],
    ['160 GSM-7 characters', 'a'.repeat(160), 'GSM-7', 1, 160],
    ['161 GSM-7 characters', 'a'.repeat(161), 'GSM-7', 2, 161],
    ['306 GSM-7 characters', 'a'.repeat(306), 'GSM-7', 2, 306],
    ['307 GSM-7 characters', 'a'.repeat(307), 'GSM-7', 3, 307],
    ['80 euro signs of two septets', '€'.repeat(80), 'GSM-7', 1, 160],
    ['153 euro signs, which leave a septet of each segment empty', '€'.repeat(153), 'GSM-7', 3, 306],
    ['70 UCS-2 characters', `ç${'a'.repeat(69)}`, 'UCS-2', 1, 70],
    ['71 UCS-2 characters', `ç${'a'.repeat(70)}`, 'UCS-2', 2, 71],
    ['brackets, which are one unit in UCS-2', `ç${'['.repeat(69)}`, 'UCS-2', 1, 70],
    ['35 emoji of two units', '👍'.repeat(35), 'UCS-2', 1, 70],
    ['67 emoji: a pair is not split, so each part wastes a unit', '👍'.repeat(67), 'UCS-2', 3, 134],
    ['the longest body', 'a'.repeat(1600), 'GSM-7', 11, 1600],
  ] as const)('When a text is %s, then it is counted right', (_what, text, encoding, segments, units) => {
    expect(countSegments(text)).toEqual({ encoding, segments, units });
  });

  it("When any text is counted, then the result is that of Twilio's calculator", () => {
    const gsm = fc.array(fc.constantFrom(...'aZ é€[]~\n\r@Ç', '\r\n'), { maxLength: 700 });
    const any = fc.array(fc.constantFrom(...'a€[ç', '👍', '👨\u200d👩\u200d👧', 'e\u0301', '\r\n'), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.oneof(gsm, any), (pieces) => {
        const text = pieces.join('');
        const twilio = new SegmentedMessage(text);
        expect(countSegments(text)).toMatchObject({
          encoding: twilio.encodingName,
          segments: twilio.segmentsCount,
        });
      }),
      { numRuns: 200 },
    );
  });
});
