/**
 * Takes alerts to the organizations' URLs. The record says what is due and who tries it; a process that dies leaves a
 * lease that runs out. A delivery is repeated until the receiver has said 2xx, so it may come twice, with the same
 * `webhook-id`.
 */
import type { Clock } from '../clock.js';
import { coalesce } from '../coalesce.js';
import type { Database } from '../db/client.js';
import { asError } from '../errors.js';
import { type Logger, logContext } from '../logger.js';
import {
  type AlertDelivery,
  claimAlertDeliveries,
  type DeliveryOutcome,
  settleAlertDelivery,
} from '../record/alertDeliveries.js';
import type { Secrets } from '../secrets.js';
import { signAlert } from './message.js';
import type { Posted, Poster } from './post.js';
import { retryDelayMs } from './schedule.js';

export interface AlertSenderDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly post: Poster;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits?: Partial<AlertSenderLimits> | undefined;
}

export interface AlertSenderLimits {
  readonly maxConcurrent: number;
  /** Longer than one try can take: after that its process is taken for dead. */
  readonly leaseMs: number;
  /** How often the record is looked at. */
  readonly sweepMs: number;
}

const DEFAULT_LIMITS: AlertSenderLimits = { maxConcurrent: 8, leaseMs: 30_000, sweepMs: 1_000 };

export class AlertSender {
  readonly #deps: AlertSenderDeps;
  readonly #limits: AlertSenderLimits;
  readonly #active = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #claiming = coalesce(() => logContext.exit(() => this.#claimAll()));
  #isRunning = false;
  #sweeper: NodeJS.Timeout | undefined;

  private constructor(deps: AlertSenderDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  static create(deps: AlertSenderDeps): AlertSender {
    return new AlertSender(deps);
  }

  start(): void {
    if (this.#isRunning || this.#stopping.signal.aborted) return;
    this.#isRunning = true;
    this.#sweeper = setInterval(() => this.wake(), this.#limits.sweepMs);
    this.#sweeper.unref();
    this.wake();
  }

  /** Tries under way are broken off and given back. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearInterval(this.#sweeper);
    this.#stopping.abort();
    await this.#claiming.idle();
    await Promise.all(this.#active);
  }

  wake(): void {
    if (this.#isRunning) this.#claiming.run();
  }

  async #claimAll(): Promise<void> {
    try {
      const limit = this.#limits.maxConcurrent - this.#active.size;
      if (limit <= 0) return;
      const { leaseMs } = this.#limits;
      for (const claim of await claimAlertDeliveries(this.#deps.database, { limit, leaseMs }))
        this.#begin(claim);
    } catch (error) {
      this.#deps.logger.warn('alerts that are to be delivered could not be read; it is tried again', {
        error: asError(error),
      });
    }
  }

  #begin(claim: AlertDelivery): void {
    const work = this.#deliver(claim)
      .catch((error: unknown) => {
        this.#deps.logger.warn('the delivery of an alert could not be stored; its lease runs out', {
          organizationId: claim.organizationId,
          alertId: claim.alertId,
          error: asError(error),
        });
      })
      .finally(() => {
        this.#active.delete(work);
        // The organization's next one, or one that found no place.
        this.wake();
      });
    this.#active.add(work);
  }

  async #deliver(claim: AlertDelivery): Promise<void> {
    const outcome = this.#outcomeOf(claim, await this.#try(claim));
    if (!(await settleAlertDelivery(this.#deps.database, claim, outcome))) return;
    if (outcome.state !== 'given_up') return;
    this.#deps.logger.warn('an alert could not be delivered and is not tried any more', {
      organizationId: claim.organizationId,
      alertId: claim.alertId,
      attempts: claim.attempts,
      reason: outcome.reason,
    });
  }

  async #try(claim: AlertDelivery): Promise<Posted> {
    const { secrets, post, clock } = this.#deps;
    if (claim.url === null) return { outcome: 'refused', reason: 'no_url' };
    if (claim.secretsSealed.length === 0) return { outcome: 'failed', reason: 'no_secret' };
    let opened: string[];
    try {
      opened = claim.secretsSealed.map((sealed) => secrets.unseal(claim.organizationId, sealed));
    } catch (error) {
      this.#deps.logger.error(
        'a webhook secret cannot be opened: SESSION_SECRET is not that it was sealed with',
        {
          organizationId: claim.organizationId,
          error: asError(error),
        },
      );
      return { outcome: 'failed', reason: 'secret_unreadable' };
    }
    const message = signAlert(claim, opened, new Date(clock.now()));
    return await post(claim.url, message, this.#stopping.signal);
  }

  #outcomeOf({ attempts, ageMs }: AlertDelivery, posted: Posted): DeliveryOutcome {
    if (posted.outcome === 'answered' && posted.status >= 200 && posted.status < 300)
      return { state: 'delivered', delayMs: 0, httpStatus: posted.status, reason: null };
    const httpStatus = posted.outcome === 'answered' ? posted.status : null;
    const reason = posted.outcome === 'answered' ? `http_${posted.status}` : posted.reason;
    if (this.#stopping.signal.aborted) return { state: 'pending', delayMs: 0, httpStatus, reason };
    // 410 is how a receiver says that it wants no more (Standard Webhooks).
    const isFinal = posted.outcome === 'refused' || httpStatus === 410;
    const delayMs = isFinal ? undefined : retryDelayMs(attempts, ageMs, this.#deps.random());
    return delayMs === undefined
      ? { state: 'given_up', delayMs: 0, httpStatus, reason }
      : { state: 'pending', delayMs, httpStatus, reason };
  }
}
