/**
 * Texts alerts to the staff phones that an organization has named, through the outbound door. The record says what is due, who
 * tells it, and under which id: a process that takes over from a dead one cannot send the same again.
 */
import { coalesce } from '../coalesce.js';
import { type Database, isRecordAway, sqlState } from '../db/client.js';
import { asError, type ErrorCode } from '../errors.js';
import { type Logger, logContext } from '../logger.js';
import type { OutboundDoor } from '../outbound/door.js';
import {
  type AlertTextClaim,
  type AlertTextLimits,
  type AlertTextOutcome,
  claimAlertTexts,
  settleAlertText,
} from '../record/alertTexts.js';
import { openStaffConversation } from '../record/staffPhones.js';
import type { Secrets } from '../secrets.js';
import { MAX_AGE_MS, retryDelayMs } from './schedule.js';
import { alertText } from './text.js';

export interface AlertTexterDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly door: Pick<OutboundDoor, 'submit'>;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits?: Partial<AlertTexterLimits> | undefined;
}

export interface AlertTexterLimits extends AlertTextLimits {
  /** How often the record is looked at. */
  readonly sweepMs: number;
  /** Phones taken at once. */
  readonly batch: number;
}

const DEFAULT_LIMITS: AlertTexterLimits = {
  sweepMs: 1_000,
  batch: 20,
  // What one moment brings is one text; a person who is waited for hears of it within this.
  gatherMs: 15_000,
  leaseMs: 15_000,
  perHour: 6,
  maxAgeMs: MAX_AGE_MS,
};

const UNIQUE_VIOLATION = '23505';

export class AlertTexter {
  readonly #deps: AlertTexterDeps;
  readonly #limits: AlertTexterLimits;
  readonly #working = coalesce(() => logContext.exit(() => this.#work()));
  #sweeper: NodeJS.Timeout | undefined;
  #isRunning = false;

  private constructor(deps: AlertTexterDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  static create(deps: AlertTexterDeps): AlertTexter {
    return new AlertTexter(deps);
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

  wake(): void {
    if (this.#isRunning) this.#working.run();
  }

  async #work(): Promise<void> {
    const { database, logger } = this.#deps;
    try {
      const claims = await claimAlertTexts(database, this.#limits.batch, this.#limits);
      await Promise.all(claims.map((claim) => this.#settle(claim)));
    } catch (error) {
      logger.warn('alerts that are to be texted could not be read; it is tried again', {
        error: asError(error),
      });
    }
  }

  /** Never rejects: what fails keeps its lease and is taken up again when that has run out. */
  async #settle(claim: AlertTextClaim): Promise<void> {
    const { organizationId, attempts } = claim;
    const { database, logger } = this.#deps;
    try {
      const outcome = await this.#send(claim);
      if (!(await settleAlertText(database, claim, outcome)) || outcome.state !== 'dropped') return;
      logger.warn('alerts could not be texted to a staff phone and are not tried any more', {
        organizationId,
        attempts,
        reason: outcome.reason,
      });
    } catch (error) {
      logger.warn('alerts could not be texted to a staff phone; it is tried again', {
        organizationId,
        attempts,
        error: asError(error),
      });
    }
  }

  async #send(claim: AlertTextClaim): Promise<AlertTextOutcome> {
    if (claim.isCommitted) return TEXTED;
    const { organizationId, phone, messageId, dealership, alerts } = claim;
    const conversation = await openStaffConversation(this.#deps, organizationId, phone);
    try {
      const result = await this.#deps.door.submit({
        organizationId,
        conversationId: conversation.id,
        origin: 'system',
        purpose: 'staff_alert',
        body: alertText({ dealership, alerts, isFirst: conversation.isNew }),
        messageId,
      });
      return result.allowed ? TEXTED : this.#refused(claim, result.code, result.reason);
    } catch (error) {
      if (sqlState(error) === UNIQUE_VIOLATION) return TEXTED;
      if (isRecordAway(error)) throw error;
      this.#deps.logger.warn('the text of an alert was not taken', { organizationId, error: asError(error) });
      return this.#later(claim, 'failed');
    }
  }

  #refused(claim: AlertTextClaim, code: ErrorCode, reason: string): AlertTextOutcome {
    return ENDS.has(code) ? { state: 'dropped', reason } : this.#later(claim, reason);
  }

  #later({ attempts, ageMs }: AlertTextClaim, reason: string): AlertTextOutcome {
    const delayMs = retryDelayMs(attempts, ageMs, this.#deps.random());
    return delayMs === undefined ? { state: 'dropped', reason } : { state: 'pending', delayMs, reason };
  }
}

const TEXTED: AlertTextOutcome = { state: 'texted', reason: null };

/** Refusals that no time lifts. */
const ENDS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_OPTED_OUT', 'E_NOT_TEXTABLE']);
