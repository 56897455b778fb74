/**
 * Gives conversations back to the assistant when staff have said nothing for as long as their organization allows
 * (`takeover.returnAfterMinutes`). Any number of processes may do it; the record's clock decides.
 */
import type { Database } from '../db/client.js';
import { asError } from '../errors.js';
import type { LiveEvents } from '../events.js';
import type { Logger } from '../logger.js';
import { returnSilent } from '../record/ownership.js';

export interface OwnerReturnsDeps {
  readonly database: Database;
  readonly events: LiveEvents;
  /** Told when conversations went back: a text in them may be due. */
  onReturned(): void;
  readonly logger: Logger;
  /** From 0 up to 1: processes that started together do not look together. */
  readonly random: () => number;
  readonly everyMs?: number | undefined;
}

export interface OwnerReturns {
  start(): void;
  /** Waits for a batch under way. Safe to call twice. */
  stop(): Promise<void>;
  /** @returns how many went back. @throws Error when the record is away. */
  run(): Promise<number>;
}

/** Minutes are what is promised, so seconds late are not noticed. */
const EVERY_MS = 5_000;
const BATCH = 100;
/** A run ends after so many; the rest is the next run's. */
const MAX_BATCHES = 20;

export function createOwnerReturns(deps: OwnerReturnsDeps): OwnerReturns {
  const { database, events, logger, random, everyMs = EVERY_MS } = deps;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isStopped = false;

  const run = async (): Promise<number> => {
    let count = 0;
    for (let batch = 0; batch < MAX_BATCHES && !isStopped; batch += 1) {
      const { returned, seen } = await returnSilent(database, BATCH);
      count += returned.length;
      for (const at of returned) {
        events.publish({ type: 'conversation.changed', ...at });
        logger.info('a conversation went back to the assistant: staff were silent', {
          organizationId: at.organizationId,
          conversationId: at.conversationId,
        });
      }
      if (returned.length > 0) deps.onReturned();
      if (seen < BATCH) break;
    }
    return count;
  };
  const runOrLog = async (): Promise<void> => {
    try {
      await run();
    } catch (error) {
      logger.warn('conversations could not be given back; the next run tries again', {
        error: asError(error),
      });
    }
  };
  const schedule = (): void => {
    timer = setTimeout(
      () => {
        running = runOrLog().finally(() => {
          if (!isStopped) schedule();
        });
      },
      everyMs * (0.75 + random() / 2),
    );
    timer.unref();
  };
  return {
    run,
    start: () => {
      if (timer === undefined && !isStopped) schedule();
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
