/**
 * What leaves the engine: GSM-7 characters only, because one other character doubles the price of a text
 * (DOMAIN.md 6.2), and never more than the hard limit.
 */

const GSM = new Set(
  '@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿' +
    'abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€',
);

const INSTEAD: Readonly<Record<string, string>> = {
  '\u2018': "'",
  '\u2019': "'",
  '\u201b': "'",
  '\u00b4': "'",
  '`': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u00ab': '"',
  '\u00bb': '"',
  '\u2026': '...',
  '\u2022': '-',
  '\u00b7': '-',
};

export const isGsm = (text: string): boolean => [...text].every((character) => GSM.has(character));

/** One line of GSM-7: typographic signs become plain ones, other letters lose their accents, the rest is left out. */
export function toGsm(text: string): string {
  let out = '';
  for (const character of text) out += GSM.has(character) ? character : substitute(character);
  return out.replace(/ {2,}/g, ' ').trim();
}

function substitute(character: string): string {
  if (/\s/.test(character)) return ' ';
  if (/[\u2010-\u2015\u2212]/.test(character)) return '-';
  const instead = INSTEAD[character];
  if (instead !== undefined) return instead;
  return [...character.normalize('NFKD')].filter((part) => GSM.has(part)).join('');
}

/** The text, cut at a sentence end (or a word) when it is longer than `limit`. */
export function clamp(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = text.slice(0, limit);
  const sentenceEnd = Math.max(head.lastIndexOf('. '), head.lastIndexOf('? '), head.lastIndexOf('! '));
  if (sentenceEnd > limit / 3) return head.slice(0, sentenceEnd + 1);
  const blank = head.lastIndexOf(' ');
  return (blank > limit / 2 ? head.slice(0, blank) : head).trim();
}
