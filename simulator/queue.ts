/** How fast a sender is, how much may wait for it, and the guard against two machines that answer each other. */

/** A sender's queue holds ten hours (twilio.com/docs/api/errors/21611). */
const QUEUE_S = 36_000;

export class SenderQueues {
  readonly #freeAtMs = new Map<string, number>();

  /**
   * Takes a place in the sender's queue.
   * @returns when the text leaves it, in milliseconds since the epoch; undefined when the queue is full.
   */
  enter(from: string, segments: number, segmentsPerS: number, nowMs: number): number | undefined {
    const leavesAtMs = Math.max(nowMs, this.#freeAtMs.get(from) ?? 0);
    const takesMs = (segments / segmentsPerS) * 1_000;
    if (leavesAtMs - nowMs + takesMs > QUEUE_S * 1_000) return undefined;
    this.#freeAtMs.set(from, leavesAtMs + takesMs);
    return leavesAtMs;
  }
}

/** Replies between two numbers, each under 30 s after the last: above 30 they fail (twilio.com/docs/api/errors/14107). */
const LOOP_REPLIES = 30;
const LOOP_GAP_MS = 30_000;

export class LoopGuard {
  readonly #chains = new Map<string, { replies: number; lastMs: number }>();

  /** Counts one text. @returns true when it is one too many and fails. */
  trips(from: string, to: string, nowMs: number): boolean {
    const key = `${from}>${to}`;
    const chain = this.#chains.get(key);
    const isNext = chain !== undefined && nowMs - chain.lastMs < LOOP_GAP_MS;
    // A text that fails does not prolong the hold, or a loop could never end.
    if (isNext && chain.replies >= LOOP_REPLIES) return true;
    this.#chains.set(key, { replies: isNext ? chain.replies + 1 : 1, lastMs: nowMs });
    return false;
  }
}
