/**
 * What one inbound text means for its conversation, before anything is written. Pure, so that every row of the
 * table can be tested without a database.
 */
import { type Keyword, type KeywordAnswers, readKeyword } from '../sms/keywords.js';
import { classifyRevocation } from '../sms/revocation.js';
import type { Owner } from '../types.js';

export interface ConversationFacts {
  readonly owner: Owner;
  readonly optedOut: boolean;
  /** Who answers keywords that are sent to the number; `carrier` when absent. */
  readonly keywordAnswers?: KeywordAnswers | null | undefined;
  /** Somebody of the dealership's own, whom the assistant does not answer; default: a shopper. */
  readonly isStaff?: boolean;
}

/** What we say to it, since nobody else does. */
export interface FixedAnswer {
  readonly answers: 'opt_out' | 'opt_in' | 'help';
  readonly language: 'en' | 'fr' | 'es';
}

export interface RevocationInWords {
  readonly result: 'revoked' | 'wrong_number';
  /** Of services/sms/revocation. */
  readonly rule: string;
}

export interface InboundMeaning {
  readonly keyword: Keyword | undefined;
  /** The keyword may have been meant as the answer to a question. */
  readonly isOrdinaryWord: boolean;
  /** Present when the text says it in other words than a keyword. */
  readonly revocation: RevocationInWords | undefined;
  readonly answer: FixedAnswer | undefined;
  readonly optedOut: boolean;
  /**
   * `due`: a turn must answer. `cancel`: whatever waited for an answer no longer does. `keep`: nothing changes, as
   * for HELP, which the carrier answers itself.
   */
  readonly reply: 'due' | 'cancel' | 'keep';
}

const ORDINARY = { isOrdinaryWord: false, revocation: undefined, answer: undefined } as const;

export function decideInbound(
  text: { readonly body: string; readonly optOutType: 'STOP' | 'START' | 'HELP' | undefined },
  facts: ConversationFacts,
): InboundMeaning {
  const reading = readKeyword({
    body: text.body,
    optOutType: text.optOutType,
    optedOut: facts.optedOut,
    answers: facts.keywordAnswers ?? undefined,
  });
  if (!reading) return decideSpeech(text.body, facts);
  const { keyword, isOrdinary, isAnswered, language } = reading;
  const said = { keyword, isOrdinaryWord: isOrdinary, revocation: undefined };
  const answer = (answers: FixedAnswer['answers']) => (isAnswered ? undefined : { answers, language });
  switch (keyword) {
    case 'stop':
      // Confirmed once: who has opted out already has heard it.
      return {
        ...said,
        optedOut: true,
        reply: 'cancel',
        answer: facts.optedOut ? undefined : answer('opt_out'),
      };
    case 'start':
      return { ...said, optedOut: false, reply: 'keep', answer: answer('opt_in') };
    case 'help':
      return { ...said, optedOut: facts.optedOut, reply: 'keep', answer: answer('help') };
  }
}

/** Not a keyword: ordinary speech, or a revocation in other words, which no carrier knows (DOMAIN.md 5, rule 3). */
function decideSpeech(body: string, facts: ConversationFacts): InboundMeaning {
  const { result, rule, language } = classifyRevocation(body);
  if (result === 'none' || rule === null || (facts.optedOut && result === 'revoked')) {
    const isQuiet = facts.optedOut || facts.owner === 'human' || facts.isStaff === true;
    return { ...ORDINARY, keyword: undefined, optedOut: facts.optedOut, reply: isQuiet ? 'keep' : 'due' };
  }
  return {
    ...ORDINARY,
    keyword: undefined,
    revocation: { result, rule },
    optedOut: true,
    reply: 'cancel',
    answer: facts.optedOut ? undefined : { answers: 'opt_out', language: language ?? 'en' },
  };
}
