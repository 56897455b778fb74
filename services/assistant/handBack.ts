/**
 * What was said while a person spoke for the dealership. The assistant comes back knowing it: it learns from the shopper's
 * texts that staff answered, asks nothing that staff asked, and takes "yes" for no answer to a question of its own from
 * before.
 */
import type { ContextMessage } from '../types.js';
import { learn } from './learn.js';
import { listen } from './listen.js';
import { addNote, type Draft, dropNotes, type Question } from './memory.js';
import { stockLines } from './stockTalk.js';
import type { Turn } from './turn.js';
import { plainText } from './words.js';

/** What staff talked about, by its words; a question that they put is not put again, and its answer is understood. */
const TOPICS: readonly (readonly [Question, RegExp])[] = [
  ['tradeIn', /\btrad(?:e|es|ing)\b|\btrade-?in\b/],
  [
    'name',
    /\b(?:your|ur) (?:first |full |last )?name\b|\bwho am i (?:speaking|talking|chatting|texting)\b|\bname should i\b/,
  ],
  [
    'timeframe',
    /\bhow soon\b|\btime ?(?:frame|line)\b|\bwhen (?:are|were|do) you (?:hoping|looking|planning|thinking|want|need)\b/,
  ],
  [
    'visit',
    /\b(?:come (?:in|by|down|over|see)|stop (?:in|by)|swing by|drop (?:in|by)|test[- ]?drive|appointment|appt|visit|see you|what (?:day|time)|which day)\b/,
  ],
  [
    'vehicle',
    /\b(?:which|what) (?:one|car|truck|suv|vehicle|model|make|kind|type|sort)\b|\b(?:are|were) you (?:looking for|after|interested in)\b/,
  ],
];

const topicsIn = (body: string): Question[] => {
  const plain = plainText(body);
  return TOPICS.filter(([, pattern]) => pattern.test(plain)).map(([question]) => question);
};

/** Brings the draft up to date with what the assistant has not heard; nothing is said for it. */
export function catchUp(draft: Draft, turn: Turn): void {
  if (!turn.meanwhile.some(({ sender }) => sender === 'staff')) return;
  // Offers and questions of before have been overtaken.
  delete draft.lastQuestion;
  for (const note of ['times:', 'stock:', 'unsure', 'visitWish']) dropNotes(draft, note);
  for (const message of turn.meanwhile) {
    if (message.direction === 'inbound') overhear(draft, turn, message);
    else noteTopics(draft, message);
  }
}

function noteTopics(draft: Draft, { body }: ContextMessage): void {
  const topics = topicsIn(body);
  for (const topic of topics) addNote(draft, topic);
  const asked = body.includes('?') ? topics.at(-1) : undefined;
  if (asked === undefined) delete draft.lastQuestion;
  else draft.lastQuestion = asked;
}

function overhear(draft: Draft, turn: Turn, { body }: ContextMessage): void {
  const then: Turn = { ...turn, texts: [body] };
  const heard = listen(then, draft);
  const learned = learn(draft, then, heard);
  const copy = structuredClone(draft);
  // For the vehicle that it names; the answer to it was given by staff.
  stockLines({ turn: then, heard, draft: copy, learned });
  if (copy.vehicle === draft.vehicle && copy.stockNumber === draft.stockNumber) return;
  delete draft.vehicle;
  delete draft.stockNumber;
  if (copy.vehicle !== undefined) draft.vehicle = copy.vehicle;
  if (copy.stockNumber !== undefined) draft.stockNumber = copy.stockNumber;
}
