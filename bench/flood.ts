/** What one organization that floods costs the others: their time from webhook to handset, without it and with it. */
import { slowJack } from '../test/support/jackProcess.js';
import { type Crowd, createCrowd, timesMs } from './crowd.js';
import { openLoop } from './openLoop.js';
import { CPU_COLUMNS, type CpuSample, cpuCells } from './processCpu.js';
import { openBenchStage } from './stage.js';
import { quantile } from './statistics.js';
import { figure, printTable, say } from './table.js';

const OTHERS = 4;
const OTHERS_PER_S = 10;
/** Fewer a second than the slow assistant has places for, and enough for code that is compiled by then. */
const WARM_UP = { ratePerS: 40, durationS: 6 };
/** More than there are texts: each comes from somebody new. */
const SHOPPERS = 100_000;

interface Case {
  readonly thinksMs: number;
  /** Texts of the organization that floods. */
  readonly floodPerS: number;
}

/** Twice what 64 places can answer in a second; and many texts for an assistant that answers at once. */
const CASES: readonly Case[] = [
  { thinksMs: 1_000, floodPerS: 128 },
  { thinksMs: 0, floodPerS: 100 },
];

interface Measured {
  /** Of the others, ascending. */
  readonly times: Float64Array;
  readonly cpu: CpuSample | undefined;
}

export async function flood({ durationS }: { readonly durationS: number }): Promise<void> {
  const rows = [];
  for (const { thinksMs, floodPerS } of CASES) {
    say(`flood: an assistant that takes ${thinksMs} ms, ${floodPerS} texts/s`);
    const { alone, flooded } = await measure({ thinksMs, floodPerS }, durationS);
    const p99AloneMs = quantile(alone.times, 0.99);
    for (const { times, cpu } of [alone, flooded]) {
      rows.push([
        thinksMs,
        times === alone.times ? 0 : floodPerS,
        figure(quantile(times, 0.5)),
        figure(quantile(times, 0.99)),
        figure(quantile(times, 0.99) / p99AloneMs, 2),
        ...cpuCells([cpu]),
      ]);
    }
  }
  printTable(
    `${OTHERS_PER_S} texts/s of ${OTHERS} organizations for ${durationS} s, from webhook to handset`,
    ['assistant ms', 'flood texts/s', 'p50 ms', 'p99 ms', 'to p99 alone', ...CPU_COLUMNS],
    rows,
  );
}

async function measure({ thinksMs, floodPerS }: Case, durationS: number) {
  const stage = await openBenchStage({ record: 'postgres', isRedisOn: true }, {}, slowJack({ thinksMs }));
  try {
    const { twilio } = stage;
    const { url } = stage.jack;
    const numbers = await stage.newDealerships(OTHERS);
    const others = createCrowd({ twilio, numbers, shoppers: SHOPPERS });
    const flooding = createCrowd({
      twilio,
      numbers: await stage.newDealerships(1),
      shoppers: SHOPPERS,
      firstShopper: SHOPPERS,
    });
    const load = { ratePerS: OTHERS_PER_S, durationS };
    await openLoop(url, others.next, WARM_UP);
    await timesOf(others);
    const cpuAlone = stage.watchCpu();
    const { sent } = await openLoop(url, others.next, load);
    const alone: Measured = { cpu: cpuAlone(sent), times: await timesOf(others) };
    const cpuFlooded = stage.watchCpu();
    const all = await Promise.all([
      openLoop(url, flooding.next, { ratePerS: floodPerS, durationS: durationS + 2 }),
      openLoop(url, others.next, load),
    ]);
    const cpu = cpuFlooded(all.reduce((texts, each) => texts + each.sent, 0));
    const flooded: Measured = { cpu, times: await timesOf(others) };
    return { alone, flooded };
  } finally {
    await stage.close();
  }
}

async function timesOf(crowd: Crowd): Promise<Float64Array> {
  await crowd.answered(120_000);
  return timesMs(crowd.take());
}
