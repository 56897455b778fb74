/**
 * `npm run soak -- --seconds 600 --seed 1`: turns of two processes under random faults, for as long as wanted. Every turn's
 * context is compared with the record; ends with 1 when one differs, a text has two replies or none.
 */
import { Command, InvalidArgumentError } from 'commander';
import pg from 'pg';
import { runArena } from '../test/support/turnArena/arena.js';
import { startPostgres } from './lib/postgresServer.js';

const DATABASE = 'soak';

const whole = (value: string): number => {
  if (/^\d+$/.test(value)) return Number(value);
  throw new InvalidArgumentError('must be a whole number');
};

const options = new Command('soak')
  .description('Two processes, one record, one Redis that fails in every way.')
  .option('--seconds <n>', 'how long texts are sent', whole, 300)
  .option('--seed <n>', 'of the faults and changes', whole, Math.floor(Math.random() * 2 ** 32))
  .option('--conversations <n>', 'how many there are', whole, 300)
  .parse()
  .opts<{ seconds: number; seed: number; conversations: number }>();

console.log(`seed ${options.seed}, ${options.seconds} s`);
const server = await startPostgres();
try {
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create database ${DATABASE}`);
  await admin.end();
  const report = await runArena({
    databaseUrl: server.urlOf(DATABASE),
    seed: options.seed,
    durationMs: options.seconds * 1_000,
    conversations: options.conversations,
  });
  const { violations, ...rest } = report;
  console.log(JSON.stringify({ ...rest, violations: violations.length }, null, 2));
  for (const violation of violations.slice(0, 5)) console.log(JSON.stringify(violation));
  const failures = violations.length + report.doubleReplies + report.unanswered;
  console.log(failures === 0 ? 'Every turn saw what the record held.' : `${failures} failures.`);
  process.exitCode = failures === 0 ? 0 : 1;
} finally {
  await server.stop();
}
