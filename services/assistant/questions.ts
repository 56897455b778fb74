/**
 * The one question at the end of a reply. None is put twice, and none has a natural one-word answer that a carrier
 * takes as a keyword: YES, START, STOP, CANCEL, END, QUIT, HELP, INFO (DOMAIN.md 5, rule 4).
 */
import { dayOf, fromIso } from './civilTime.js';

import { has } from './listen.js';
import { ask, type Draft, hasNote, type Question, UNNAMED_TRADE } from './memory.js';
import { fresh, type Line, type Scene } from './scene.js';
import { isFar, isSoon } from './timeframe.js';
import { propose } from './visitOffers.js';
import { proposeTimes } from './visitSlots.js';
import { isAgreed } from './visitTalk.js';

/** @param hasAnswered the reply so far answers something of the shopper's own. */
export function nextQuestion(scene: Scene, hasAnswered: boolean): Line | undefined {
  const { draft, heard } = scene;
  if (has(heard, 'thanks', 'bye') && !has(heard, 'looking', 'greeting', 'available')) return undefined;
  if (isWaiting(scene) && hasAnswered) return undefined;
  const question = order(scene).find((candidate) => isOpen(draft, candidate));
  return question === undefined ? undefined : lineFor(scene, question);
}

/** The last text ended with a question that is still unanswered: it stays open while we answer something else. */
function isWaiting({ draft, turn }: Scene): boolean {
  const { lastQuestion } = draft;
  return lastQuestion !== undefined && !isKnown(draft, lastQuestion) && /\?|Reply 1/.test(turn.lastSaid);
}

export function isKnown(draft: Draft, question: Question): boolean {
  if (question === 'visit') return draft.visitStatus === 'agreed';
  if (question === 'tradeIn') return draft.tradeIn !== undefined && draft.tradeIn !== UNNAMED_TRADE;
  return draft[question] !== undefined;
}

function isOpen(draft: Draft, question: Question): boolean {
  if (question === 'tradeIn' && draft.tradeIn === UNNAMED_TRADE) return !hasNote(draft, 'tradeInName');
  return !isKnown(draft, question) && !hasNote(draft, question);
}

function order(scene: Scene): Question[] {
  const { draft } = scene;
  const unnamed: Question[] = draft.tradeIn === UNNAMED_TRADE ? ['tradeIn'] : [];
  if (isAgreed(scene) || hasNote(draft, 'confirm')) return [...unnamed, 'name', 'tradeIn'];
  if (draft.timeframe === 'just looking' || draft.timeframe === 'no rush') return [...unnamed, 'vehicle'];
  if (hasNote(draft, 'visitWish')) return [...unnamed, 'visit', 'name', 'tradeIn'];
  if (draft.vehicle === undefined) return [...unnamed, 'vehicle'];
  if (draft.timeframe !== undefined && isSoon(draft.timeframe))
    return [...unnamed, 'visit', 'tradeIn', 'name'];
  if (draft.timeframe !== undefined && isFar(draft.timeframe)) return [...unnamed, 'tradeIn', 'name'];
  return [...unnamed, 'tradeIn', 'timeframe', 'visit', 'name'];
}

function lineFor(scene: Scene, question: Question): Line | undefined {
  switch (question) {
    case 'vehicle':
      return {
        text: fresh(scene, 'What kind of vehicle are you after?', 'Which vehicle can I look up for you?'),
        asks: 'vehicle',
      };
    case 'tradeIn':
      return { text: tradeQuestion(scene), asks: 'tradeIn' };
    case 'timeframe':
      return { text: 'When are you hoping to buy: this week, this month or later on?', asks: 'timeframe' };
    case 'name':
      return {
        text: isAgreed(scene)
          ? 'What name should I put the visit under?'
          : 'Who should I say is asking? A first name is fine.',
        asks: 'name',
      };
    case 'visit':
      return visitQuestion(scene);
  }
}

const tradeQuestion = ({ draft }: Scene): string =>
  draft.tradeIn === UNNAMED_TRADE
    ? 'What year, make and model is it?'
    : 'What would you be trading in, if anything?';

function visitQuestion(scene: Scene): Line | undefined {
  const { week } = scene.turn.dealership;
  if (!week) return { text: 'What day and time would suit you for a visit?', asks: 'visit' };
  const times = proposeTimes(week, scene.turn.now, firstDay(scene));
  return times.length > 1 ? propose(scene, times)[0] : undefined;
}

/** "This weekend" starts on Saturday. */
function firstDay({ draft, turn }: Scene): number {
  const today = dayOf(turn.now);
  if (draft.timeframe !== 'this weekend') return today;
  return today + ((6 - ((today + 4) % 7) + 7) % 7);
}

/** Marks the question as put, once it is known to leave with the text. */
export function markAsked({ draft }: Scene, asks: Line['asks']): void {
  if (asks === undefined || asks === 'other') return;
  ask(draft, asks);
  if (asks === 'tradeIn' && draft.tradeIn === UNNAMED_TRADE) draft.asked = [...draft.asked, 'tradeInName'];
}

/** The visit offered in the draft, when it is still to come. */
export const visitTime = ({ draft }: Scene): number | undefined =>
  draft.visitAt === undefined ? undefined : fromIso(draft.visitAt);
