/**
 * `npm run bench` measures everything and prints tables; `npm run bench -- tower` or `-- webhook` one part. Private
 * servers on loopback, bounded in time: some four minutes in all.
 */
import { cpus } from 'node:os';
import type { StageOptions } from './stage.js';
import { median, shuffled } from './statistics.js';
import { measureTower } from './tower.js';
import { measureWebhook, type WebhookResult } from './webhook.js';

const RUNS = 3;
const LOAD = { ratePerS: 200, durationS: 10 };
const STAGES: readonly StageOptions[] = [
  { record: 'postgres', isRedisOn: true },
  { record: 'postgres', isRedisOn: false },
  { record: 'pglite', isRedisOn: true },
  { record: 'pglite', isRedisOn: false },
];

async function webhook(): Promise<void> {
  const results = new Map<StageOptions, WebhookResult[]>(STAGES.map((stage) => [stage, []]));
  for (let run = 1; run <= RUNS; run += 1) {
    for (const stage of shuffled(STAGES)) {
      console.error(`run ${run} of ${RUNS}: ${nameOf(stage)}`);
      results.get(stage)?.push(await measureWebhook(stage, LOAD));
    }
  }
  console.log(
    `\nWhole path at ${LOAD.ratePerS} texts/s, then as fast as 20 connections go; medians of ${RUNS} runs\n`,
  );
  console.log(
    '| record, Redis | p50 ms | p99 ms | not 200 | saturated texts/s | p99 ms | not 200 | last reply after s |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const [stage, list] of results) console.log(row(stage, list));
}

const nameOf = ({ record, isRedisOn }: StageOptions): string =>
  `${record === 'postgres' ? 'PostgreSQL' : 'PGlite'}, Redis ${isRedisOn ? 'on' : 'off'}`;

function row(stage: StageOptions, list: readonly WebhookResult[]): string {
  const of = (pick: (result: WebhookResult) => number, digits: number) =>
    median(list.map(pick)).toFixed(digits);
  const worst = (pick: (result: WebhookResult) => number) => Math.max(...list.map(pick));
  const cells = [
    nameOf(stage),
    of(({ atRate }) => atRate.p50Ms, 1),
    of(({ atRate }) => atRate.p99Ms, 1),
    worst(({ atRate }) => atRate.failed),
    of(({ saturated }) => saturated.textsPerS, 0),
    of(({ saturated }) => saturated.p99Ms, 0),
    worst(({ saturated }) => saturated.failed),
    of(({ drainS }) => drainS, 1),
  ];
  return `| ${cells.join(' | ')} |`;
}

async function tower(): Promise<void> {
  console.error('tower beside bare ioredis');
  const { results, snapshotBytes } = await measureTower();
  const limit = results.find(({ name }) => name === 'bare ioredis')?.turnsPerS ?? 0;
  console.log(
    `\nState work of a warm turn, 20 messages in ${snapshotBytes} bytes, 32 in flight; medians of 4 runs\n`,
  );
  console.log('| | turns/s | of the limit | p99 ms |');
  console.log('| --- | --- | --- | --- |');
  for (const { name, turnsPerS, p99Ms } of results) {
    console.log(
      `| ${name} | ${turnsPerS.toFixed(0)} | ${(turnsPerS / limit).toFixed(2)} | ${p99Ms.toFixed(1)} |`,
    );
  }
}

const PARTS: Readonly<Record<string, () => Promise<void>>> = { tower, webhook };
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in PARTS));
if (unknown.length > 0 || asked.includes('--help')) {
  console.error(`usage: npm run bench [-- ${Object.keys(PARTS).join('|')}]`);
  process.exitCode = 2;
} else {
  console.log(`${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`);
  for (const name of asked.length > 0 ? asked : Object.keys(PARTS)) await PARTS[name]?.();
}
