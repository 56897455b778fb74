/** The path of a text over HTTP, on both kinds of record, with Redis and without. */
import { CPU_COLUMNS, type CpuSample, cpuCells } from './processCpu.js';
import type { StageOptions } from './stage.js';
import { median, shuffled } from './statistics.js';
import { figure, printTable, say } from './table.js';
import { measureWebhook, type WebhookLoad, type WebhookResult } from './webhook.js';

export interface WholePathOptions extends WebhookLoad {
  readonly runs: number;
}

const STAGES: readonly StageOptions[] = [
  { record: 'postgres', isRedisOn: true },
  { record: 'postgres', isRedisOn: false },
  { record: 'pglite', isRedisOn: true },
  { record: 'pglite', isRedisOn: false },
];

export async function wholePath({ runs, ...load }: WholePathOptions): Promise<void> {
  const results = new Map<StageOptions, WebhookResult[]>(STAGES.map((stage) => [stage, []]));
  for (let run = 1; run <= runs; run += 1) {
    for (const stage of shuffled(STAGES)) {
      say(`whole path, run ${run} of ${runs}: ${nameOf(stage)}`);
      results.get(stage)?.push(await measureWebhook(stage, load));
    }
  }
  printTable(
    `Whole path at ${load.ratePerS} texts/s, then as fast as 20 connections go; medians of ${runs} runs`,
    [
      'record, Redis',
      'p50 ms',
      'p99 ms',
      'not 200',
      'saturated texts/s',
      'p99 ms',
      'not 200',
      'last reply after s',
    ],
    [...results].map(([stage, list]) => rowOf(stage, list)),
  );
  const cpuRow = (
    [stage, list]: readonly [StageOptions, readonly WebhookResult[]],
    what: string,
    pick: (result: WebhookResult) => CpuSample | undefined,
  ) => [nameOf(stage), what, ...cpuCells(list.map(pick))];
  printTable(
    'What it took, until the last reply',
    ['record, Redis', '', ...CPU_COLUMNS],
    [...results].flatMap((result) => [
      cpuRow(result, `${load.ratePerS} texts/s`, ({ cpuAtRate }) => cpuAtRate),
      cpuRow(result, 'saturated', ({ cpuSaturated }) => cpuSaturated),
    ]),
  );
}

const nameOf = ({ record, isRedisOn }: StageOptions): string =>
  `${record === 'postgres' ? 'PostgreSQL' : 'PGlite'}, Redis ${isRedisOn ? 'on' : 'off'}`;

function rowOf(stage: StageOptions, list: readonly WebhookResult[]): (string | number)[] {
  const of = (pick: (result: WebhookResult) => number, digits: number) =>
    figure(median(list.map(pick)), digits);
  const worst = (pick: (result: WebhookResult) => number) => Math.max(...list.map(pick));
  return [
    nameOf(stage),
    of(({ atRate }) => atRate.p50Ms, 1),
    of(({ atRate }) => atRate.p99Ms, 1),
    worst(({ atRate }) => atRate.failed),
    of(({ saturated }) => saturated.textsPerS, 0),
    of(({ saturated }) => saturated.p99Ms, 0),
    worst(({ saturated }) => saturated.failed),
    of(({ drainS }) => drainS, 1),
  ];
}
