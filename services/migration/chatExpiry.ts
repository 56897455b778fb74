/** Removes transcripts whose 30 days are over, in bounded batches. Several processes may do it at once. */

import { asError } from '../errors.js';
import type { Logger } from '../logger.js';

export interface ChatExpiry {
  start(): void;
  /** Waits for a batch under way. */
  stop(): Promise<void>;
  /** @returns how many were removed. */
  sweep(): Promise<number>;
}

const EVERY_MS = 60 * 60 * 1000;
const BATCH = 500;

export function createChatExpiry(deps: {
  readonly logger: Logger;
  /** Removes up to `limit` and says how many. */
  deleteExpired(limit: number): Promise<number>;
}): ChatExpiry {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let isStopped = false;

  const sweep = async (): Promise<number> => {
    let total = 0;
    for (;;) {
      const removed = await deps.deleteExpired(BATCH);
      total += removed;
      if (removed < BATCH || isStopped) break;
    }
    if (total > 0) deps.logger.info('imported chats whose time was over were removed', { count: total });
    return total;
  };
  return {
    sweep,
    start: () => {
      timer = setInterval(() => {
        running = sweep().catch((error: unknown) => {
          deps.logger.warn('imported chats could not be swept', { error: asError(error) });
        });
      }, EVERY_MS);
      timer.unref();
    },
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
