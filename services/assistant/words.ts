/** How the engine reads a text: lower case, no accents, plain ASCII punctuation, one line. */

const MAX_TEXT = 1600; // the longest body Twilio delivers

/** Lower-case ASCII of one text; line breaks end a sentence, everything unreadable becomes a blank. */
export function plainText(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .normalize('NFKD')
    .slice(0, MAX_TEXT)
    .replace(/\p{M}/gu, '')
    .replace(/[\u2018\u2019\u201b\u00b4`]/g, "'")
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\r\n]/g, ' . ')
    .toLowerCase()
    .replace(/[^\x20-\x7e]/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}

/** Words, numbers (`30000`, `30k`, `$500`) and punctuation (`,` or a sentence end) of a plain text, in order. */
export function tokensOf(plain: string): string[] {
  const found = plain.match(/\$?\d[\d,.]*[a-z]*|[a-z][a-z0-9']*|[.!?;]|,/g) ?? [];
  return found.map((token) => (/\d/.test(token) ? token.replace(/,/g, '').replace(/\.+$/, '') : token));
}

export const isPunctuation = (token: string | undefined): boolean =>
  token === undefined || /^[.!?;,]$/.test(token);

/** `dana o'neil-reyes` → `Dana O'Neil-Reyes`; capitals already there stay. */
export function titleCase(words: string): string {
  return words.replace(/(^|[\s'-])(\p{Ll})/gu, (_, before: string, letter: string) =>
    before === "'" && words.length < 4 ? before + letter : before + letter.toUpperCase(),
  );
}

/** `a` or `an` before the words, unless they bring their own article. */
export function withArticle(words: string): string {
  if (/^(?:an?|the|my|your|his|her|our|one|two|some)\b/i.test(words)) return words;
  return /^(?:[aeio]|u(?!sed|ni)|8|11\b|suv)/i.test(words) ? `an ${words}` : `a ${words}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(items: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} ${conjunction} ${items.at(-1) ?? ''}`;
}

/** `22995` → `22,995`. */
export const grouped = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
