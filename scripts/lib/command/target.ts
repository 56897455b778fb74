/** The record and the tower as the server composes them, for a command that runs beside it or instead of it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'drizzle-orm';
import type { StateDoor } from '../../../redis-migration.js';
import { systemClock } from '../../../services/clock.js';
import type { Config } from '../../../services/config.js';
import { Database } from '../../../services/db/client.js';
import { migrate } from '../../../services/db/migrate.js';
import { JackError } from '../../../services/errors.js';
import type { Logger } from '../../../services/logger.js';
import { loadSecrets, type Secrets } from '../../../services/secrets.js';
import { createTower } from '../../../services/tower.js';

export interface Target {
  readonly state: StateDoor;
  readonly database: Database;
  readonly secrets: Secrets;
  close(): Promise<void>;
}

/**
 * @param isReadOnly for what may not even bring the schema up to date.
 * @throws JackError E_DATA_DIR_LOCKED while a Jack runs on an embedded record; E_DB_UNAVAILABLE.
 */
export async function openTarget(config: Config, logger: Logger, isReadOnly: boolean): Promise<Target> {
  const { databaseUrl, dataDir } = config;
  if (isReadOnly && databaseUrl === undefined && !existsSync(path.join(dataDir, 'record'))) {
    throw outOfDate(`There is no record in ${dataDir}.`);
  }
  const database = await Database.open({ databaseUrl, dataDir, maxConnections: 6, logger });
  try {
    await database.ping();
    if (isReadOnly) await checkSchema(database);
    else await migrate(database);
    const secrets = await loadSecrets(database, config.sessionSecret);
    const tower = await createTower({
      config,
      database,
      secrets,
      logger,
      clock: systemClock,
      random: Math.random,
    });
    return {
      state: tower.state,
      database,
      secrets,
      close: async () => {
        try {
          await tower.stop();
        } finally {
          await database.close();
        }
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function checkSchema(database: Database): Promise<void> {
  const [row] = await database.query<{ table: string | null }>(
    sql`select to_regclass('provider_keys')::text as table`,
  );
  if (!row?.table) throw outOfDate('The record does not have the tables of this version.');
}

const outOfDate = (what: string): JackError =>
  new JackError('E_DB_UNAVAILABLE', `${what} "npm run db:migrate" makes it ready.`);
