/** Jack as a process of its own with private servers and a carrier double, for measuring. */
import { startPostgres } from '../scripts/lib/postgresServer.js';
import { startRedis } from '../scripts/lib/redisServer.js';
import {
  type JackEnvironment,
  type JackProcess,
  type JackProgram,
  startJack,
  temporaryDirectory,
} from '../test/support/jackProcess.js';
import { PUBLIC_URL } from '../test/support/shopper.js';
import { startTwilioDouble, type TwilioDouble } from '../test/support/twilioDouble.js';

export interface BenchStage {
  readonly jack: JackProcess;
  readonly twilio: TwilioDouble;
  readonly redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  /** The dealership's number. */
  readonly number: string;
  /** Of the record, when it is PostgreSQL. */
  readonly databaseUrl: string | undefined;
  newDealership(number: string): Promise<void>;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly record: 'pglite' | 'postgres';
  readonly isRedisOn: boolean;
}

const ADMIN_KEY = 'bench-administrator-key-0123456789';

/**
 * @param env more variables for Jack's process, such as NODE_OPTIONS for profiling.
 * @param program instead of server.ts.
 */
export async function openBenchStage(
  { record, isRedisOn }: StageOptions,
  env: JackEnvironment = {},
  program?: JackProgram,
): Promise<BenchStage> {
  const twilio = await startTwilioDouble();
  // Durable: a benchmark without fsync would measure another database than people run.
  const postgres = record === 'postgres' ? await startPostgres({ durable: true }) : undefined;
  const redis = isRedisOn ? await startRedis() : undefined;
  const jack = await startJack(
    {
      ...(postgres ? { DATABASE_URL: postgres.url } : { DATA_DIR: temporaryDirectory() }),
      ...(redis ? { USE_REDIS: 'true', REDIS_URL: redis.url } : { USE_REDIS: 'false' }),
      PUBLIC_URL,
      ADMIN_API_KEY: ADMIN_KEY,
      TWILIO_ACCOUNT_SID: twilio.accountSid,
      TWILIO_AUTH_TOKEN: twilio.authToken,
      TWILIO_API_BASE_URL: twilio.baseUrl,
      REPLY_WINDOW_MS: '100',
      LOG_LEVEL: 'info',
      ...env,
    },
    program,
  );
  const newDealership = (number: string) => createDealership(jack, number);
  const number = '+16045550100';
  await newDealership(number);
  return {
    jack,
    twilio,
    redis,
    number,
    databaseUrl: postgres?.url,
    newDealership,
    close: async () => {
      await jack.kill();
      await twilio.stop();
      await redis?.stop();
      await postgres?.stop();
    },
  };
}

async function createDealership({ url }: JackProcess, number: string): Promise<void> {
  const response = await fetch(`${url}/api/admin/organizations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'Bench Motors',
      timezone: 'America/Vancouver',
      phoneNumbers: [number],
      // The pace of a number is the carrier's rule, and not what is measured.
      settings: { limits: { segmentsPerSecond: 1_000 } },
    }),
  });
  if (response.status !== 201) throw new Error(`no dealership: ${await response.text()}`);
}
