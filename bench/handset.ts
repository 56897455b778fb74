/**
 * From webhook to handset: from the moment a text was due at the webhook to the moment the carrier has the request with its
 * reply. The assistant is the scripted one, there is no quiet window, and Jack is server.ts as it is.
 */
import { createCrowd, timesMs } from './crowd.js';
import { type Load, type OpenLoopResult, openLoop } from './openLoop.js';
import { CPU_COLUMNS, type CpuSample, cpuCells } from './processCpu.js';
import { insistOnOneReply, type Settled, settle } from './settle.js';
import { type BenchStage, openBenchStage } from './stage.js';
import { median, quantile } from './statistics.js';
import { figure, printTable, say } from './table.js';

const RATE_PER_S = 100;
const WARM_UP_S = 5;
const DEALERSHIPS = 20;

const KINDS = ['first texts of new shoppers', 'texts in their conversations'] as const;

export interface HandsetOptions {
  readonly runs: number;
  readonly durationS: number;
}

interface Measured extends Settled {
  readonly http: OpenLoopResult;
  /** Ascending. */
  readonly times: Float64Array;
  readonly cpu: CpuSample | undefined;
}

export async function handset({ runs, durationS }: HandsetOptions): Promise<void> {
  const results: Measured[][] = KINDS.map(() => []);
  for (let run = 1; run <= runs; run += 1) {
    say(`handset, run ${run} of ${runs}`);
    for (const [at, measured] of (await measureRun(durationS)).entries()) results[at]?.push(measured);
  }
  printTable(
    `From webhook to handset at ${RATE_PER_S} texts/s for ${durationS} s, no quiet window; medians of ${runs} runs`,
    ['', 'texts', 'not 200', 'lost', 'doubled', 'p50 ms', 'p99 ms', 'most ms', ...CPU_COLUMNS],
    results.map((list, at) => rowOf(KINDS[at] as string, list)),
  );
  insistOnOneReply(results.flat());
}

async function measureRun(durationS: number): Promise<Measured[]> {
  const stage = await openBenchStage({ record: 'postgres', isRedisOn: true }, { REPLY_WINDOW_MS: '0' });
  try {
    const load = { ratePerS: RATE_PER_S, durationS };
    const crowd = createCrowd({
      twilio: stage.twilio,
      numbers: await stage.newDealerships(DEALERSHIPS),
      shoppers: RATE_PER_S * (WARM_UP_S + durationS),
    });
    await measure(stage, crowd, { ...load, durationS: WARM_UP_S });
    // The second time everybody has texted before.
    return [await measure(stage, crowd, load), await measure(stage, crowd, load)];
  } finally {
    await stage.close();
  }
}

async function measure(
  stage: BenchStage,
  crowd: ReturnType<typeof createCrowd>,
  load: Load,
): Promise<Measured> {
  const doubledBefore = crowd.doubled();
  const cpuOf = stage.watchCpu();
  const http = await openLoop(stage.jack.url, crowd.next, load);
  const cpu = cpuOf(http.sent);
  const { lost, doubled } = await settle(stage, crowd);
  return { http, lost, doubled: doubled - doubledBefore, cpu, times: timesMs(crowd.take()) };
}

function rowOf(kind: string, list: readonly Measured[]): (string | number)[] {
  const sum = (pick: (measured: Measured) => number) => list.reduce((all, each) => all + pick(each), 0);
  const of = (fraction: number) => figure(median(list.map(({ times }) => quantile(times, fraction))), 1);
  return [
    kind,
    figure(sum(({ http }) => http.sent)),
    sum(({ http }) => http.failed),
    sum(({ lost }) => lost),
    sum(({ doubled }) => doubled),
    of(0.5),
    of(0.99),
    of(1),
    ...cpuCells(list.map(({ cpu }) => cpu)),
  ];
}
