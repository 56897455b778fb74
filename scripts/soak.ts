/**
 * `npm run soak -- --seconds 600 --seed 1`: what `npm cit` runs for a minute, for as long as wanted. `turns` compares what
 * every turn of two processes was shown with the record; `history` holds handsets and record against P1 to P6 when
 * processes, Redis, carrier and people are at odds. Ends with 1 when something is wrong.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import pg from 'pg';
import { runHistory } from '../test/support/history/history.js';
import { runArena } from '../test/support/turnArena/arena.js';
import { startPostgres } from './lib/postgresServer.js';

interface SoakOptions {
  readonly what: 'turns' | 'history';
  readonly seconds: number;
  readonly seed: number;
  readonly conversations: number;
}

const DATABASE = 'soak';

const whole = (value: string): number => {
  if (/^\d+$/.test(value)) return Number(value);
  throw new InvalidArgumentError('must be a whole number');
};

const options = new Command('soak')
  .description('Two processes, one record, one Redis that fails in every way.')
  .addOption(new Option('--what <part>', 'what is watched').choices(['turns', 'history']).default('turns'))
  .option('--seconds <n>', 'how long texts are sent', whole, 300)
  .option('--seed <n>', 'of the faults and changes', whole, Math.floor(Math.random() * 2 ** 32))
  .option('--conversations <n>', 'how many there are (turns)', whole, 300)
  .parse()
  .opts<SoakOptions>();

/** @returns how much is wrong. */
async function turns(databaseUrl: string, { seed, seconds, conversations }: SoakOptions): Promise<number> {
  const report = await runArena({ databaseUrl, seed, durationMs: seconds * 1_000, conversations });
  const { violations, ...rest } = report;
  print(rest, violations);
  return violations.length + report.doubleReplies + report.unanswered;
}

async function history(databaseUrl: string, { seed, seconds }: SoakOptions): Promise<number> {
  const { violations, ...rest } = await runHistory({ databaseUrl, seed, durationMs: seconds * 1_000 });
  print(rest, violations);
  return violations.length;
}

function print(report: object, violations: readonly unknown[]): void {
  console.log(JSON.stringify({ ...report, violations: violations.length }, null, 2));
  for (const violation of violations.slice(0, 5)) console.log(JSON.stringify(violation));
}

console.log(`${options.what}, seed ${options.seed}, ${options.seconds} s`);
const server = await startPostgres();
try {
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create database ${DATABASE}`);
  await admin.end();
  const failures = await (options.what === 'turns' ? turns : history)(server.urlOf(DATABASE), options);
  console.log(failures === 0 ? 'Every promise was kept.' : `${failures} failures.`);
  process.exitCode = failures === 0 ? 0 : 1;
} finally {
  await server.stop();
}
