/**
 * Takes rows from the outbox to the carrier. A send ends as accepted, refused or unknown; unknown is looked up at
 * the carrier before anything is sent again, because sending has no idempotency key.
 */
import { createBatcher } from '../batcher.js';
import type { Clock } from '../clock.js';
import { coalesce } from '../coalesce.js';
import { type Database, isRecordAway } from '../db/client.js';
import { asError } from '../errors.js';
import type { LiveEvents } from '../events.js';
import { type Logger, logContext } from '../logger.js';
import type { Secrets } from '../secrets.js';
import type { ConversationId } from '../types.js';
import {
  claimOutbox,
  freeOutboxLeases,
  knownSids,
  type OutboxClaim,
  type OutboxOutcome,
  renewOutboxLeases,
  storeOutcomes,
} from './outboxRows.js';
import { learnFromRefusal } from './refusals.js';
import type { SendResult, Transport } from './transports/types.js';

export interface OutboxSenderDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly transport: Transport;
  readonly events: LiveEvents;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The carrier account's id for messages sent through `account`. */
  accountSidOf(account: string): string;
  /** Where the carrier reports deliveries; undefined when it cannot reach us. */
  statusCallbackUrl?(claim: OutboxClaim): string | undefined;
  readonly limits?: Partial<SenderLimits>;
}

export interface SenderLimits {
  readonly maxConcurrentSends: number;
  /** How long a claim holds without a renewal: after that its process is taken for dead. */
  readonly leaseMs: number;
  /** How often claims are renewed and the outbox is looked at. */
  readonly sweepMs: number;
  /** How long the carrier may take until a text it accepted shows in its list. */
  readonly settleMs: number;
  /** A process that froze between claim and send must not send on an old decision. */
  readonly maxClaimAgeMs: number;
  /** How often a text that certainly was not sent is tried. */
  readonly maxAttempts: number;
}

const DEFAULT_LIMITS: SenderLimits = {
  maxConcurrentSends: 50,
  leaseMs: 5_000,
  sweepMs: 1_000,
  settleMs: 5_000,
  maxClaimAgeMs: 1_000,
  maxAttempts: 10,
};

export class OutboxSender {
  readonly #deps: OutboxSenderDeps;
  readonly #limits: SenderLimits;
  readonly #active = new Map<OutboxClaim, Promise<void>>();
  /** Conversations with a text behind the one that is being sent. */
  readonly #waiting = new Set<ConversationId>();
  readonly #outcomes: ReturnType<typeof createBatcher<OutboxOutcome, null>>;
  // Not under the id of the request that happened to wake it: the work is for many.
  readonly #claiming = coalesce(() => logContext.exit(() => this.#claimAll()));
  #isRunning = false;
  #sweeper: NodeJS.Timeout | undefined;

  private constructor(deps: OutboxSenderDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
    this.#outcomes = createBatcher<OutboxOutcome, null>({
      maxBatch: 100,
      run: (outcomes) => storeOutcomes(deps.database, outcomes),
      isWorthSplitting: (error) => !isRecordAway(error),
    });
  }

  static create(deps: OutboxSenderDeps): OutboxSender {
    return new OutboxSender(deps);
  }

  async start(): Promise<void> {
    if (this.#isRunning) return;
    if (this.#deps.database.kind === 'pglite') await freeOutboxLeases(this.#deps.database, this.#limits);
    this.#isRunning = true;
    this.#sweeper = setInterval(() => this.#sweep(), this.#limits.sweepMs);
    this.wake();
  }

  /** Nothing new is taken from the outbox; what is on its way is finished and stored. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearInterval(this.#sweeper);
    await this.#claiming.idle();
    await Promise.all(this.#active.values());
  }

  /** A text of this conversation was queued: it goes now, or as soon as the one before it has gone. */
  queued(conversationId: ConversationId): void {
    for (const claim of this.#active.keys()) {
      if (claim.conversationId === conversationId) this.#waiting.add(conversationId);
    }
    this.wake();
  }

  wake(): void {
    if (this.#isRunning) this.#claiming.run();
  }

  async #claimAll(): Promise<void> {
    try {
      for (;;) {
        const limit = this.#limits.maxConcurrentSends - this.#active.size;
        if (limit <= 0 || !this.#isRunning) return;
        const claims = await claimOutbox(this.#deps.database, limit, this.#limits.leaseMs);
        const claimedAtMs = this.#deps.clock.monotonicMs();
        for (const claim of claims) this.#begin(claim, claimedAtMs);
        if (claims.length < limit) return;
      }
    } catch (error) {
      this.#deps.logger.error('the outbox could not be read; the sweep tries again', {
        error: asError(error),
      });
    }
  }

  #begin(claim: OutboxClaim, claimedAtMs: number): void {
    const work = this.#handle(claim, claimedAtMs)
      .catch((error: unknown) => {
        this.#deps.logger.error('a send could not be stored; its lease runs out and it is looked up', {
          organizationId: claim.text.organizationId,
          messageId: claim.text.id,
          error: asError(error),
        });
      })
      .finally(() => {
        const wasFull = this.#active.size >= this.#limits.maxConcurrentSends;
        this.#active.delete(claim);
        // A look costs a statement, so only when the next part, or one that found no place, may go now.
        const hasNext = this.#waiting.delete(claim.conversationId) || claim.hasNext;
        if (hasNext || wasFull) this.wake();
      });
    this.#active.set(claim, work);
  }

  #sweep(): void {
    this.wake();
    if (this.#active.size === 0) return;
    renewOutboxLeases(this.#deps.database, [...this.#active.keys()], this.#limits.leaseMs).catch(
      (error: unknown) => {
        this.#deps.logger.warn('leases of the outbox could not be renewed', { error: asError(error) });
      },
    );
  }

  async #handle(claim: OutboxClaim, claimedAtMs: number): Promise<void> {
    const outcome = claim.task === 'send' ? await this.#send(claim, claimedAtMs) : await this.#find(claim);
    await this.#outcomes.add(outcome);
    const { organizationId, id } = claim.text;
    this.#deps.events.publish({
      type: 'message.status',
      organizationId,
      conversationId: claim.conversationId,
    });
    if (outcome.state === 'refused') await learnFromRefusal(this.#deps, claim, outcome);
    if (outcome.state !== 'accepted') {
      this.#deps.logger.warn('a text was not accepted', {
        organizationId,
        messageId: id,
        state: outcome.state,
        code: outcome.code,
        reason: outcome.reason,
      });
    }
  }

  async #send(claim: OutboxClaim, claimedAtMs: number): Promise<OutboxOutcome> {
    if (this.#deps.clock.monotonicMs() - claimedAtMs > this.#limits.maxClaimAgeMs) {
      return outcomeOf(claim, { state: 'queued', reason: 'the claim was too old to send on' });
    }
    const callback = this.#deps.statusCallbackUrl?.(claim);
    const result = await this.#deps.transport.send({
      ...claim.text,
      ...(callback ? { statusCallbackUrl: callback } : {}),
    });
    return this.#outcomeOfSend(claim, result);
  }

  #outcomeOfSend(claim: OutboxClaim, result: SendResult): OutboxOutcome {
    switch (result.outcome) {
      case 'accepted':
        return outcomeOf(claim, {
          state: 'accepted',
          accountSid: this.#deps.accountSidOf(claim.text.account),
          providerSid: result.providerSid,
          messageStatus: result.status,
        });
      case 'unknown':
        return outcomeOf(claim, { state: 'unknown', delayMs: this.#limits.settleMs, reason: result.reason });
      case 'refused': {
        const { code, reason } = result;
        if (!result.retryable || claim.attempts >= this.#limits.maxAttempts) {
          return outcomeOf(claim, { state: 'refused', code, reason, messageStatus: 'failed' });
        }
        return outcomeOf(claim, {
          state: 'queued',
          code,
          reason,
          delayMs: backoffMs(claim.attempts, result.retryAfterMs),
        });
      }
    }
  }

  /** Found: it was accepted after all. Not found once the carrier has had time to list it: it is sent again. */
  async #find(claim: OutboxClaim): Promise<OutboxOutcome> {
    try {
      const exclude = await knownSids(this.#deps.database, claim);
      const found = await this.#deps.transport.find(claim.text, { exclude });
      if (!found) return outcomeOf(claim, { state: 'queued', reason: 'not found at the carrier' });
      return outcomeOf(claim, {
        state: 'accepted',
        code: found.errorCode,
        accountSid: this.#deps.accountSidOf(claim.text.account),
        providerSid: found.providerSid,
        messageStatus: found.status,
      });
    } catch (error) {
      this.#deps.logger.warn('the carrier could not be asked about a text', {
        organizationId: claim.text.organizationId,
        messageId: claim.text.id,
        error: asError(error),
      });
      return outcomeOf(claim, {
        state: 'unknown',
        delayMs: this.#limits.settleMs,
        reason: 'the carrier could not be asked',
      });
    }
  }
}

function outcomeOf(
  claim: OutboxClaim,
  outcome: Pick<OutboxOutcome, 'state'> & Partial<OutboxOutcome>,
): OutboxOutcome {
  return {
    messageId: claim.text.id,
    fence: claim.fence,
    delayMs: 0,
    code: null,
    reason: null,
    accountSid: null,
    providerSid: null,
    messageStatus: null,
    ...outcome,
  };
}

const backoffMs = (attempts: number, retryAfterMs: number | undefined): number =>
  retryAfterMs ?? Math.min(500 * 2 ** (attempts - 1), 60_000);
