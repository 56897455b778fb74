/** Who writes, greetings, thanks, photos, and short acknowledgements of what was learned. */
import { fromIso } from './civilTime.js';

import { has } from './listen.js';
import { type Draft, UNNAMED_TRADE } from './memory.js';
import { fresh, type Line, type Scene } from './scene.js';
import { isFar } from './timeframe.js';
import { sayVisit } from './visitOffers.js';
import { isAgreed } from './visitTalk.js';
import { withArticle } from './words.js';

export const OPT_OUT = 'Reply STOP to opt out.';

/** First words of the reply: the truth about who writes, when asked or when it is new. */
export function identityLines(scene: Scene): Line[] {
  const { turn, heard, draft, learned } = scene;
  const { name, assistantName } = turn.dealership;
  const hello = learned.has('name') ? `Hi ${firstName(draft)}` : 'Hi';
  if (has(heard, 'bot')) {
    const truth = `I'm ${assistantName}, an AI assistant for ${name}, not a person.`;
    const offer = has(heard, 'person') ? '' : ' Text "person" any time to get someone from the team.';
    return [
      {
        text: turn.isFirst
          ? `${hello}, ${truth}`
          : fresh(scene, truth + offer, `Still an AI assistant, yes; ${assistantName} from ${name}.`),
      },
    ];
  }
  if (turn.isFirst) return [{ text: `${hello}, this is ${assistantName}, the AI assistant at ${name}.` }];
  return turn.isIntroduced ? [] : [{ text: `${assistantName} here, the AI assistant at ${name}.` }];
}

/** People are spoken to by their first name. */
const firstName = ({ name = '' }: Draft): string => name.split(' ')[0] ?? '';

/** Answers to a greeting, thanks or goodbye; empty when there was none. */
export function courtesyLines(scene: Scene): Line[] {
  const { heard } = scene;
  if (has(heard, 'thanks', 'bye')) return [{ text: farewell(scene), isOptional: true, asks: 'other' }];
  if (has(heard, 'smalltalk'))
    return [{ text: fresh(scene, 'All good here, thanks!', 'Doing fine, thanks.'), isOptional: true }];
  return [];
}

function farewell(scene: Scene): string {
  const { draft, learned } = scene;
  const name = draft.name === undefined || learned.has('name') ? '' : `, ${firstName(draft)}`;
  const visit =
    isAgreed(scene) && draft.visitAt !== undefined
      ? ` See you ${sayVisit(fromIso(draft.visitAt) ?? 0)}.`
      : '';
  if (has(scene.heard, 'thanks'))
    return fresh(
      scene,
      `You're welcome${name}.${visit}`,
      `Any time${name}.`,
      'My pleasure.',
      'Glad to help.',
    );
  return fresh(scene, `Take care${name}.${visit}`, `Bye for now${name}.`, 'Talk soon.');
}

export function photoLines({ turn }: Scene): Line[] {
  if (!turn.hasMedia) return [];
  const text =
    turn.texts.length > 0
      ? "Thanks for the photo; I can't view pictures, but the team can."
      : "Got your photo, thanks. I can't view pictures myself, but the team can see it here.";
  return [{ text }];
}

/** "Got it" for facts just learned. */
export function acknowledgementLines(scene: Scene): Line[] {
  const { learned, draft, turn } = scene;
  const lines: Line[] = [];
  if (learned.has('name') && !turn.isFirst)
    lines.push({ text: nameText(scene, firstName(draft)), isOptional: true });
  if (learned.has('tradeIn')) lines.push({ text: tradeText(scene), isOptional: true });
  if (learned.has('timeframe')) {
    const text = timeframeText(scene);
    if (text !== undefined) lines.push({ text, isOptional: true });
  }
  return lines;
}

const nameText = (scene: Scene, name: string): string =>
  isAgreed(scene)
    ? fresh(scene, `Thanks, ${name}. See you then.`, `Thanks, ${name}.`)
    : fresh(scene, `Nice to meet you, ${name}.`, `Thanks, ${name}.`);

function tradeText(scene: Scene): string {
  const { tradeIn } = scene.draft;
  if (tradeIn === 'none') return fresh(scene, 'No trade-in, that keeps it simple.', 'Noted, no trade-in.');
  if (tradeIn === UNNAMED_TRADE) return 'Happy to look at a trade.';
  return fresh(
    scene,
    `Got it, ${withArticle(tradeIn ?? '')} to trade.`,
    `Noted, ${withArticle(tradeIn ?? '')} as the trade-in.`,
  );
}

function timeframeText(scene: Scene): string | undefined {
  const { timeframe = '' } = scene.draft;
  if (timeframe === 'just looking')
    return fresh(scene, 'No pressure at all, look around as long as you like.', 'Looking around is fine.');
  if (timeframe === 'no rush') return 'No rush at all.';
  if (has(scene.heard, 'visit')) return undefined;
  return isFar(timeframe)
    ? fresh(scene, "Plenty of time, then. Text me whenever you'd like a look.", 'Good to know.')
    : fresh(scene, 'Good to know.', 'Thanks, noted.');
}
