/** What one organization that floods costs the others: their time from webhook to handset, without it and with it. */
import { slowJack } from '../test/support/jackProcess.js';
import { until } from '../test/support/until.js';
import { openLoop } from './openLoop.js';
import { shopperPhone, signedText } from './signedText.js';
import { type BenchStage, openBenchStage } from './stage.js';
import { quantile } from './statistics.js';
import { figure, printTable, say } from './table.js';

const OTHERS = 4;
const OTHERS_PER_S = 10;

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

export async function flood({ durationS }: { readonly durationS: number }): Promise<void> {
  const rows = [];
  for (const { thinksMs, floodPerS } of CASES) {
    say(`flood: an assistant that takes ${thinksMs} ms, ${floodPerS} texts/s`);
    const { alone, flooded } = await measure({ thinksMs, floodPerS }, durationS);
    rows.push([
      thinksMs,
      floodPerS,
      figure(quantile(alone, 0.5)),
      figure(quantile(alone, 0.99)),
      figure(quantile(flooded, 0.5)),
      figure(quantile(flooded, 0.99)),
      figure(quantile(flooded, 0.99) / quantile(alone, 0.99), 2),
    ]);
  }
  printTable(
    `${OTHERS_PER_S} texts/s of ${OTHERS} organizations for ${durationS} s, from webhook to handset`,
    [
      'assistant ms',
      'flood texts/s',
      'p50 alone ms',
      'p99 alone',
      'p50 flooded',
      'p99 flooded',
      'ratio of p99',
    ],
    rows,
  );
}

async function measure({ thinksMs, floodPerS }: Case, durationS: number) {
  const stage = await openBenchStage({ record: 'postgres', isRedisOn: true }, {}, slowJack({ thinksMs }));
  try {
    const numbers = Array.from({ length: OTHERS }, (_, n) => `+160455501${String(n + 1).padStart(2, '0')}`);
    for (const number of numbers) await stage.newDealership(number);
    const others = shoppersOf(stage, numbers, 0);
    const flooding = shoppersOf(stage, [stage.number], 5_000);
    const { url } = stage.jack;
    const load = { ratePerS: OTHERS_PER_S, durationS };
    await openLoop(url, others.next, { ...load, durationS: 3 });
    await others.answered();
    others.forget();
    await openLoop(url, others.next, load);
    await others.answered();
    const alone = others.timesMs();
    others.forget();
    await Promise.all([
      openLoop(url, flooding.next, { ratePerS: floodPerS, durationS: durationS + 2 }),
      openLoop(url, others.next, load),
    ]);
    await others.answered();
    return { alone, flooded: others.timesMs() };
  } finally {
    await stage.close();
  }
}

/** A new shopper with every text. */
function shoppersOf({ twilio }: BenchStage, numbers: readonly string[], firstShopper: number) {
  let n = firstShopper;
  const sentAt = new Map<string, number>();
  const waiting = () => {
    const answered = new Set(twilio.texts.map(({ to }) => to));
    return [...sentAt.keys()].filter((phone) => !answered.has(phone)).length;
  };
  return {
    next: () => {
      const from = shopperPhone(n);
      const to = numbers[n % numbers.length] as string;
      n += 1;
      sentAt.set(from, Date.now());
      return signedText(twilio, { from, to, body: 'Do you have any SUVs?' });
    },
    answered: () =>
      until(() => waiting() === 0, { timeoutMs: 120_000, everyMs: 200, what: () => `${waiting()} replies` }),
    forget: () => sentAt.clear(),
    /** Ascending. */
    timesMs: (): number[] =>
      twilio.texts
        .flatMap(({ to, createdAt }) => {
          const at = sentAt.get(to);
          return at === undefined ? [] : [createdAt.getTime() - at];
        })
        .sort((a, b) => a - b),
  };
}
