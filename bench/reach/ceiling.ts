/** Whether the Map takes as much memory as it was given: filled beyond its ceiling in a process of its own for each size. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { figure, printTable, say } from '../table.js';
import type { Filled } from './fillMap.js';

const FILL_MAP = fileURLToPath(new URL('./fillMap.ts', import.meta.url));
const MAX_BYTES = 100 * 1024 * 1024;
const VALUE_BYTES = [100, 500, 2_000, 20_000];

export async function ceiling(): Promise<void> {
  const rows: string[][] = [];
  for (const valueBytes of VALUE_BYTES) {
    say(`the Map's ceiling with values of ${figure(valueBytes)} bytes`);
    const { entries, countedBytes, measuredBytes, evictions } = await fill(valueBytes);
    rows.push([
      figure(valueBytes),
      figure(entries),
      figure(evictions),
      figure(countedBytes / 1_048_576, 1),
      figure(measuredBytes / 1_048_576, 1),
      figure(measuredBytes / MAX_BYTES, 2),
    ]);
  }
  printTable(
    "The Map's ceiling at REDIS_FALLBACK_MAX_MEMORY=100, filled until it evicts; heap and buffers after a collection",
    ['value bytes', 'entries', 'evicted', 'MB counted', 'MB measured', 'measured / ceiling'],
    rows,
  );
}

async function fill(valueBytes: number): Promise<Filled> {
  const args = ['--expose-gc', ...process.execArgv, FILL_MAP, String(MAX_BYTES), String(valueBytes)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Filled;
}
