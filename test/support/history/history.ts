/**
 * Several Jacks on one PostgreSQL and one Redis, shoppers at several dealerships, and everything that can go wrong; when it
 * is quiet again, handsets and record are held against what the shoppers did.
 */
import pg from 'pg';
import { createRandom } from '../../../bench/random.js';
import type { JackProcess, JackProgram } from '../jackProcess.js';
import { startRedis } from '../redisServer.js';
import { openStageOn } from '../stageOn.js';
import { until } from '../until.js';
import { checkHistory, type Violation } from './checker.js';
import { startDisturbances } from './disturbances.js';
import type { Plant } from './plants.js';
import { startHistoryShoppers } from './shoppers.js';

export interface HistoryOptions {
  /** Of an empty PostgreSQL database, migrated or not. */
  readonly databaseUrl: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly shoppers?: number;
  readonly organizations?: number;
  readonly processes?: number;
  /** How often a shopper stops instead of saying something; 0.06. */
  readonly stops?: number;
  /** A promise that every process is made to break; nothing else is disturbed then. */
  readonly plant?: Plant;
}

export interface HistoryReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly texts: Readonly<Record<string, number>>;
  readonly disturbances: Readonly<Record<string, number>>;
  readonly onHandsets: number;
}

const QUIET_MS = 60_000;

const tellingJack = (plant: Plant | undefined): JackProgram => ({
  file: 'test/support/history/main.ts',
  args: [plant ?? ''],
});

export async function runHistory(options: HistoryOptions): Promise<HistoryReport> {
  const random = createRandom(options.seed);
  const redis = await startRedis();
  const { databaseUrl } = options;
  const stage = await openStageOn(
    { DATABASE_URL: databaseUrl },
    { USE_REDIS: 'true', REDIS_URL: redis.url, REPLY_WINDOW_MS: '50' },
  );
  try {
    const program = tellingJack(options.plant);
    const up = new Set<JackProcess>();
    const start = async () => void up.add(await stage.start({}, program));
    await Promise.all(Array.from({ length: options.processes ?? 2 }, start));
    const jacks = () => [...up];
    const dealerships = [];
    for (let n = 1; n <= (options.organizations ?? 3); n += 1)
      dealerships.push(await stage.newDealership(jacks()[0]!, `Example Motors ${n}`));
    const shoppers = startHistoryShoppers({
      stage,
      dealerships,
      shoppers: options.shoppers ?? 24,
      random,
      stops: options.stops ?? 0.06,
      jacks,
    });
    const disturbances = options.plant
      ? undefined
      : startDisturbances({
          stage,
          redis,
          dealerships,
          random,
          jacks,
          replace: async (jack, afterMs) => {
            up.delete(jack);
            await jack.kill();
            await new Promise((resolve) => setTimeout(resolve, afterMs));
            await start();
          },
        });
    await new Promise((resolve) => setTimeout(resolve, options.durationMs));
    await disturbances?.stop();
    await shoppers.stop();
    await settled(databaseUrl);
    const violations = await checkHistory(databaseUrl, stage.twilio, shoppers.histories);
    return {
      seed: options.seed,
      violations,
      texts: shoppers.counts,
      disturbances: disturbances?.counts ?? {},
      onHandsets: stage.twilio.texts.filter(({ reachedAt }) => reachedAt !== null).length,
    };
  } finally {
    await stage.close();
    await redis.stop();
  }
}

/** No reply is due that somebody may give, and nothing is in the outbox that may go. */
async function settled(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  let waiting: unknown[] = [];
  try {
    const isQuiet = async () => {
      const { rows } = await client.query(
        `select 'reply' as what, id::text, reply_due_at::text as since, lease_until::text as lease, lease_holder as detail
          from conversations where reply_due_at is not null and owner = 'assistant' and not opted_out
        union all select state, conversation_id::text, due_at::text, lease_until::text, last_reason
          from outbox where state in ('queued', 'sending', 'unknown')`,
      );
      waiting = rows;
      return rows.length === 0;
    };
    const what = () => `everything to be answered and sent (${JSON.stringify(waiting.slice(0, 5))})`;
    await until(isQuiet, { what, timeoutMs: QUIET_MS, everyMs: 200 });
  } finally {
    await client.end();
  }
}
