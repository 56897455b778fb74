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

/**
 * Who answers the keywords sent to a number. `carrier`: it does, with all words of its list. `us`: nobody else does, as
 * for a short code or a number with the carrier's feature switched off. `toll_free`: the network does, but knows
 * only STOP, START and UNSTOP, and HELP.
 */
export type KeywordAnswers = 'carrier' | 'us' | 'toll_free';

export interface KeywordInput {
  readonly body: string;
  /** Twilio's `OptOutType`, sent only with Advanced Opt-Out: Twilio has decided then, with the words of that account. */
  readonly optOutType?: 'STOP' | 'START' | 'HELP' | undefined;
  /** Of the number that was texted; `carrier` when absent. */
  readonly answers?: KeywordAnswers | undefined;
  /** Whether the person is opted out now. It makes a bare YES an opt-in; from anybody else it is an answer. */
  readonly optedOut: boolean;
}

const CARRIER_STOP = 'STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT'.split(' ');
const FRENCH_STOP = ['ARRET', 'ARRETE', 'DESABONNER'];
const STOP = new Set([...CARRIER_STOP, ...FRENCH_STOP]);
/** Words that a shopper may also mean as the answer to a question (DOMAIN.md 5, rule 4). */
const ORDINARY = new Set('CANCEL END QUIT START HELP INFO YES'.split(' '));
const START = new Set(['START', 'UNSTOP']);
const HELP = new Set(['HELP', 'INFO']);

/**
 * @returns what the text is as a keyword, or undefined when it is ordinary speech. Case, accents, white space and
 * punctuation around the word do not matter, except that a question mark makes "Info?" or "Start?" a question:
 * the carrier does not take those as keywords, and silence would leave the shopper without an answer. "Stop?" stays
 * an opt-out, for it is the mistake that harms nobody.
 */
export const classifyKeyword = (input: KeywordInput): Keyword | undefined => readKeyword(input)?.keyword;

export interface KeywordReading {
  readonly keyword: Keyword;
  /** Whether the carrier or the network answers it, so that an answer of ours would be a second one. */
  readonly isAnswered: boolean;
  /** Whether the word is as well the natural answer to a question. */
  readonly isOrdinary: boolean;
  readonly language: 'en' | 'fr';
}

/** The same, with what follows from the word and from the kind of number that was texted. */
export function readKeyword(input: KeywordInput): KeywordReading | undefined {
  const { body, optOutType, answers = 'carrier' } = input;
  const { word, isQuestion } = bareWord(body);
  const language = FRENCH_STOP.includes(word) ? 'fr' : 'en';
  const isOrdinary = ORDINARY.has(word);
  if (optOutType) {
    return { keyword: optOutType.toLowerCase() as Keyword, isAnswered: true, isOrdinary, language };
  }
  const keyword = keywordOf(word, isQuestion, input);
  return keyword && { keyword, isAnswered: isAnswered(word, keyword, answers), isOrdinary, language };
}

function keywordOf(
  word: string,
  isQuestion: boolean,
  { optedOut, answers }: KeywordInput,
): Keyword | undefined {
  if (STOP.has(word)) return 'stop';
  if (isQuestion) return undefined;
  // The network of toll-free numbers does not lift its block for a YES, so neither do we.
  if (START.has(word) || (optedOut && word === 'YES' && answers !== 'toll_free')) return 'start';
  return HELP.has(word) ? 'help' : undefined;
}

function isAnswered(word: string, keyword: Keyword, answers: KeywordAnswers): boolean {
  if (answers === 'us') return false;
  if (keyword !== 'stop') return true;
  return answers === 'toll_free' ? word === 'STOP' : CARRIER_STOP.includes(word);
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
