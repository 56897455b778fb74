/**
 * What the whole suite shares: the programs found or installed, one Redis, one PostgreSQL with a migrated template
 * database, and a migrated PGlite as a file. Everything is handed to the test files through TEST_… variables.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { hint, type Program, provide } from '../../scripts/lib/apt.js';
import { PostgresServer, postgresProgram } from '../../scripts/lib/postgresServer.js';
import { PROJECT_ROOT, type Say } from '../../scripts/lib/programs.js';
import { RedisServer, redisProgram } from '../../scripts/lib/redisServer.js';
import { chromiumProgram } from './chromium.js';
import { buildPgliteDump, buildTemplateDatabase } from './emptyDatabases.js';

export type Stop = () => Promise<void>;

/** @param patterns the paths asked for on the command line; empty means the whole suite. */
export async function startSuiteServices(patterns: readonly string[]): Promise<Stop> {
  const say: Say = (line) => void process.stderr.write(`test services: ${line}\n`);
  const programs = [redisProgram, postgresProgram, ...(needsBrowser(patterns) ? [chromiumProgram] : [])];
  const found = provide(programs, say);
  exportPath('TEST_REDIS_BIN', found.get(redisProgram.name));
  exportPath('TEST_POSTGRES_BIN', found.get(postgresProgram.name));
  exportPath('TEST_CHROMIUM_BIN', found.get(chromiumProgram.name));
  if (patterns.length === 0) refuseGapsInCi(programs, found);
  return await startAll([
    () => shareRedis(found.get(redisProgram.name)),
    () => sharePostgres(found.get(postgresProgram.name)),
    sharePgliteDump,
  ]);
}

function exportPath(variable: string, value: string | undefined): void {
  if (value) process.env[variable] = value;
  else delete process.env[variable];
}

/** CI must not pass by leaving something out. When only some files are asked for, services.ts sees to it. */
function refuseGapsInCi(programs: readonly Program[], found: ReadonlyMap<string, string>): void {
  const gaps = programs.filter((program) => !found.has(program.name));
  if (!process.env.CI || gaps.length === 0) return;
  throw new Error(gaps.map((program) => `no ${program.name} (${hint(program)})`).join(', '));
}

/** Chromium is large; it is wanted for the whole suite, and for any file asked for that opens a browser. */
function needsBrowser(patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true;
  const files = readdirSync(path.join(PROJECT_ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(PROJECT_ROOT, 'test', name))
    .filter(
      (file) => file.endsWith('.test.ts') && patterns.some((pattern) => new RegExp(pattern).test(file)),
    );
  return files.some((file) => readFileSync(file, 'utf8').includes('describeWithBrowser'));
}

/** Runs all at once; when one fails, those that came up are stopped before the failure is reported. */
async function startAll(starters: ReadonlyArray<() => Promise<Stop>>): Promise<Stop> {
  const outcomes = await Promise.allSettled(starters.map((start) => start()));
  const stops = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const stop: Stop = async () => void (await Promise.all(stops.map((one) => one())));
  const failures = outcomes.flatMap((outcome): unknown[] =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  );
  if (failures.length === 0) return stop;
  await stop();
  throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'test services did not start');
}

const nothing: Stop = async () => undefined;

async function shareRedis(binary: string | undefined): Promise<Stop> {
  if (process.env.TEST_REDIS_URL || !binary) return nothing;
  const server = await RedisServer.create(binary);
  process.env.TEST_REDIS_URL = server.url;
  return async () => {
    delete process.env.TEST_REDIS_URL;
    await server.stop();
  };
}

async function sharePostgres(binary: string | undefined): Promise<Stop> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) await buildTemplateDatabase(given);
  if (given || !binary) return nothing;
  const server = await PostgresServer.create(binary);
  try {
    await buildTemplateDatabase(server.url);
  } catch (error) {
    await server.stop();
    throw error;
  }
  process.env.TEST_DATABASE_URL = server.url;
  return async () => {
    delete process.env.TEST_DATABASE_URL;
    await server.stop();
  };
}

async function sharePgliteDump(): Promise<Stop> {
  process.env.TEST_PGLITE_DUMP = await buildPgliteDump();
  return nothing;
}
