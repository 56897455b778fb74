/**
 * Moves conversations past retention out of the hot tables, a few a transaction, with a pause after each. Any number of
 * processes may do it at once: rows that one is at are skipped by the others.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Database, isRecordAway } from '../db/client.js';
import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import { listQuiet, type Quiet } from '../record/archive.js';
import type { ConversationId, OrganizationId } from '../types.js';
import { moveQuiet } from './move.js';
import type { Archived } from './types.js';

export interface MoverDeps {
  readonly database: Database;
  readonly logger: Logger;
  /** From 0 up to 1: processes that start together do not sweep together. */
  readonly random: () => number;
  /** How long nothing may have been said; 0: nothing is moved by the timer. */
  readonly afterMs: number;
  /** Told after each transaction, so that no copy stays elsewhere. Never rejects: it logs what goes wrong. */
  onArchived(archived: readonly Archived[]): Promise<void>;
  readonly limits?: Partial<MoverLimits>;
}

export interface MoverLimits {
  readonly sweepMs: number;
  readonly firstSweepMs: number;
  /** Conversations a transaction. */
  readonly batch: number;
  /** After each transaction, so that texts come first. */
  readonly pauseMs: number;
}

const DEFAULT_LIMITS: MoverLimits = { sweepMs: 15 * 60_000, firstSweepMs: 60_000, batch: 20, pauseMs: 25 };
/** Quiet conversations looked up at once. */
const PAGE = 200;

export interface MoveRequest {
  readonly afterMs: number;
  readonly organizationId?: OrganizationId | undefined;
  readonly onProgress?: ((soFar: MoveReport) => void) | undefined;
}

export interface MoveReport {
  /** Moved whole. */
  readonly conversations: number;
  readonly messages: number;
  readonly blocks: number;
  /** Compressed. */
  readonly bytes: number;
  /** Conversations that could not be moved; the log says why. */
  readonly failed: number;
}

const NOTHING: MoveReport = { conversations: 0, messages: 0, blocks: 0, bytes: 0, failed: 0 };

export class ArchiveMover {
  readonly #deps: MoverDeps;
  readonly #limits: MoverLimits;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #stopping = new AbortController();
  #total: MoveReport = NOTHING;

  private constructor(deps: MoverDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  static create(deps: MoverDeps): ArchiveMover {
    return new ArchiveMover(deps);
  }

  start(): void {
    if (this.#deps.afterMs <= 0 || this.#timer) return;
    this.#stopping = new AbortController();
    this.#schedule(this.#limits.firstSweepMs);
  }

  /** A transaction under way is finished; the rest waits for the next start. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopping.abort();
    await this.#running;
  }

  /** Since the process began. */
  report(): MoveReport {
    return this.#total;
  }

  /**
   * Moves everything that is quiet now; ends early when `stop` is called.
   * @throws JackError or a database error when the record is away; what was moved before stays moved.
   */
  async run(request: MoveRequest): Promise<MoveReport> {
    const work = this.#sweep(request);
    this.#running = Promise.allSettled([this.#running, work]);
    return await work;
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(
      () => {
        this.run({ afterMs: this.#deps.afterMs })
          .catch((error: unknown) => {
            this.#deps.logger.warn('the archive sweep broke off; the next one goes on', {
              error: asError(error),
            });
          })
          .finally(() => {
            if (!this.#stopping.signal.aborted) this.#schedule(this.#limits.sweepMs);
          });
      },
      delayMs * (0.75 + this.#deps.random() / 2),
    );
    this.#timer.unref();
  }

  async #sweep({ afterMs, organizationId, onProgress }: MoveRequest): Promise<MoveReport> {
    const { database } = this.#deps;
    const { signal } = this.#stopping;
    let report = NOTHING;
    const byOrganization = new Map<OrganizationId, MoveReport>();
    try {
      for (let after: Quiet | undefined; !signal.aborted; ) {
        const quiet = await listQuiet(database, { afterMs, organizationId, after, limit: PAGE });
        for (let at = 0; at < quiet.length && !signal.aborted; at += this.#limits.batch) {
          const part = await this.#move(quiet.slice(at, at + this.#limits.batch), afterMs, byOrganization);
          report = add(report, part);
          onProgress?.(report);
          await pause(this.#limits.pauseMs);
        }
        after = quiet.at(-1);
        if (quiet.length < PAGE) break;
      }
    } finally {
      for (const [organization, counts] of byOrganization) {
        this.#deps.logger.info('conversations went into the archive', {
          organizationId: organization,
          ...counts,
        });
      }
    }
    return report;
  }

  /** All of them in one transaction or, where one of them cannot be moved, each in its own, so that it holds up no other. */
  async #move(
    quiet: readonly Quiet[],
    afterMs: number,
    byOrganization: Map<OrganizationId, MoveReport>,
  ): Promise<MoveReport> {
    try {
      return await this.#moveAll(
        quiet.map(({ conversationId }) => conversationId),
        afterMs,
        byOrganization,
      );
    } catch (error) {
      if (isRecordAway(error)) throw error;
      if (quiet.length > 1) {
        let report = NOTHING;
        for (const one of quiet) report = add(report, await this.#move([one], afterMs, byOrganization));
        return report;
      }
      const { organizationId, conversationId } = quiet[0] ?? {};
      this.#deps.logger.error('a conversation could not be archived; the next sweep tries again', {
        organizationId,
        conversationId,
        error: asError(error),
      });
      this.#total = add(this.#total, { ...NOTHING, failed: 1 });
      return { ...NOTHING, failed: 1 };
    }
  }

  async #moveAll(
    ids: readonly ConversationId[],
    afterMs: number,
    byOrganization: Map<OrganizationId, MoveReport>,
  ): Promise<MoveReport> {
    let report = NOTHING;
    // Long conversations take several transactions, and those that found no room in one go into the next.
    for (let rest = ids; rest.length > 0 && !this.#stopping.signal.aborted; ) {
      const archived = await moveQuiet(this.#deps.database, rest, afterMs);
      if (archived.length === 0) break;
      for (const one of archived) {
        const part = { ...one, conversations: one.hasMore ? 0 : 1, failed: 0 };
        report = add(report, part);
        byOrganization.set(one.organizationId, add(byOrganization.get(one.organizationId) ?? NOTHING, part));
      }
      await this.#deps.onArchived(archived);
      const done = new Set(
        archived.filter(({ hasMore }) => !hasMore).map(({ conversationId }) => conversationId),
      );
      rest = rest.filter((id) => !done.has(id));
    }
    this.#total = add(this.#total, report);
    return report;
  }
}

const add = (a: MoveReport, b: MoveReport): MoveReport => ({
  conversations: a.conversations + b.conversations,
  messages: a.messages + b.messages,
  blocks: a.blocks + b.blocks,
  bytes: a.bytes + b.bytes,
  failed: a.failed + b.failed,
});
