/** Removes sessions that are over, in small batches. Any number of processes may do it: none takes a row of another. */
import type { Logger } from '../logger.js';

export interface SessionCleanerDeps {
  /** Removes some. @returns how many. */
  purge(limit: number): Promise<number>;
  readonly everyMs: number;
  /** From 0 up to 1: processes that started together do not clean together. */
  readonly random: () => number;
  readonly logger: Logger;
}

const BATCH = 500;
/** A run ends after so many; the rest is the next run's. */
const MAX_BATCHES = 100;

export class SessionCleaner {
  readonly #deps: SessionCleanerDeps;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(deps: SessionCleanerDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#timer === undefined && !this.#isStopped) this.#schedule();
  }

  /** Waits for the batch under way. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** @returns how many were removed. @throws when the record is away; what is left waits for the next run. */
  async run(): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
      const count = await this.#deps.purge(BATCH);
      removed += count;
      if (count < BATCH || this.#isStopped) break;
    }
    return removed;
  }

  #schedule(): void {
    const { everyMs, random, logger } = this.#deps;
    this.#timer = setTimeout(
      () => {
        this.#running = this.run()
          .then(
            (removed) => {
              if (removed > 0) logger.info('sessions that are over were removed', { removed });
            },
            (error: unknown) => {
              logger.warn('sessions that are over could not be removed yet', { error });
            },
          )
          .finally(() => {
            if (!this.#isStopped) this.#schedule();
          });
      },
      everyMs * (0.75 + random() / 2),
    );
    this.#timer.unref();
  }
}
