/** `npm run db:migrate`: brings the record to this version's schema and ends. */
import dotenv from 'dotenv';
import { loadConfig } from '../services/config.js';
import { Database } from '../services/db/client.js';
import { migrate } from '../services/db/migrate.js';
import { JackError } from '../services/errors.js';
import { createLogger } from '../services/logger.js';

try {
  dotenv.config({ quiet: true });
  const config = loadConfig(process.env);
  const logger = createLogger({ level: config.logLevel, format: 'pretty' });
  const database = await Database.open({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, logger });
  try {
    await migrate(database);
    console.log(
      `The record (${database.kind === 'postgres' ? 'PostgreSQL' : config.dataDir}) is up to date.`,
    );
  } finally {
    await database.close();
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof Error && error.cause instanceof Error) console.error(error.cause.message);
  process.exitCode = error instanceof JackError && error.code === 'E_CONFIG_INVALID' ? 78 : 1;
}
