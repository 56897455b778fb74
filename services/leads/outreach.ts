/**
 * Sends what was planned because of inquiries: greetings and follow-ups. Any number of processes may do it: a row is
 * claimed with a lease on the record's clock, looked at once more, handed to the outbound door, and settled. The row's id is
 * the message's, so that a process which takes over from a dead one cannot send the same again.
 */
import { coalesce } from '../coalesce.js';
import { type Database, isRecordAway, sqlState } from '../db/client.js';
import { asError, type ErrorCode, JackError } from '../errors.js';
import { type Logger, logContext } from '../logger.js';
import type { OutboundDoor } from '../outbound/door.js';
import type { OutboundResult } from '../outbound/types.js';
import {
  claimFollowUps,
  type FollowUpClaim,
  type FollowUpOutcome,
  settleFollowUp,
} from '../record/followUps.js';
import { decideFollowUp } from './cadence.js';

export interface OutreachDeps {
  readonly database: Database;
  readonly door: Pick<OutboundDoor, 'submit'>;
  readonly logger: Logger;
  readonly limits?: Partial<OutreachLimits> | undefined;
}

export interface OutreachLimits {
  /** How often rows that have come due are looked for. */
  readonly sweepMs: number;
  /** After that the process that holds a row is taken for dead. */
  readonly leaseMs: number;
  /** Rows claimed at once: the door commits them together. */
  readonly batch: number;
  /** After a refusal that time may lift, such as a cap or a switch. */
  readonly retryMs: number;
  /** How often such a text is tried. */
  readonly maxAttempts: number;
  /** While the assistant owes a reply or the conversation has just moved on. */
  readonly busyMs: number;
}

const DEFAULT_LIMITS: OutreachLimits = {
  sweepMs: 2_000,
  leaseMs: 15_000,
  batch: 50,
  retryMs: 60 * 60_000,
  maxAttempts: 24,
  busyMs: 10_000,
};

const UNIQUE_VIOLATION = '23505';

export class Outreach {
  readonly #deps: OutreachDeps;
  readonly #limits: OutreachLimits;
  readonly #working = coalesce(() => logContext.exit(() => this.#work()));
  #sweeper: NodeJS.Timeout | undefined;
  #isRunning = false;

  private constructor(deps: OutreachDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  static create(deps: OutreachDeps): Outreach {
    return new Outreach(deps);
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#sweeper = setInterval(() => this.wake(), this.#limits.sweepMs);
    this.#sweeper.unref();
    this.wake();
  }

  /** What is in hand is finished; the rest is left to the next start or another process. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearInterval(this.#sweeper);
    await this.#working.idle();
  }

  /** Something has been planned. */
  wake(): void {
    if (this.#isRunning) this.#working.run();
  }

  async #work(): Promise<void> {
    try {
      for (;;) {
        const { batch, leaseMs } = this.#limits;
        const claims = await claimFollowUps(this.#deps.database, { limit: batch, leaseMs });
        await Promise.all(claims.map((claim) => this.#settle(claim)));
        if (claims.length < batch || !this.#isRunning) return;
      }
    } catch (error) {
      this.#deps.logger.warn('texts that are due could not be claimed; the next look tries again', {
        error: asError(error),
      });
    }
  }

  /** Never rejects: what fails keeps its lease and is taken up again when that has run out. */
  async #settle(claim: FollowUpClaim): Promise<void> {
    const { organizationId, conversationId, step } = claim;
    try {
      const outcome = await this.#send(claim);
      if (outcome) await settleFollowUp(this.#deps.database, claim, outcome);
      if (outcome?.state === 'skipped') {
        const { reason } = outcome;
        this.#deps.logger.warn('a planned text was not sent', {
          organizationId,
          conversationId,
          step,
          reason,
        });
      }
    } catch (error) {
      this.#deps.logger.warn('a planned text could not be handed over; it is tried again', {
        organizationId,
        conversationId,
        step,
        error: asError(error),
      });
    }
  }

  /** @returns undefined when its conversation is gone, and the row with it. */
  async #send(claim: FollowUpClaim): Promise<FollowUpOutcome | undefined> {
    const decision = decideFollowUp(claim);
    if (!decision.send) return decision.outcome;
    const { id, organizationId, conversationId, step, lastSeq } = claim;
    try {
      const result = await this.#deps.door.submit({
        organizationId,
        conversationId,
        origin: 'system',
        purpose: step === 0 ? 'first_touch' : 'follow_up',
        body: decision.body,
        messageId: id,
        seenSeq: lastSeq,
      });
      return outcomeOf(result, claim, this.#limits);
    } catch (error) {
      if (sqlState(error) === UNIQUE_VIOLATION) return { state: 'sent', reason: null };
      if (error instanceof JackError && error.code === 'E_NOT_FOUND') return undefined;
      if (isRecordAway(error)) throw error;
      if (claim.attempts >= this.#limits.maxAttempts) return { state: 'skipped', reason: 'failed' };
      throw error;
    }
  }
}

function outcomeOf(
  result: OutboundResult,
  { attempts }: FollowUpClaim,
  limits: OutreachLimits,
): FollowUpOutcome {
  if (result.allowed) {
    return { state: 'sent', reason: result.scheduledFor === undefined ? null : 'scheduled' };
  }
  const { code, reason } = result;
  const ended = ENDS[code];
  if (ended !== undefined) return { state: 'stopped', reason: ended };
  // Something was said in this moment: looked at again, it may be a reply, which ends it.
  if (code === 'E_SUPERSEDED') return { state: 'wait', delayMs: limits.busyMs, reason };
  const isLast = code === 'E_TEXT_TOO_LONG' || attempts >= limits.maxAttempts;
  return isLast ? { state: 'skipped', reason } : { state: 'wait', delayMs: limits.retryMs, reason };
}

/** Refusals that no time lifts. */
const ENDS: Partial<Record<ErrorCode, string>> = {
  E_OPTED_OUT: 'opt_out',
  E_NOT_OWNER: 'takeover',
  E_NOT_TEXTABLE: 'phone_not_textable',
};
