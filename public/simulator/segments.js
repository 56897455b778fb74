/** Live segment count; the server counts again and its count is the one that stays (services/sms/segments.ts). */
const BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const EXTENDED = new Set('\f^{}\\[~]|€');

/** @returns {{encoding: 'GSM-7' | 'UCS-2', segments: number}} */
export function countSegments(text) {
  const characters = [...text];
  if (characters.every((character) => BASIC.has(character) || EXTENDED.has(character))) {
    const units = characters.map((character) => (EXTENDED.has(character) ? 2 : 1));
    return { encoding: 'GSM-7', segments: pack(units, 160, 153) };
  }
  return { encoding: 'UCS-2', segments: pack(graphemeLengths(text), 70, 67) };
}

/** A character of several units is never cut in two, so a segment may stay a little short. */
function pack(units, single, part) {
  const total = units.reduce((sum, length) => sum + length, 0);
  if (total <= single) return 1;
  let segments = 1;
  let used = 0;
  for (const length of units) {
    if (used + length > part) {
      segments += 1;
      used = 0;
    }
    used += length;
  }
  return segments;
}

function graphemeLengths(text) {
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  return [...segmenter.segment(text)].map(({ segment }) => segment.length);
}
