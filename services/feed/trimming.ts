/** Clean-up of feeds: what nobody can want any more goes in batches, with pauses for whoever needs the record. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../db/client.js';
import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import { trimFeed } from '../record/feed.js';

export interface TrimmingDeps {
  readonly database: Database;
  readonly random: () => number;
  readonly logger: Logger;
  readonly keepMs: number;
}

export interface Trimming {
  removed(): number;
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
/** Some milliseconds of work; a large deployment writes about as many in a second. */
const BATCH = 1_000;
const PAUSE_MS = 50;

export function startTrimming({ database, random, logger, keepMs }: TrimmingDeps): Trimming {
  let removed = 0;
  let isStopped = false;
  let running: Promise<void> | undefined;

  const trim = async (): Promise<void> => {
    try {
      for (;;) {
        const count = await trimFeed(database, { keepMs, limit: BATCH });
        removed += count;
        if (isStopped || count < BATCH) return;
        await pause(PAUSE_MS, undefined, { ref: false });
      }
    } catch (error) {
      logger.warn('old events could not be removed; the next round tries again', { error: asError(error) });
    }
  };
  const timer = setInterval(
    () => {
      running ??= trim().finally(() => {
        running = undefined;
      });
    },
    EVERY_MS * (0.9 + random() / 5),
  ).unref();
  return {
    removed: () => removed,
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
