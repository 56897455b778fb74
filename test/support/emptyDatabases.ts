/** Migrated, empty databases from which test files begin in milliseconds. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { CACHE_DIR, namesIn, PROJECT_ROOT } from '../../scripts/lib/programs.js';
import { Database } from '../../services/db/client.js';
import { migrate } from '../../services/db/migrate.js';
import { createLogger } from '../../services/logger.js';

/** See services.ts, which test files import; this file is for the suite's set-up. */
const TEMPLATE_DATABASE = 'jack_template';
const DUMPS = path.join(CACHE_DIR, 'test-pglite');
const logger = createLogger({ level: 'error', format: 'pretty' });

/**
 * Migrates an embedded database once (2 s) and keeps it as one file, until a migration or PGlite itself changes.
 * @returns the file, for `loadDataDir`.
 */
export async function buildPgliteDump(): Promise<string> {
  const file = path.join(DUMPS, `${fingerprint()}.tar`);
  if (existsSync(file)) return file;
  const database = await Database.open({ logger });
  try {
    await migrate(database);
    const dump = await database.pglite?.dumpDataDir('none');
    if (!dump) throw new Error('the embedded record has no PGlite');
    replaceDumps(file, Buffer.from(await dump.arrayBuffer()));
  } finally {
    await database.close();
  }
  return file;
}

function fingerprint(): string {
  const hash = createHash('sha256');
  const db = path.join(PROJECT_ROOT, 'services', 'db');
  const migrations = readdirSync(path.join(db, 'migrations'), { recursive: true, encoding: 'utf8' });
  const files = ['migrate.ts', ...migrations.map((name) => path.join('migrations', name))].sort();
  for (const name of files.filter((file) => /\.(ts|sql|json)$/.test(file))) {
    hash.update(name).update(readFileSync(path.join(db, name)));
  }
  const pglite = path.join(PROJECT_ROOT, 'node_modules', '@electric-sql', 'pglite', 'package.json');
  return hash.update(readFileSync(pglite)).digest('hex').slice(0, 16);
}

/** One dump is some 40 MB: old ones go, unless a run that began a while ago may still read them. */
function replaceDumps(file: string, bytes: Buffer): void {
  mkdirSync(DUMPS, { recursive: true });
  const old = namesIn(DUMPS).map((name) => path.join(DUMPS, name));
  for (const dump of old.filter(isOverAnHourOld)) rmSync(dump, { force: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, bytes);
  renameSync(unfinished, file);
}

const isOverAnHourOld = (file: string): boolean =>
  Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 3_600_000;

/** Makes `jack_template` anew on this server. */
export async function buildTemplateDatabase(serverUrl: string): Promise<void> {
  await onServer(serverUrl, [
    `drop database if exists ${TEMPLATE_DATABASE}`,
    `create database ${TEMPLATE_DATABASE}`,
  ]);
  const databaseUrl = new URL(serverUrl);
  databaseUrl.pathname = `/${TEMPLATE_DATABASE}`;
  const database = await Database.open({ databaseUrl: databaseUrl.href, logger });
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}

async function onServer(connectionString: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
