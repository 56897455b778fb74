/** A migrated, empty database of its own for a test file, on either engine. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe } from '@jest/globals';
import pg from 'pg';
import { Database } from '../../services/db/client.js';
import { migrate } from '../../services/db/migrate.js';
import { createLogger, type Logger } from '../../services/logger.js';
import { describeWithPostgres, pgliteDumpFile, sharedDatabaseUrl, TEMPLATE_DATABASE } from './services.js';

export type Engine = 'pglite' | 'postgres';

export const silentLogger: Logger = createLogger({ level: 'error', format: 'json', silent: true });

export interface TestDatabase {
  readonly database: Database;
  /** Set for PostgreSQL: other processes can open it too. */
  readonly databaseUrl: string | undefined;
  close(): Promise<void>;
}

/** Runs the suite once an engine; a difference between the two must be written down in a test to exist. */
export function describeEachEngine(name: string, suite: (engine: Engine) => void): void {
  describe(`${name} (PGlite)`, () => suite('pglite'));
  describeWithPostgres(`${name} (PostgreSQL)`, () => suite('postgres'));
}

export async function openTestDatabase(engine: Engine): Promise<TestDatabase> {
  if (engine === 'postgres') {
    const databaseUrl = await createPostgresDatabase();
    const database = await Database.open({ databaseUrl, logger: silentLogger });
    return { database, databaseUrl, close: () => database.close() };
  }
  const dump = pgliteDumpFile();
  const database = await Database.open({
    logger: silentLogger,
    pgliteDump: dump === undefined ? undefined : new Blob([readFileSync(dump)]),
  });
  if (dump === undefined) await migrate(database);
  return { database, databaseUrl: undefined, close: () => database.close() };
}

/** @returns the URL of a new database made from the migrated template. */
export async function createPostgresDatabase(): Promise<string> {
  const serverUrl = sharedDatabaseUrl();
  const name = `jack_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`create database ${name} template ${TEMPLATE_DATABASE}`);
  } finally {
    await client.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
