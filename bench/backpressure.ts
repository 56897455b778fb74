/**
 * Texts that come three times as fast as the assistant answers: whether webhooks stay fast, memory stays bounded and
 * everybody is answered once in the end, the oldest first.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { slowJack } from '../test/support/jackProcess.js';
import type { TwilioDouble } from '../test/support/twilioDouble.js';
import { until } from '../test/support/until.js';
import { openLoop } from './openLoop.js';
import { CPU_COLUMNS, cpuCells } from './processCpu.js';
import { shopperPhone, signedText } from './signedText.js';
import { type BenchStage, openBenchStage } from './stage.js';
import { figure, printTable, say } from './table.js';

const THINKS_MS = 1_000;
/** Places for turns in one process (services/turns/turnRunner.ts): so many replies a second can be made. */
const PLACES = 64;
const RATE_PER_S = 3 * PLACES;
const DEALERSHIPS = 20;
/** Every so many texts a shopper who waits texts again. */
const AGAIN_EVERY = 4;

export async function backpressure({ durationS }: { readonly durationS: number }): Promise<void> {
  const stage = await openBenchStage(
    { record: 'postgres', isRedisOn: true },
    {},
    slowJack({
      thinksMs: THINKS_MS,
      turnLimits: { maxConcurrentTurns: PLACES, maxTurnsPerOrganization: PLACES },
    }),
  );
  const watch = await watchJack(stage);
  try {
    const load = makeLoad(stage.twilio, await stage.newDealerships(DEALERSHIPS));
    say(`backpressure: ${RATE_PER_S} texts/s for ${durationS} s`);
    const startedAt = performance.now();
    const cpuOf = stage.watchCpu();
    const http = await openLoop(stage.jack.url, load.next, { ratePerS: RATE_PER_S, durationS });
    const atEnd = watch.now();
    const isOver = () => load.unanswered() === 0;
    const timeoutMs = 60_000 + 4 * durationS * 1_000;
    await until(isOver, { timeoutMs, everyMs: 200, what: () => `${load.unanswered()} replies` });
    const tookS = (performance.now() - startedAt) / 1_000;
    const cpu = cpuOf(http.sent);
    printTable(
      `${RATE_PER_S} texts/s for ${durationS} s; an assistant that takes ${THINKS_MS} ms, ${PLACES} at a time`,
      [
        'texts',
        'not 200',
        'webhook p50 ms',
        'p99 ms',
        'last reply after s',
        'oldest waited s',
        ...CPU_COLUMNS,
      ],
      [
        [
          figure(http.sent),
          http.failed,
          figure(http.p50Ms, 1),
          figure(http.p99Ms, 1),
          figure(tookS, 1),
          figure(watch.oldestS(), 1),
          ...cpuCells([cpu]),
        ],
      ],
    );
    const { shoppers, twice, shared, tooMany } = load.counts();
    printTable(
      'What became of it',
      [
        'shoppers',
        'texted twice',
        'of these answered once',
        'unanswered',
        'answered too often',
        'MB before',
        'MB most',
      ],
      [
        [
          figure(shoppers),
          figure(twice),
          figure(shared),
          load.unanswered(),
          tooMany,
          figure(watch.startMb),
          figure(Math.max(atEnd, watch.mostMb())),
        ],
      ],
    );
  } finally {
    await watch.stop();
    await stage.close();
  }
}

function makeLoad(twilio: TwilioDouble, numbers: readonly string[]) {
  let n = 0;
  const texts = new Map<string, { count: number; lastAt: number }>();
  const numberOf = (shopper: number): string => numbers[shopper % numbers.length] as string;
  const next = () => {
    n += 1;
    // Somebody who texted two seconds ago, and is still waiting in all likelihood.
    const isAgain = n % AGAIN_EVERY === 0 && n > 2 * RATE_PER_S;
    const shopper = isAgain ? n - 2 * RATE_PER_S + 1 : n;
    const from = shopperPhone(shopper);
    texts.set(from, { count: (texts.get(from)?.count ?? 0) + 1, lastAt: Date.now() });
    const body = isAgain ? 'What are your hours today?' : 'Do you have any SUVs?';
    return signedText(twilio, { from, to: numberOf(shopper), body });
  };
  const repliesTo = (phone: string) => twilio.handset(phone).length;
  const lastReplyAt = (phone: string) => twilio.handset(phone).at(-1)?.createdAt.getTime() ?? 0;
  return {
    next,
    unanswered: () => [...texts].filter(([phone, { lastAt }]) => lastReplyAt(phone) < lastAt).length,
    counts: () => {
      const twice = [...texts].filter(([, { count }]) => count === 2);
      return {
        shoppers: texts.size,
        twice: twice.length,
        shared: twice.filter(([phone]) => repliesTo(phone) === 1).length,
        tooMany: [...texts].filter(([phone, { count }]) => repliesTo(phone) > count).length,
      };
    },
  };
}

/** Looks at Jack's memory and at the oldest unanswered text, twice a second. */
async function watchJack({ jack, databaseUrl }: BenchStage) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const startMb = residentMb(jack.pid);
  let mostMb = startMb;
  let oldestS = 0;
  const look = async () => {
    mostMb = Math.max(mostMb, residentMb(jack.pid));
    const { rows } = await client.query<{ s: number | null }>(
      `select extract(epoch from clock_timestamp() - min(reply_waiting_since))::float8 as s from conversations
        where reply_due_at is not null`,
    );
    oldestS = Math.max(oldestS, rows[0]?.s ?? 0);
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, 500);
  return {
    startMb,
    now: () => residentMb(jack.pid),
    mostMb: () => mostMb,
    oldestS: () => oldestS,
    stop: async () => {
      clearInterval(timer);
      await looking;
      await client.end();
    },
  };
}

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
