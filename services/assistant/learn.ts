/** Facts the shopper states, moved into the draft. The vehicle wished for is learned where it is looked up (stockTalk.ts). */
import { type Heard, has } from './listen.js';
import type { Draft } from './memory.js';
import { readName } from './names.js';
import { readTimeframe, readTimeframeAnswer } from './timeframe.js';
import { isAboutTrade, tradeInOf } from './tradeIn.js';
import type { Turn } from './turn.js';

/** Which facts came with this turn. */
export type Learned = ReadonlySet<'name' | 'tradeIn' | 'timeframe'>;

export function learn(draft: Draft, turn: Turn, heard: Heard): Learned {
  const learned = new Set<'name' | 'tradeIn' | 'timeframe'>();
  if (setFact(draft, 'name', nameIn(turn, draft))) learned.add('name');
  if (!isAboutName(draft, heard) && setFact(draft, 'tradeIn', tradeInOf(draft, heard)))
    learned.add('tradeIn');
  if (setFact(draft, 'timeframe', timeframeOf(draft, heard))) learned.add('timeframe');
  return learned;
}

/** "My name is Sam" in answer to another question is no vehicle. */
const isAboutName = ({ name }: Draft, { plain, mentions }: Heard): boolean =>
  name !== undefined &&
  mentions.length === 0 &&
  !isAboutTrade(plain) &&
  /\b(?:name|i'?m|i am|this is)\b/.test(plain);

function setFact(draft: Draft, fact: 'name' | 'tradeIn' | 'timeframe', value: string | undefined): boolean {
  if (value === undefined || value === draft[fact]) return false;
  draft[fact] = value;
  return true;
}

/** A single capitalised word still answers a question about the name that others came after. */
const isNameExpected = ({ lastQuestion, asked, name }: Draft, text: string): boolean =>
  lastQuestion === 'name' ||
  (name === undefined && asked.includes('name') && /^\p{Lu}\p{Ll}+[.!]?$/u.test(text.trim()));

function nameIn(turn: Turn, draft: Draft): string | undefined {
  const own = turn.dealership.assistantName.toLowerCase();
  const names = turn.texts.map((text) => readName(text, isNameExpected(draft, text)));
  return names.findLast((name) => name !== undefined && name.toLowerCase() !== own);
}

/** "This weekend" is a wish to visit or an opening-hours question when the text says so. */
function timeframeOf(draft: Draft, heard: Heard): string | undefined {
  if (has(heard, 'hours')) return undefined;
  const isAsked = draft.lastQuestion === 'timeframe';
  for (const part of [...heard.parts].reverse()) {
    const value = isAsked ? readTimeframeAnswer(part) : readTimeframe(part);
    if (value !== undefined) return value.slice(0, 60);
  }
  return undefined;
}
