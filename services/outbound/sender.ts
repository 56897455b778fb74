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
import type { ConversationId, OrganizationId } from '../types.js';
import { mayLeave } from './atSending.js';
import { claimOutbox, type OutboxClaim } from './claimOutbox.js';
import {
  freeOutboxLeases,
  knownSids,
  type OutboxOutcome,
  renewOutboxLeases,
  storeOutcomes,
} from './outboxRows.js';
import { reactionTo } from './reactions.js';
import { createStatusWriter, type StatusWriter } from './statuses.js';
import type { CarrierRecord, SendResult, Transport } from './transports/types.js';

export interface OutboxSenderDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly transport: Transport;
  readonly events: LiveEvents;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether texts leave through a real carrier, which refuses numbers that are not registered; default: not. */
  readonly isRealCarrier?: boolean;
  /** The carrier account's id for messages sent through `account`. */
  accountSidOf(account: string): string;
  /** Where the carrier reports deliveries; undefined when it cannot reach us. */
  statusCallbackUrl?(claim: OutboxClaim): string | undefined;
  /** Told what a look-up found out; one of its own when absent. */
  readonly statuses?: StatusWriter;
  /** A hash of what the account is sent with now, to notice when it changes; undefined: there is none. */
  credentialHash?(organizationId: OrganizationId, account: string): Promise<string | undefined>;
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
  /** How often a text that certainly was not sent is tried; waits grow to a minute, so 600 are ten hours. */
  readonly maxAttempts: number;
  /** How far ahead of its speed a number may go, in seconds of sending; undefined: numbers have no speed. */
  readonly aheadS: number | undefined;
}

const DEFAULT_LIMITS: SenderLimits = {
  maxConcurrentSends: 50,
  leaseMs: 5_000,
  sweepMs: 1_000,
  settleMs: 5_000,
  maxClaimAgeMs: 1_000,
  // As long as Twilio keeps a text that it cannot send (DOMAIN.md 4.1).
  maxAttempts: 600,
  // What comes at once leaves at once; a flood waits here, where it can still be stopped.
  aheadS: 30,
};

export class OutboxSender {
  readonly #deps: OutboxSenderDeps;
  readonly #limits: SenderLimits;
  readonly #active = new Map<OutboxClaim, Promise<void>>();
  /** Conversations with a text behind the one that is being sent. */
  readonly #waiting = new Set<ConversationId>();
  readonly #outcomes: ReturnType<typeof createBatcher<OutboxOutcome, null>>;
  readonly #statuses: StatusWriter;
  // Not under the id of the request that happened to wake it: the work is for many.
  readonly #claiming = coalesce(() => logContext.exit(() => this.#claimAll()));
  #isRunning = false;
  #sweeper: NodeJS.Timeout | undefined;

  private constructor(deps: OutboxSenderDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
    this.#outcomes = createBatcher<OutboxOutcome, null>({
      maxBatch: 100,
      run: (outcomes) => storeOutcomes(deps, outcomes),
      isWorthSplitting: (error) => !isRecordAway(error),
    });
    this.#statuses = deps.statuses ?? createStatusWriter(deps);
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
        const { leaseMs, aheadS } = this.#limits;
        const claims = await claimOutbox(this.#deps.database, limit, leaseMs, { aheadS });
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
    if (claim.task === 'send' && !(await mayLeave(this.#deps, claim))) {
      this.#tellOf(claim);
      return;
    }
    const outcome = claim.task === 'send' ? await this.#send(claim, claimedAtMs) : await this.#find(claim);
    await this.#outcomes.add(outcome);
    const { organizationId, id } = claim.text;
    this.#tellOf(claim);
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

  #tellOf({ text: { organizationId }, conversationId }: OutboxClaim): void {
    this.#deps.events.publish({ type: 'message.status', organizationId, conversationId });
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
    const outcome = this.#outcomeOfSend(claim, result);
    if (reactionTo(outcome.code).hold?.kind !== 'credentials') return outcome;
    const { organizationId, account } = claim.text;
    return { ...outcome, credentialHash: await this.#deps.credentialHash?.(organizationId, account) };
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
        const waits = result.retryable || reactionTo(code).text === 'waits';
        if (!waits || claim.attempts >= this.#limits.maxAttempts) {
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

  /** The carrier's word on the text is a report like any other: its id proves that it was accepted. */
  async #takeOver(claim: OutboxClaim, found: CarrierRecord): Promise<OutboxOutcome> {
    const accountSid = this.#deps.accountSidOf(claim.text.account);
    await this.#statuses.report({
      organizationId: claim.text.organizationId,
      messageId: claim.text.id,
      status: found.status,
      errorCode: found.errorCode,
      accountSid,
      messageSid: found.providerSid,
      source: 'list',
    });
    return outcomeOf(claim, { state: 'accepted', accountSid, providerSid: found.providerSid });
  }

  /** Found: it was accepted after all. Not found once the carrier has had time to list it: it is sent again. */
  async #find(claim: OutboxClaim): Promise<OutboxOutcome> {
    if (claim.knownSid !== null) return outcomeOf(claim, { state: 'accepted' });
    try {
      const exclude = await knownSids(this.#deps.database, claim);
      const found = await this.#deps.transport.find(claim.text, { exclude });
      if (!found) return outcomeOf(claim, { state: 'queued', reason: 'not found at the carrier' });
      return await this.#takeOver(claim, found);
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
