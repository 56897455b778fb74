/** When a person must take over, and what the shopper is told then. Reasons are for staff. */
import { dayOf, minuteOf, sayDay, sayMinute } from './civilTime.js';
import { nextOpening, spanAt } from './hours.js';
import type { Intent } from './intents.js';
import { has } from './listen.js';
import { hasNote } from './memory.js';
import { fresh, type Line, type Scene } from './scene.js';

/** Why a person is called; names are in the alert and do not change. DOMAIN.md 9.3, and what only a dealership can do. */
export const HANDOFF_TRIGGERS = [
  'person',
  'legal',
  'safety',
  'anger',
  'negotiation',
  'payment',
  'financing',
  'identifiers',
  'not_understood',
  'repetition',
  'no_texts',
  'language',
  'service',
  'hold',
  'visit',
] as const;
export type HandoffTrigger = (typeof HANDOFF_TRIGGERS)[number];

export interface Handoff {
  readonly trigger: HandoffTrigger;
  /** For staff; never what the shopper wrote. */
  readonly reason: string;
  /** What comes before "someone will follow up". */
  readonly opening: string;
}

const CAUSES: readonly (readonly [Intent, Handoff])[] = [
  [
    'legal',
    {
      trigger: 'legal',
      reason: 'mentions legal action',
      opening: "I understand this is serious, and it's not for an assistant to answer.",
    },
  ],
  [
    'safety',
    {
      trigger: 'safety',
      reason: 'safety or recall question',
      opening: 'Safety questions should go to a person.',
    },
  ],
  ['angry', { trigger: 'anger', reason: 'complaint or anger', opening: "I'm sorry about that." }],
  [
    'noTexts',
    {
      trigger: 'no_texts',
      reason: 'wants no more texts or says the number is wrong',
      opening: 'Sorry to have bothered you. Reply STOP and this number will not text you again.',
    },
  ],
  ['person', { trigger: 'person', reason: 'asked for a person', opening: 'Of course.' }],
  [
    'negotiation',
    {
      trigger: 'negotiation',
      reason: 'price negotiation',
      opening: "Price is something I can't negotiate by text.",
    },
  ],
  [
    'payment',
    {
      trigger: 'payment',
      reason: 'asks for payments or rates',
      opening: "I can't quote payments or rates by text; they depend on details a person has to go over.",
    },
  ],
  [
    'language',
    { trigger: 'language', reason: 'prefers another language', opening: 'I only text in English.' },
  ],
  [
    'service',
    {
      trigger: 'service',
      reason: 'service or parts request',
      opening: 'Service is handled by our service team, not by me.',
    },
  ],
  ['hold', { trigger: 'hold', reason: 'wants a vehicle held', opening: '' }],
];

export const NOT_UNDERSTOOD: Handoff = {
  trigger: 'not_understood',
  reason: 'not understood twice in a row',
  opening: "I'm still not following, sorry.",
};

const IDENTIFIERS: Handoff = {
  trigger: 'identifiers',
  reason: 'sent a credit identifier',
  opening:
    "For your safety please don't text card, ID or social insurance numbers. The team can take those in person or by phone.",
};

/** @returns the first cause that applies; identifiers come first. */
export function handoffOf(scene: Scene): Handoff | undefined {
  const { turn, heard, draft } = scene;
  if (turn.sentIdentifiers) return IDENTIFIERS;
  const cause = CAUSES.find(([intent]) => has(heard, intent) && !isExcused(scene, intent));
  if (cause) return cause[1];
  if (has(heard, 'finance') && hasNote(draft, 'financing'))
    return {
      trigger: 'financing',
      reason: 'financing questions',
      opening: 'Financing really is for a person.',
    };
  if (heard.emoji === 'unhappy')
    return { trigger: 'anger', reason: 'complaint or anger', opening: 'Sorry that was not helpful.' };
  if (isRepeating(scene))
    return {
      trigger: 'repetition',
      reason: 'repeats the same question',
      opening: "I may not be answering what you're after.",
    };
  return undefined;
}

/** "Are you a real person?" is a question about us, not a request. */
const isExcused = ({ heard }: Scene, intent: Intent): boolean =>
  intent === 'person' &&
  has(heard, 'bot') &&
  !/\b(?:can|could|want|need|let me|please|get|like to) /.test(heard.plain);

/** Says so, or uses the same words as in the turn before, when they are a question or a sentence. */
function isRepeating({ turn, heard }: Scene): boolean {
  if (has(heard, 'repeats')) return true;
  const last = wordsThatCount(heard.parts.at(-1) ?? '');
  if (last.length < 3) return false;
  return turn.before.some((text) => wordsThatCount(text).join(' ') === last.join(' '));
}

/** What people put around a question when they ask it again. */
const FILLERS =
  /\b(?:so|ok(?:ay)?|hello|hi|hey|again|please|pls|um+|well|and|but|just|still|once more|as i said|i (?:am asking|asked|said))\b/g;

const wordsThatCount = (plain: string): string[] =>
  plain
    .replace(FILLERS, ' ')
    .replace(/[^a-z0-9 ]/g, '')
    .split(' ')
    .filter((word) => word !== '');

/** What the shopper is told. No time is promised, only when somebody is there. */
export function handoffLine(scene: Scene, { opening, trigger }: Handoff): Line {
  if (trigger === 'no_texts') return { text: scene.turn.isFirst ? 'Sorry to have bothered you.' : opening };
  const { name, week } = scene.turn.dealership;
  const promise = fresh(
    scene,
    `Someone from the team${scene.turn.isFirst ? '' : ` at ${name}`} will follow up with you here.`,
    "I've asked the team again; a person will follow up with you here.",
    'A person from our team will get back to you in this chat.',
  );
  const next = week && !spanAt(week, scene.turn.now) ? nextOpening(week, scene.turn.now) : undefined;
  const opens =
    next === undefined
      ? ''
      : ` We're closed right now and open ${sayDay(dayOf(next), dayOf(scene.turn.now))} at ${sayMinute(minuteOf(next))}.`;
  const isCall =
    /\b(?:call|phone|ring) me\b|\bgive me a call\b/.test(scene.heard.plain) && opening === 'Of course.';
  const start = isCall ? "I'll pass on that you'd like a call." : opening;
  return { text: `${start} ${promise}${has(scene.heard, 'hours') ? '' : opens}`.trim() };
}
