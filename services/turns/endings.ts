/** Why a turn ends while its assistant still thinks: the reason of its AbortSignal. */
export type Ending =
  /** The conversation has a text that the assistant was not shown: a new turn answers both. */
  | 'newer_text'
  /** A person took over, or the shopper opted out: no reply would be let through. */
  | 'may_not_reply'
  /** Another process has the conversation. */
  | 'lease_lost'
  /** This process stops, and hands over. */
  | 'stopping';

export class TurnEndedError extends Error {
  override readonly name = 'TurnEndedError';
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(`The turn ended: ${ending}.`);
    this.ending = ending;
  }
}

/** Why the turn of this signal ended; undefined while it goes on. */
export const endingOf = ({ aborted, reason }: AbortSignal): Ending | undefined =>
  aborted && reason instanceof TurnEndedError ? reason.ending : undefined;
