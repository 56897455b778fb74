/**
 * Runs turns: when a reply is due, some process claims the conversation, asks the assistant and hands the reply to
 * the door. Wake-ups come from texts that this process stored; a sweep finds what other or dead processes left.
 */
import { coalesce } from '../coalesce.js';
import { asError } from '../errors.js';
import { logContext } from '../logger.js';
import type { ConversationId, OrganizationId } from '../types.js';
import { type Claim, claimDue, freeAllLeases, type HeldLease, renewLeases } from './claims.js';
import { TurnEndedError } from './endings.js';
import { DEFAULT_LOOP_LIMITS } from './loopGuard.js';
import { runTurn } from './runTurn.js';
import type { TurnLimits, TurnRunnerDeps } from './types.js';
import { createWakeUps } from './wakeUps.js';

const DEFAULT_LIMITS: TurnLimits = {
  // With the sweep: a turn of a process that died goes on elsewhere after 3.5 s, and several renewals may fail.
  leaseMs: 3_000,
  sweepMs: 500,
  maxConcurrentTurns: 64,
  maxTurnsPerOrganization: 48,
  assistantDeadlineMs: 10_000,
  maxAttempts: 3,
  // Of the ten seconds that a stop has in all (server.ts).
  stopGraceMs: 4_000,
  loop: DEFAULT_LOOP_LIMITS,
};

/** When all places are taken: how long those that get free are collected, so that one claim fills several. */
const COLLECT_MS = 25;

interface ActiveTurn {
  readonly organizationId: OrganizationId;
  readonly fence: number;
  /** The last seq that its assistant sees. */
  readonly lastSeq: number;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export class TurnRunner {
  readonly #deps: TurnRunnerDeps;
  readonly #limits: TurnLimits;
  readonly #active = new Map<ConversationId, ActiveTurn>();
  readonly #wakeUps = createWakeUps(() => this.wake());
  #sweeper: NodeJS.Timeout | undefined;
  #collecting: NodeJS.Timeout | undefined;
  #isCrowded = false;
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

  /** No new turns. Running ones get `stopGraceMs`; what is not finished then is free at once for other processes. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearTimeout(this.#collecting);
    this.#collecting = undefined;
    this.#wakeUps.clear();
    await this.#claiming.idle();
    const grace = setTimeout(() => this.#endAll(), this.#limits.stopGraceMs);
    await Promise.all([...this.#active.values()].map(({ done }) => done));
    clearTimeout(grace);
    // Until here it renewed the leases of what was being finished.
    clearInterval(this.#sweeper);
  }

  /** The conversation has a text `seq`: an assistant that does not see it thinks in vain. */
  textStored(conversationId: ConversationId, seq: number): void {
    const turn = this.#active.get(conversationId);
    if (turn && seq > turn.lastSeq) turn.abort.abort(new TurnEndedError('newer_text'));
  }

  /** A reply will be due in `delayMs`. */
  wakeIn(delayMs: number): void {
    if (this.#isRunning) this.#wakeUps.add(delayMs);
  }

  /** Look for due replies now. */
  wake(): void {
    if (this.#isRunning && !this.#collecting) this.#claiming.run();
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
        const { leaseMs, maxTurnsPerOrganization: mostOfOne } = this.#limits;
        const running = this.#runningBy();
        const isCrowded = this.#isCrowded;
        const claims = await claimDue(database, { limit, holder, leaseMs, running, mostOfOne, isCrowded });
        this.#isCrowded =
          claims.length === limit || [...running.values()].some((turns) => turns >= mostOfOne);
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
        const wasFull = this.#isFullFor(claim.organizationId);
        // It may have been claimed again before this end was heard of.
        if (this.#active.get(claim.conversationId)?.abort === abort)
          this.#active.delete(claim.conversationId);
        if (wasFull) this.#collectPlaces();
      });
    const { organizationId, fence, lastSeq } = claim;
    this.#active.set(claim.conversationId, { organizationId, fence, lastSeq, abort, done });
  }

  #isFullFor(organizationId: OrganizationId): boolean {
    const { maxConcurrentTurns, maxTurnsPerOrganization } = this.#limits;
    if (this.#active.size >= maxConcurrentTurns) return true;
    if (this.#active.size < maxTurnsPerOrganization) return false;
    return (this.#runningBy().get(organizationId) ?? 0) >= maxTurnsPerOrganization;
  }

  #collectPlaces(): void {
    if (!this.#isRunning) return;
    this.#collecting ??= setTimeout(() => {
      this.#collecting = undefined;
      this.wake();
    }, COLLECT_MS);
  }

  #runningBy(): Map<OrganizationId, number> {
    const turns = new Map<OrganizationId, number>();
    for (const { organizationId } of this.#active.values())
      turns.set(organizationId, (turns.get(organizationId) ?? 0) + 1);
    return turns;
  }

  #endAll(): void {
    for (const { abort } of this.#active.values()) abort.abort(new TurnEndedError('stopping'));
  }

  #sweep(): void {
    this.wake();
    if (this.#active.size === 0) return;
    const leases = [...this.#active].map(([conversationId, { fence }]) => ({ conversationId, fence }));
    renewLeases(this.#deps.database, leases, this.#limits.leaseMs)
      .then((held) => {
        for (const { conversationId, fence } of leases) {
          const turn = this.#active.get(conversationId);
          if (turn?.fence === fence) endUseless(turn, held.get(conversationId));
        }
      })
      .catch((error: unknown) => {
        this.#deps.logger.warn('leases could not be renewed', { error: asError(error) });
      });
  }
}

/** What another process stored shows at the renewal. */
function endUseless({ abort, lastSeq }: ActiveTurn, held: HeldLease | undefined): void {
  if (!held) abort.abort(new TurnEndedError('lease_lost'));
  else if (!held.mayReply) abort.abort(new TurnEndedError('may_not_reply'));
  else if (held.lastSeq > lastSeq) abort.abort(new TurnEndedError('newer_text'));
}
