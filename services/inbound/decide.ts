/**
 * What one inbound text means for its conversation, before anything is written. Pure, so that every row of the
 * table can be tested without a database.
 */
import { classifyKeyword, type Keyword } from '../sms/keywords.js';
import type { Owner } from '../types.js';

export interface ConversationFacts {
  readonly owner: Owner;
  readonly optedOut: boolean;
}

export interface InboundMeaning {
  readonly keyword: Keyword | undefined;
  readonly optedOut: boolean;
  /**
   * `due`: a turn must answer. `cancel`: whatever waited for an answer no longer does. `keep`: nothing changes, as
   * for HELP, which the carrier answers itself.
   */
  readonly reply: 'due' | 'cancel' | 'keep';
}

export function decideInbound(
  text: { readonly body: string; readonly optOutType: 'STOP' | 'START' | 'HELP' | undefined },
  facts: ConversationFacts,
): InboundMeaning {
  const keyword = classifyKeyword({ body: text.body, optOutType: text.optOutType, optedOut: facts.optedOut });
  switch (keyword) {
    case 'stop':
      return { keyword, optedOut: true, reply: 'cancel' };
    case 'start':
      // The carrier confirms; an answer of ours would be a second one.
      return { keyword, optedOut: false, reply: 'keep' };
    case 'help':
      return { keyword, optedOut: facts.optedOut, reply: 'keep' };
    case undefined:
      return {
        keyword,
        optedOut: facts.optedOut,
        reply: facts.optedOut || facts.owner === 'human' ? 'keep' : 'due',
      };
  }
}
