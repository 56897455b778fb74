/**
 * Consent keywords. A keyword is answered by the carrier, so we record it and stay silent.
 *
 * Sources: Twilio, "Twilio support for opt-out keywords (SMS STOP filtering)" (support article 223134027) for the
 * English words and the rule that the whole message is one word in any case; Twilio, "Opt-out keywords" of Proxy
 * (twilio.com/docs/proxy/opt-out-keywords) for ARRET and ARRETE; AWS End User Messaging, "Required opt-out keywords"
 * for OPT-OUT. DESABONNER is the usual French word of Canadian programmes. AIDE is left to the assistant, because the
 * carrier answers only the English help words by itself. No Spanish words: none of these
 * lists has one, and ALTO also means "tall" and "high".
 */
export type Keyword = 'stop' | 'start' | 'help';

export interface KeywordInput {
  readonly body: string;
  /** Twilio's `OptOutType`, sent only with Advanced Opt-Out: Twilio has decided then, with the words of that account. */
  readonly optOutType?: 'STOP' | 'START' | 'HELP' | undefined;
  /** Whether the person is opted out now. It makes a bare YES an opt-in; from anybody else it is an answer. */
  readonly optedOut: boolean;
}

const STOP = new Set(
  'STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT ARRET ARRETE DESABONNER'.split(' '),
);
const START = new Set(['START', 'UNSTOP']);
const HELP = new Set(['HELP', 'INFO']);

/**
 * @returns what the text is as a keyword, or undefined when it is ordinary speech. Case, accents, white space and
 * punctuation around the word do not matter, except that a question mark makes "Info?" or "Start?" a question:
 * the carrier does not take those as keywords, and silence would leave the shopper without an answer. "Stop?" stays
 * an opt-out, for it is the mistake that harms nobody.
 */
export function classifyKeyword({ body, optOutType, optedOut }: KeywordInput): Keyword | undefined {
  if (optOutType) return optOutType.toLowerCase() as Keyword;
  const { word, isQuestion } = bareWord(body);
  if (STOP.has(word)) return 'stop';
  if (isQuestion) return undefined;
  if (START.has(word) || (optedOut && word === 'YES')) return 'start';
  return HELP.has(word) ? 'help' : undefined;
}

/** Longer texts cannot be one keyword; the bound keeps the work constant. */
const MAX_KEYWORD_TEXT = 64;
const INVISIBLE = /\ufe0f|[\p{Cf}\p{Cc}]/gu;
const LEADING_PUNCTUATION = /^[\s\p{P}]+/u;
const TRAILING_PUNCTUATION = /[\s\p{P}]+$/u;
const OPT_OUT = /^OPT[\s\p{Pd}]+OUT$/u;

function bareWord(body: string): { readonly word: string; readonly isQuestion: boolean } {
  const nothing = { word: '', isQuestion: false };
  const text = body.trim();
  if (text.length > MAX_KEYWORD_TEXT) return nothing;
  // Line breaks are control characters too: `\s` is gone from the ends already, and none belongs inside a word.
  const visible = text.replace(INVISIBLE, (character) => (/\s/.test(character) ? ' ' : ''));
  const tail = TRAILING_PUNCTUATION.exec(visible)?.[0] ?? '';
  const word = visible
    .slice(0, visible.length - tail.length)
    .replace(LEADING_PUNCTUATION, '')
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toUpperCase();
  return { word: OPT_OUT.test(word) ? 'OPTOUT' : word, isQuestion: tail.includes('?') };
}
