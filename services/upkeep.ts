/** Work that nobody waits for: warming after the start, archiving, letting imported chats expire. */
import type { StateDoor } from '../redis-migration.js';
import { type Archive, createArchive } from './archive.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Database } from './db/client.js';
import type { Closers } from './lifecycle.js';
import type { Logger } from './logger.js';
import { createChatExpiry } from './migration/chatExpiry.js';
import { deleteExpiredChats } from './record/imports/chats.js';
import { Warming, type WarmingLimits } from './warming.js';

export interface UpkeepDeps {
  readonly config: Config;
  readonly options: { readonly warming?: Partial<WarmingLimits> };
  readonly database: Database;
  readonly state: StateDoor;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface Upkeep {
  readonly archive: Archive;
  /** What must end later is given to `closers`. */
  start(closers: Closers): void;
}

export function createUpkeep(deps: UpkeepDeps): Upkeep {
  const { config, options, database, state, clock, random, logger } = deps;
  const named = (subsystem: string) => logger.child({ subsystem });
  const chats = createChatExpiry({
    logger: named('imports'),
    deleteExpired: (limit) => deleteExpiredChats(database, limit),
  });
  const archive = createArchive({
    database,
    state: state,
    logger: named('archive'),
    random,
    afterDays: config.archiveAfterDays,
  });
  const warming = Warming.create({
    database,
    state: state,
    logger: named('warming'),
    clock,
    limits: { sinceMs: config.warmHours * 3_600_000, ...options.warming },
  });
  return {
    archive,
    start: (closers) => {
      closers.add('imported chats', () => chats.stop());
      chats.start();
      closers.add('archive', () => archive.mover.stop());
      archive.mover.start();
      closers.add('warming', () => warming.stop());
      warming.start();
    },
  };
}
