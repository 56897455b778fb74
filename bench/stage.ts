/** Jack as processes of their own with private servers and a carrier double, for measuring. */
import { startPostgres } from '../scripts/lib/postgresServer.js';
import { startRedis } from '../scripts/lib/redisServer.js';
import {
  type JackEnvironment,
  type JackProcess,
  type JackProgram,
  slowJack,
  temporaryDirectory,
} from '../test/support/jackProcess.js';
import { openStageOn } from '../test/support/stageOn.js';
import type { TwilioDouble } from '../test/support/twilioDouble.js';
import { type CpuSample, watchCpu } from './processCpu.js';

export interface BenchStage {
  /** The first process. */
  readonly jack: JackProcess;
  readonly twilio: TwilioDouble;
  /** Of the record, when it is PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** Another process like the first one on the same record and Redis. */
  start(): Promise<JackProcess>;
  /** @returns their numbers. */
  newDealerships(count: number): Promise<string[]>;
  /** What all of them use from now on until the function is called with the number of texts meanwhile. */
  watchCpu(): (texts: number) => CpuSample | undefined;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly record: 'pglite' | 'postgres';
  readonly isRedisOn: boolean;
}

/**
 * Shoppers of a measurement that is as fast as it goes text without end: two machines, as the loop guard would say.
 * Its assistant answers at once.
 */
export const tirelessJack: JackProgram = slowJack({
  thinksMs: 0,
  turnLimits: { loop: { repeats: 1e6, dullExchanges: 1e6, quickExchanges: 1e6 } },
});

/**
 * @param env more variables for Jack's processes, such as NODE_OPTIONS for profiling.
 * @param program instead of server.ts.
 */
export async function openBenchStage(
  { record, isRedisOn }: StageOptions,
  env: JackEnvironment = {},
  program?: JackProgram,
): Promise<BenchStage> {
  // Durable: a benchmark without fsync would measure another database than people run.
  const postgres = record === 'postgres' ? await startPostgres({ durable: true }) : undefined;
  const redis = isRedisOn ? await startRedis() : undefined;
  const stage = await openStageOn(
    postgres ? { DATABASE_URL: postgres.url } : { DATA_DIR: temporaryDirectory() },
    { ...(redis ? { USE_REDIS: 'true', REDIS_URL: redis.url } : { USE_REDIS: 'false' }), ...env },
  );
  const jacks: JackProcess[] = [];
  const start = async () => {
    const jack = await stage.start({}, program);
    jacks.push(jack);
    return jack;
  };
  const jack = await start();
  return {
    jack,
    twilio: stage.twilio,
    databaseUrl: stage.databaseUrl,
    start,
    newDealerships: async (count) => {
      const numbers: string[] = [];
      while (numbers.length < count) numbers.push((await stage.newDealership(jack)).number);
      return numbers;
    },
    watchCpu: () =>
      watchCpu({ jacks: jacks.map(({ pid }) => pid), postgres: postgres?.pid, redis: redis?.pid }),
    close: async () => {
      await stage.close();
      await redis?.stop();
      await postgres?.stop();
    },
  };
}
