/** The scripted assistant: no network, no model, no chance; the same request gives the same reply. */
import { compose } from './compose.js';
import { acknowledgementLines, courtesyLines, identityLines, OPT_OUT, photoLines } from './courtesy.js';
import { dealershipLines } from './dealershipTalk.js';
import { catchUp } from './handBack.js';
import { type Handoff, handoffLine, handoffOf, NOT_UNDERSTOOD } from './handoff.js';
import { isUndecided } from './intents.js';
import { learn } from './learn.js';
import { has, listen } from './listen.js';
import { addNote, draftOf, dropNotes, hasNote, slotsOf } from './memory.js';
import { isKnown, markAsked, nextQuestion } from './questions.js';
import { fresh, type Line, type Scene } from './scene.js';
import { stockLines } from './stockTalk.js';
import { summarise } from './summary.js';
import { readTurn } from './turn.js';
import type { Assistant, AssistantReply, AssistantRequest } from './types.js';
import { visitLines } from './visitTalk.js';

export function createScriptedAssistant(): Assistant {
  return { name: 'scripted', reply: async (request) => respond(request) };
}

function respond(request: AssistantRequest): AssistantReply {
  const scene = openScene(request);
  const identity = identityLines(scene);
  const called = handoffOf(scene); // before the topics leave their notes of this turn
  const content = contentLines(scene);
  const cause = called ?? confirmationNeeded(scene) ?? misunderstoodTwice(scene, content);
  const lines = cause ? handoffLines(scene, content, cause) : continueLines(scene, content);
  const body = compose([...identity, ...lines], scene.turn.isFirst ? OPT_OUT : '');
  return {
    body,
    slots: slotsOf(scene.draft),
    summary: summarise(scene.draft),
    ...(cause ? { handoff: { reason: cause.reason, trigger: cause.trigger } } : {}),
  };
}

function openScene(request: AssistantRequest): Scene {
  const turn = readTurn(request);
  const draft = draftOf(request.conversation.slots);
  catchUp(draft, turn);
  const heard = listen(turn, draft);
  return { turn, heard, draft, learned: learn(draft, turn, heard) };
}

/** Everything the texts themselves call for, in the order a person would say it. */
function contentLines(scene: Scene): Line[] {
  const stock = stockLines(scene);
  const visit = visitAfter(scene, stock);
  const lines = [
    ...photoLines(scene),
    ...acknowledgementLines(scene),
    ...dealershipLines(scene),
    ...stock,
    ...visit,
  ];
  return lines.length > 0 && !has(scene.heard, 'smalltalk')
    ? withThanks(scene, lines)
    : [...courtesyLines(scene), ...lines];
}

/** A list of vehicles asks which one; the visit then waits for the choice, and nothing of it is stored. */
function visitAfter(scene: Scene, stock: readonly Line[]): Line[] {
  const { draft } = scene;
  const before = structuredClone(draft);
  const visit = visitLines(scene);
  if (!stock.some(({ asks }) => asks === 'vehicle') || !visit.some(({ asks }) => asks === 'visit'))
    return visit;
  for (const name of ['visitAt', 'visitStatus', 'lastQuestion'] as const) delete draft[name];
  Object.assign(draft, before);
  addNote(draft, 'visitWish');
  return [];
}

/** "Thanks" beside a question needs no answer of its own. */
const withThanks = (scene: Scene, lines: Line[]): Line[] =>
  has(scene.heard, 'bye', 'thanks') &&
  !lines.some(({ asks }) => asks) &&
  lines.every(({ isOptional }) => isOptional)
    ? [...lines, ...courtesyLines(scene)]
    : lines;

function handoffLines(scene: Scene, content: readonly Line[], cause: Handoff): Line[] {
  dropNotes(scene.draft, 'unsure');
  const answers = scene.turn.sentIdentifiers
    ? []
    : content.filter(({ asks, isOptional }) => asks === undefined && !isOptional);
  if (cause.trigger === 'visit') return answers;
  delete scene.draft.lastQuestion;
  return [...answers, handoffLine(scene, cause)];
}

/** A visit agreed without knowing the opening hours has been left to the team. */
function confirmationNeeded({ draft }: Scene): Handoff | undefined {
  if (!hasNote(draft, 'confirm')) return undefined;
  dropNotes(draft, 'confirm');
  return { trigger: 'visit', reason: 'visit time to confirm, no opening hours are set', opening: '' };
}

function misunderstoodTwice(scene: Scene, content: readonly Line[]): Handoff | undefined {
  return isUnderstood(scene, content) || !hasNote(scene.draft, 'unsure') ? undefined : NOT_UNDERSTOOD;
}

function isUnderstood({ heard, turn }: Scene, content: readonly Line[]): boolean {
  if (content.length > 0 || heard.emoji || heard.agrees || heard.refuses || isUndecided(heard.plain))
    return true;
  if (has(heard, 'bot', 'greeting', 'looking') && !heard.plain.includes('?')) return true;
  return has(heard, 'bot', 'greeting') || heard.mentions.length > 0 || turn.texts.length === 0;
}

/** The reply when the assistant goes on: answers, then at most one question. */
function continueLines(scene: Scene, content: readonly Line[]): Line[] {
  if (isEmptyTurn(scene)) return [{ text: emptyText(scene) }];
  if (!isUnderstood(scene, content)) return clarify(scene);
  dropNotes(scene.draft, 'unsure');
  closeAnswered(scene);
  const asked = content.find(({ asks }) => asks !== undefined);
  if (asked) {
    markAsked(scene, asked.asks);
    return onlyOneQuestion(content, asked);
  }
  const hasAnswered = content.some(({ isOptional }) => !isOptional);
  const question = nextQuestion(scene, hasAnswered);
  if (!question)
    return content.length > 0 || has(scene.heard, 'bot') ? [...content] : [{ text: closing(scene) }];
  markAsked(scene, question.asks);
  return [...content, question];
}

/** Two topics may each end with a question; the later one waits for another turn. */
function onlyOneQuestion(content: readonly Line[], asked: Line): Line[] {
  return content
    .filter((line) => line === asked || line.asks === undefined || line.asks === 'other')
    .sort((a, b) => Number(a === asked) - Number(b === asked));
}

function closeAnswered({ draft }: Scene): void {
  const { lastQuestion } = draft;
  if (lastQuestion !== undefined && isKnown(draft, lastQuestion)) delete draft.lastQuestion;
}

/** Texts without any content, and no photo either. */
const isEmptyTurn = ({ turn }: Scene): boolean =>
  turn.texts.length === 0 && !turn.hasMedia && !turn.sentIdentifiers;

const emptyText = (scene: Scene): string =>
  scene.turn.isFirst
    ? 'What can I look up for you?'
    : fresh(
        scene,
        'Your text arrived empty here. What can I look up for you?',
        'That one came in empty as well; could you send it again?',
      );

function clarify(scene: Scene): Line[] {
  addNote(scene.draft, 'unsure');
  const text = scene.heard.isForeignScript
    ? 'I can only read English, sorry. I can look up vehicles, opening hours or set a visit; which would you like?'
    : fresh(
        scene,
        "Sorry, I didn't quite get that. Is it about a vehicle, our hours, or a visit?",
        "I'm not sure I follow. Which vehicle or topic is that about?",
        'Could you put that another way for me?',
      );
  return [{ text }];
}

function closing(scene: Scene): string {
  if (scene.turn.isFirst) return 'What can I look up for you?';
  const isOpen = scene.draft.vehicle === undefined && has(scene.heard, 'looking', 'greeting', 'smalltalk');
  if (isOpen)
    return fresh(
      scene,
      'A model, a body style or a budget is enough for me to start.',
      'Whenever you like: name a model or a budget and I can look.',
    );
  return fresh(
    scene,
    "Great. I'm here if anything comes up.",
    'Sounds good. Just text me with any question.',
    "Okay. I'm around when you need me.",
    'Noted.',
  );
}
