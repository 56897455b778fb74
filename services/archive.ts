/** Conversations that nobody has texted in for a long time: out of the hot tables, and readable as before. */
import type { StateDoor } from '../redis-migration.js';
import { ArchiveMover, type MoverLimits } from './archive/mover.js';
import { type ArchiveReader, createArchiveReader } from './archive/reader.js';
import type { Database } from './db/client.js';
import { asError } from './errors.js';
import type { Logger } from './logger.js';

export interface Archive extends ArchiveReader {
  readonly mover: ArchiveMover;
}

export interface ArchiveDeps {
  readonly database: Database;
  readonly state: Pick<StateDoor, 'dropConversation'>;
  readonly logger: Logger;
  readonly random: () => number;
  /** `ARCHIVE_AFTER_DAYS`; 0: never. */
  readonly afterDays: number;
  readonly limits?: Partial<MoverLimits> | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export const daysToMs = (days: number): number => days * DAY_MS;

export function createArchive({ database, state, logger, random, afterDays, limits }: ArchiveDeps): Archive {
  const mover = ArchiveMover.create({
    database,
    logger,
    random,
    afterMs: daysToMs(afterDays),
    ...(limits ? { limits } : {}),
    // Nothing of an archived conversation stays cached. What is missed here no rev makes usable, and it expires.
    onArchived: async (archived) => {
      const drops = await Promise.allSettled(
        archived.map((one) => state.dropConversation(one.organizationId, one)),
      );
      const failed = drops.findIndex(({ status }) => status === 'rejected');
      if (failed < 0) return;
      logger.warn('copies of archived conversations could not be dropped; they expire', {
        organizationId: archived[failed]?.organizationId,
        error: asError((drops[failed] as PromiseRejectedResult).reason),
      });
    },
  });
  return { ...createArchiveReader({ database, logger }), mover };
}
