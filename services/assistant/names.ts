/** A person's name in a text. Careful rather than clever: "I'm interested" is not a name. */
import { titleCase } from './words.js';

const WORD = "\\p{L}[\\p{L}'-]{0,19}";
const STRONG = new RegExp(
  `\\b(?:my name(?:'?s| is)|the name(?:'?s| is)|name(?:'s| is)|je m'appelle|me llamo|mi nombre es)\\s{1,3}(${WORD}(?: ${WORD}){0,2})`,
  'iu',
);
const WEAK = new RegExp(
  `(?<![\\p{L}'])(i'?m|i am|this is|call me|je suis|soy)\\s{1,3}(${WORD}(?: ${WORD}){0,2})(.{0,1})`,
  'giu',
);
const SIGNED = /(?:^|[\s.!?])-{1,2} ?(\p{Lu}\p{L}{1,19})\s*$/u;

const NOT_NAMES = new Set(
  (
    'a an the and or but not no nope yes yeah yep ok okay sure so very too just also still only really actually probably maybe in on at from to for with by about of up down out off over under here there home back away ' +
    'interested looking good great fine well ready happy sorry glad sick busy free late early new available open close closed near far local done set all alone afraid curious unsure certain confused upset angry mad tired broke retired ' +
    'disabled single married flexible serious kidding joking nearby stuck lost hoping thinking trying wondering going gonna coming calling texting driving buying selling trading working moving leaving waiting using getting asking ' +
    'currently usually almost quite pretty kind sort more less most like him her it that this what who when where why how my your our their his me you we they i some someone somebody anyone asap please thanks thank today tonight tomorrow ' +
    'monday tuesday wednesday thursday friday saturday sunday january february march june july august september october november december later soon whenever now then never ' +
    'canadian american french english spanish indian chinese mexican vegan black white blue red grey green cheap used sedan suv truck car van vehicle appointment test drive human person bot robot ai real crazy ridiculous awesome perfect cool nice bad wrong right true false ' +
    'noon lunch morning afternoon evening night midday ' +
    'first second third last one two three both either neither none any anything nothing something everything hi hello hey bonjour hola stop start help info end quit cancel go do does can could would will should is are was were be been have has had get got let if as than because cash trade financing'
  ).split(' '),
);
const AFTER_NAME =
  /^(?:and|here|from|by|with|at|i|i'm|im|looking|interested|calling|texting|btw|just|but|in|the|who|we|my|can|is|do|saw)$/i;

/**
 * @param isExpected the name was just asked for, so a bare "dana" is one.
 * @returns the name in title case, at most three words.
 */
export function readName(text: string, isExpected: boolean): string | undefined {
  const clean = text.slice(0, 1600).replace(/[\u2018\u2019]/g, "'");
  return (
    readStrong(clean) ?? readWeak(clean) ?? readSigned(clean) ?? (isExpected ? readBare(clean) : undefined)
  );
}

function readStrong(text: string): string | undefined {
  const match = STRONG.exec(text);
  return match ? accept((match[1] ?? '').split(' '), false) : undefined;
}

function readWeak(text: string): string | undefined {
  for (const [, cue = '', words = ''] of text.matchAll(WEAK)) {
    const name = accept(words.split(' '), true);
    if (name === undefined) continue;
    const isCapital = /^\p{Lu}/u.test(words);
    if (isCapital || (/^i/i.test(cue) && isAlone(words, name))) return name;
  }
  return undefined;
}

/** "i'm dana" and "i'm dana and …" name a person; "i'm dana ross fan" or "i'm pregnant now" do not. */
function isAlone(words: string, name: string): boolean {
  const rest = words.split(' ').slice(name.split(' ').length);
  return rest.length === 0 || AFTER_NAME.test(rest[0] ?? '');
}

function readSigned(text: string): string | undefined {
  const match = SIGNED.exec(text);
  return match ? accept([match[1] ?? ''], true) : undefined;
}

function readBare(text: string): string | undefined {
  const bare = text
    .replace(/[.!,]/g, ' ')
    .replace(
      /\b(?:it'?s|its|sure|ok|okay|yes|thanks|thank you|please|you can (?:use|put)|put it under|use|under|name)\b/giu,
      ' ',
    )
    .replace(/\s{1,10}/g, ' ')
    .trim();
  if (!new RegExp(`^${WORD}(?: ${WORD}){0,2}$`, 'u').test(bare)) return undefined;
  const words = bare.split(' ');
  return words.every(isNameWord) ? accept(words, false) : undefined;
}

function isNameWord(word: string): boolean {
  const lower = word.toLowerCase();
  if (NOT_NAMES.has(lower)) return false;
  return !(/^\p{Ll}/u.test(word) && lower.length >= 6 && /(?:ing|ly)$/.test(lower));
}

/** The leading words that can be a name; lower-case second words only after a strong cue. */
function accept(words: readonly string[], isWeak: boolean): string | undefined {
  const kept: string[] = [];
  for (const word of words) {
    const fits = isNameWord(word) && !AFTER_NAME.test(word);
    if (!fits || (isWeak && kept.length > 0 && /^\p{Ll}/u.test(word))) break;
    kept.push(word.replace(/['-]+$/, ''));
  }
  const first = kept[0] ?? '';
  if (first.length < 2 || (isWeak && isParticiple(first))) return undefined;
  return titleCase(kept.map(lowerShouting).join(' ')).slice(0, 40);
}

/** "I'm preapproved", "I'm hoping"; Mohammed and Jared are people. */
const isParticiple = (word: string): boolean =>
  word.length > 5 &&
  /(?:ing|ed)$/i.test(word) &&
  !/^(?:m[ou]ham+[ea]d|alfred|wilfred|winifred|mildred)$/i.test(word);

const lowerShouting = (word: string): string =>
  word.length > 2 && word === word.toUpperCase() ? word.toLowerCase() : word;
