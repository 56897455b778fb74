/**
 * STOP, START and HELP as the carrier sees them (support articles 223134027 and 360058144374,
 * twilio.com/docs/messaging/tutorials/advanced-opt-out): the whole text is the one word, in any case.
 */
import type { KeywordMode } from './numbers.js';

export type KeywordType = 'STOP' | 'START' | 'HELP';

interface KeywordRules {
  readonly words: Readonly<Record<KeywordType, ReadonlySet<string>>>;
  readonly answers: Readonly<Record<KeywordType, string>>;
}

const words = (stop: string, start: string, help: string): KeywordRules['words'] => ({
  STOP: new Set(stop.split(' ')),
  START: new Set(start.split(' ')),
  HELP: new Set(help.split(' ')),
});

const STANDARD_WORDS = words(
  'STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT',
  'START YES UNSTOP',
  'HELP INFO',
);
const STANDARD_ANSWERS = {
  STOP: 'You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.',
  START:
    'You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
  HELP: 'Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
};

const RULES: Readonly<Record<Exclude<KeywordMode, 'off'>, KeywordRules>> = {
  standard: { words: STANDARD_WORDS, answers: STANDARD_ANSWERS },
  advanced: { words: STANDARD_WORDS, answers: STANDARD_ANSWERS },
  toll_free: {
    words: words('STOP', 'START UNSTOP', 'HELP INFO'),
    answers: {
      STOP: 'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this number. Text back "unstop" to receive messages again.',
      START:
        'NETWORK MSG: You have replied "unstop" and will begin receiving messages again from this number.',
      HELP: STANDARD_ANSWERS.HELP,
    },
  },
};

export function keywordOf(mode: KeywordMode, body: string): KeywordType | undefined {
  if (mode === 'off') return undefined;
  const word = body.trim().toUpperCase();
  const types: readonly KeywordType[] = ['STOP', 'START', 'HELP'];
  return types.find((type) => RULES[mode].words[type].has(word));
}

/**
 * @returns what the carrier itself texts back, or undefined when it stays silent: to a STOP of who is stopped already,
 *   to a START (or a plain "yes") of who was not, and to a HELP of somebody whom a toll-free network blocks.
 */
export function carrierAnswer(mode: KeywordMode, type: KeywordType, wasBlocked: boolean): string | undefined {
  if (mode === 'off') return undefined;
  if (type === 'STOP' && wasBlocked) return undefined;
  if (type === 'START' && !wasBlocked) return undefined;
  if (type === 'HELP' && wasBlocked && mode === 'toll_free') return undefined;
  return RULES[mode].answers[type];
}
