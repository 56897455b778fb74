/**
 * The fault table of REDIS_IMPLEMENTATION_GUIDE.md: runs test/redis/faultTable (three times, or as often as the first
 * argument says), takes the median of each figure and prints Markdown. Figures of a busy machine are worth nothing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';

type Row = Readonly<Record<string, number | string | null | undefined>>;

const ROOT = path.join(import.meta.dirname, '..');
const OUTPUT = path.join(ROOT, 'test/output/fault-table.jsonl');
const JEST = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--runInBand'];
/** Counts are never allowed to hide in a median: the worst run speaks. */
const COLUMNS = [
  { title: 'errors', key: 'errors', of: worst },
  { title: 'longest stall of a caller, ms', key: 'longestStallMs', of: median },
  { title: 'stalls over 150 ms', key: 'stallsOver150', of: worst },
  { title: 'the Map served after, ms', key: 'switchedAfterMs', of: median },
  { title: 'Redis served again after, ms', key: 'recoveredAfterMs', of: median },
  { title: 'lost', key: 'lost', of: worst },
  { title: 'stale', key: 'stale', of: worst },
] as const;

const runs = Number(process.argv[2] ?? 3);
if (!Number.isInteger(runs) || runs < 1) {
  console.error('usage: npm run fault-table [-- <runs>]');
  process.exit(64);
}
rmSync(OUTPUT, { force: true });
let haveAllPassed = true;
for (let run = 1; run <= runs; run += 1) {
  console.error(`run ${run} of ${runs}`);
  const { status } = spawnSync(process.execPath, [...JEST, 'test/redis/faultTable'], {
    cwd: ROOT,
    env: { ...process.env, FAULT_TABLE: '1', CI: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  haveAllPassed &&= status === 0;
}
if (existsSync(OUTPUT)) printTable(readRows());
if (!haveAllPassed) {
  console.error('Not every row passed its test: see above.');
  process.exitCode = 1;
}

function readRows(): Map<string, Row[]> {
  const rows = new Map<string, Row[]>();
  for (const line of readFileSync(OUTPUT, 'utf8').trim().split('\n')) {
    const row = JSON.parse(line) as Row;
    const name = String(row.row);
    rows.set(name, [...(rows.get(name) ?? []), row]);
  }
  return rows;
}

function printTable(rows: ReadonlyMap<string, readonly Row[]>): void {
  console.log(`| fault | ${COLUMNS.map(({ title }) => title).join(' | ')} |`);
  console.log(`|---|${COLUMNS.map(() => '---:').join('|')}|`);
  for (const [name, own] of rows) {
    const figures = COLUMNS.map(({ key, of }) => {
      const known = own.map((row) => row[key]).filter((figure) => typeof figure === 'number');
      return known.length === 0 ? '' : String(of(known));
    });
    console.log(`| ${name} | ${figures.join(' | ')} |`);
  }
  console.log(`\nMedians of ${runs} runs (counts: the worst run) on ${cpus()[0]?.model ?? 'this machine'},`);
  console.log(`${availableParallelism()} cores, Node ${process.versions.node}.`);
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? 0) * 10) / 10;
}

function worst(figures: readonly number[]): number {
  return Math.max(...figures);
}
