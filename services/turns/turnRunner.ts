/**
 * Runs turns: when a reply is due, some process claims the conversation, asks the assistant and hands the reply to
 * the door. Wake-ups come from texts that this process stored; a sweep finds what other or dead processes left.
 */
import { coalesce } from '../coalesce.js';
import { asError } from '../errors.js';
import { logContext } from '../logger.js';
import type { ConversationId } from '../types.js';
import { type Claim, claimDue, freeAllLeases, renewLeases } from './claims.js';
import { runTurn } from './runTurn.js';
import type { TurnLimits, TurnRunnerDeps } from './types.js';
import { createWakeUps } from './wakeUps.js';

const DEFAULT_LIMITS: TurnLimits = {
  leaseMs: 4_000,
  sweepMs: 1_000,
  maxConcurrentTurns: 64,
  assistantDeadlineMs: 10_000,
  maxAttempts: 3,
};

export class TurnRunner {
  readonly #deps: TurnRunnerDeps;
  readonly #limits: TurnLimits;
  readonly #active = new Map<
    ConversationId,
    { fence: number; abort: AbortController; done: Promise<void> }
  >();
  readonly #wakeUps = createWakeUps(() => this.wake());
  #sweeper: NodeJS.Timeout | undefined;
  // Not under the id of the request that happened to wake it: the work is for many.
  readonly #claiming = coalesce(() => logContext.exit(() => this.#claimAll()));
  #isRunning = false;

  private constructor(deps: TurnRunnerDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  static create(deps: TurnRunnerDeps): TurnRunner {
    return new TurnRunner(deps);
  }

  async start(): Promise<void> {
    if (this.#isRunning) return;
    if (this.#deps.database.kind === 'pglite') await freeAllLeases(this.#deps.database);
    this.#isRunning = true;
    this.#sweeper = setInterval(() => this.#sweep(), this.#limits.sweepMs);
    this.wake();
  }

  /** No new turns; running ones are finished. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearInterval(this.#sweeper);
    this.#wakeUps.clear();
    await this.#claiming.idle();
    await Promise.all([...this.#active.values()].map(({ done }) => done));
  }

  /** A reply will be due in `delayMs`. */
  wakeIn(delayMs: number): void {
    if (this.#isRunning) this.#wakeUps.add(delayMs);
  }

  /** Look for due replies now. */
  wake(): void {
    if (this.#isRunning) this.#claiming.run();
  }

  get activeCount(): number {
    return this.#active.size;
  }

  async #claimAll(): Promise<void> {
    try {
      for (;;) {
        const limit = this.#limits.maxConcurrentTurns - this.#active.size;
        if (limit <= 0 || !this.#isRunning) return;
        const { database, holder } = this.#deps;
        const claims = await claimDue(database, { limit, holder, leaseMs: this.#limits.leaseMs });
        for (const claim of claims) this.#begin(claim);
        if (claims.length < limit) return;
      }
    } catch (error) {
      this.#deps.logger.error('due replies could not be claimed; the sweep tries again', {
        error: asError(error),
      });
    }
  }

  #begin(claim: Claim): void {
    const abort = new AbortController();
    const done = runTurn({ ...this.#deps, limits: this.#limits }, claim, abort.signal)
      .then((againInMs) => {
        if (againInMs !== undefined) this.wakeIn(againInMs);
      })
      .catch((error: unknown) => {
        const { organizationId, conversationId } = claim;
        this.#deps.logger.error('a turn failed; its lease runs out and it is taken again', {
          organizationId,
          conversationId,
          error: asError(error),
        });
      })
      .finally(() => {
        // Those that found no place are claimed as soon as there is one.
        const wasFull = this.#active.size >= this.#limits.maxConcurrentTurns;
        this.#active.delete(claim.conversationId);
        if (wasFull) this.wake();
      });
    this.#active.set(claim.conversationId, { fence: claim.fence, abort, done });
  }

  #sweep(): void {
    this.wake();
    if (this.#active.size === 0) return;
    const leases = [...this.#active].map(([conversationId, { fence }]) => ({ conversationId, fence }));
    renewLeases(this.#deps.database, leases, this.#limits.leaseMs)
      .then((held) => {
        for (const { conversationId, fence } of leases) {
          const turn = this.#active.get(conversationId);
          if (turn?.fence === fence && !held.has(conversationId)) turn.abort.abort();
        }
      })
      .catch((error: unknown) => {
        this.#deps.logger.warn('leases could not be renewed', { error: asError(error) });
      });
  }
}
