/**
 * The GSM 7-bit alphabet (3GPP TS 23.038, 6.2.1) and the way into it. One curly quote turns a text of 160 characters
 * from one segment into three, so what we send is brought to plain punctuation first.
 */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** Each of these takes an escape and itself: two septets. */
const EXTENDED = '\f^{}\\[~]|€';

const SEPTETS: ReadonlyMap<string, 1 | 2> = new Map([
  ...[...BASIC].map((character) => [character, 1] as const),
  ...[...EXTENDED].map((character) => [character, 2] as const),
]);

/** @returns how many septets the character takes, or undefined when the alphabet does not have it. */
export const septetsOf = (character: string): 1 | 2 | undefined => SEPTETS.get(character);

export function isGsm7(text: string): boolean {
  for (const character of text) if (!SEPTETS.has(character)) return false;
  return true;
}

const PLAIN: readonly (readonly [characters: RegExp, plain: string])[] = [
  [/\r\n?|[\u2028\u2029]/g, '\n'],
  [/[\u2018-\u201b\u2032\u00b4\u0060\u02b9\u02bb\u02bc]/g, "'"],
  [/[\u201c-\u201f\u2033\u00ab\u00bb]/g, '"'],
  [/[\u2039]/g, '<'],
  [/[\u203a]/g, '>'],
  [/[\u2010-\u2015\u2212\u2022\u2043]/g, '-'],
  [/\u2026/g, '...'],
  [/\u2044/g, '/'],
  // Every width of space, the one that does not break and the tab.
  [/[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g, ' '],
  // What has no width and no meaning in a text: zero-width space, word joiner, byte order mark, soft hyphen.
  [/[\u200b\u2060\ufeff\u00ad]/g, ''],
  // No handset shows control characters, and the record refuses NUL.
  [/[^\P{Cc}\n\f]/gu, ''],
];

/** Joiners and variation selectors: they hold an emoji together, and are invisible clutter between plain letters. */
const JOINERS = /\u200c|\u200d|\ufe0e|\ufe0f/g;

/**
 * Typographic quotes, dashes, ellipses, spaces and invisible characters become their GSM-7 equivalents; letters are
 * composed (`e` + accent → `é`). Nothing that carries meaning is touched: é, à, ñ are in the alphabet; ê, ç, Cyrillic
 * or an emoji are not, stay as they are, and make the text UCS-2. The result never holds control characters but
 * line feed and form feed. Running it again changes nothing.
 */
export function normaliseToGsm7(text: string): string {
  let plain = text.normalize('NFC');
  for (const [characters, replacement] of PLAIN) plain = plain.replace(characters, replacement);
  const withoutJoiners = plain.replace(JOINERS, '');
  // Composed once more: what stood between a letter and its accent may be gone.
  return (isGsm7(withoutJoiners) ? withoutJoiners : plain).normalize('NFC');
}
