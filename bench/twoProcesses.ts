/**
 * How many texts a second one process takes and two on the same record and Redis, as fast as 20 connections go, and when
 * the last of them is answered. With everything on two cores the second process has no core of its own.
 */
import { createCrowd } from './crowd.js';
import { openLoop } from './openLoop.js';
import { CPU_COLUMNS, type CpuSample, cpuCells } from './processCpu.js';
import { type SaturationResult, saturate } from './saturation.js';
import { insistOnOneReply, type Settled, settle } from './settle.js';
import { openBenchStage, tirelessJack } from './stage.js';
import { median, shuffled } from './statistics.js';
import { figure, printTable, say } from './table.js';

const COUNTS: readonly number[] = [1, 2];
const DEALERSHIPS = 20;
const SHOPPERS = 2_000;
/** For each process, so that a second one has compiled as much as the first when it counts. */
const WARM_UP_S = 4;

export interface TwoProcessesOptions {
  readonly runs: number;
  readonly texts: number;
}

interface Measured extends Settled {
  readonly saturated: SaturationResult;
  /** Seconds from the last answer to a webhook until the last reply. */
  readonly drainS: number;
  /** From the first text to the last reply: what can go on for ever. */
  readonly answeredPerS: number;
  readonly cpu: CpuSample | undefined;
}

export async function twoProcesses({ runs, texts }: TwoProcessesOptions): Promise<void> {
  const results = new Map<number, Measured[]>(COUNTS.map((count) => [count, []]));
  for (let run = 1; run <= runs; run += 1) {
    for (const count of shuffled(COUNTS)) {
      say(`two processes, run ${run} of ${runs}: ${count}`);
      results.get(count)?.push(await measure(count, texts));
    }
  }
  printTable(
    `${figure(texts)} texts as fast as 20 connections go, as many to each process; medians of ${runs} runs`,
    [
      'processes',
      'webhooks/s',
      'p99 ms',
      'not 200',
      'last reply after s',
      'answered texts/s',
      'lost',
      'doubled',
      ...CPU_COLUMNS,
    ],
    [...results].map(([count, list]) => rowOf(count, list)),
  );
  insistOnOneReply([...results.values()].flat());
}

async function measure(count: number, texts: number): Promise<Measured> {
  const stage = await openBenchStage({ record: 'postgres', isRedisOn: true }, {}, tirelessJack);
  try {
    const urls = [stage.jack.url];
    while (urls.length < count) urls.push((await stage.start()).url);
    const numbers = await stage.newDealerships(DEALERSHIPS);
    const crowd = createCrowd({ twilio: stage.twilio, numbers, shoppers: SHOPPERS });
    await openLoop(urls, crowd.next, { ratePerS: 100, durationS: WARM_UP_S * count });
    await settle(stage, crowd);
    crowd.take();
    const cpuOf = stage.watchCpu();
    const startedAtMs = performance.now();
    const saturated = await saturate(urls, crowd.next, texts);
    const endedAtMs = performance.now();
    const settled = await settle(stage, crowd);
    const cpu = cpuOf(texts);
    const exchanges = crowd.take();
    const lastReplyAtMs = exchanges.at(-1)?.repliedAtMs ?? Number.NaN;
    return {
      ...settled,
      saturated,
      drainS: Math.max(0, lastReplyAtMs - endedAtMs) / 1_000,
      answeredPerS: (exchanges.length * 1_000) / (lastReplyAtMs - startedAtMs),
      cpu,
    };
  } finally {
    await stage.close();
  }
}

function rowOf(count: number, list: readonly Measured[]): (string | number)[] {
  const sum = (pick: (measured: Measured) => number) => list.reduce((all, each) => all + pick(each), 0);
  const of = (pick: (measured: Measured) => number, digits: number) => figure(median(list.map(pick)), digits);
  return [
    count,
    of(({ saturated }) => saturated.textsPerS, 0),
    of(({ saturated }) => saturated.p99Ms, 0),
    sum(({ saturated }) => saturated.failed),
    of(({ drainS }) => drainS, 2),
    of(({ answeredPerS }) => answeredPerS, 0),
    sum(({ lost }) => lost),
    sum(({ doubled }) => doubled),
    ...cpuCells(list.map(({ cpu }) => cpu)),
  ];
}
