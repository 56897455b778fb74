/**
 * Two Jacks on one record and one Redis, hundreds of conversations, faults and changes without end; and a checker that
 * compares what each turn was shown with what the record held at its claim.
 */
import { sql } from 'drizzle-orm';
import { createRandom } from '../../../bench/random.js';
import { Database } from '../../../services/db/client.js';
import { migrate } from '../../../services/db/migrate.js';
import { createLogger } from '../../../services/logger.js';
import { newOrganization } from '../records.js';
import { startRedis } from '../redisServer.js';
import { until } from '../until.js';
import { createChecker, type Violation } from './checker.js';
import { startEdits } from './edits.js';
import { startFaults } from './faults.js';
import { type ArenaProcess, startArenaProcess } from './process.js';
import { installRevLog } from './revLog.js';
import { startShoppers } from './shoppers.js';

export interface ArenaOptions {
  /** Of an empty PostgreSQL database, migrated or not. */
  readonly databaseUrl: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly conversations?: number;
  readonly organizations?: number;
  readonly concurrency?: number;
  /** Plants a lie for the checker to find; nothing else is broken then. */
  readonly forge?: boolean;
}

export interface ArenaReport {
  readonly seed: number;
  readonly turns: number;
  readonly texts: number;
  readonly violations: readonly Violation[];
  /** Turns with two replies, and texts without any. */
  readonly doubleReplies: number;
  readonly unanswered: number;
  /** Snapshots of all processes that came from the cache, and from the record. */
  readonly fromCache: number;
  readonly fromRecord: number;
  readonly modeChanges: Readonly<Record<string, number>>;
  readonly handBackPending: Readonly<Record<string, number>>;
  readonly impatient: number;
  readonly redelivered: number;
  readonly edits: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** The first lines of level `error`. */
  readonly errors: readonly string[];
}

const KEPT_ERRORS = 20;

export async function runArena(options: ArenaOptions): Promise<ArenaReport> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    return await run(options, (close) => closers.unshift(close));
  } finally {
    for (const close of closers) await close();
  }
}

type OnClose = (close: () => Promise<unknown>) => void;

async function run(options: ArenaOptions, onClose: OnClose): Promise<ArenaReport> {
  const redis = await startRedis();
  onClose(() => redis.stop());
  const random = createRandom(options.seed);
  const logger = createLogger({ level: 'error', format: 'json', silent: true });
  const database = await Database.open({ databaseUrl: options.databaseUrl, logger });
  onClose(() => database.close());
  await migrate(database);
  const start = async (name: string, localCacheBytes?: number): Promise<ArenaProcess> => {
    const process = await startArenaProcess({
      name,
      databaseUrl: options.databaseUrl,
      redisPort: redis.port,
      ...(localCacheBytes === undefined ? {} : { localCacheBytes }),
    });
    onClose(() => process.close());
    return process;
  };
  const processes = [await start('a'), await start('b', 0)];
  await installRevLog(database);
  const checker = createChecker(database);
  for (const { jack } of processes) jack.onSeen((seen) => checker.saw(seen));
  const organizations = [];
  for (let n = 0; n < (options.organizations ?? 5); n += 1) {
    organizations.push({ ...(await newOrganization(database)), settingsVersion: 0 });
  }

  const shoppers = await startShoppers({
    database,
    processes,
    organizations,
    random,
    conversations: options.conversations ?? 300,
    concurrency: options.concurrency ?? 32,
  });
  const { conversations } = shoppers;
  const faults = startFaults({
    redis,
    processes,
    conversations,
    random,
    forge: options.forge === true,
  });
  const edits =
    options.forge === true
      ? undefined
      : startEdits({ database, processes, conversations, random, everyMs: 12 });
  await new Promise((resolve) => setTimeout(resolve, options.durationMs));
  await edits?.stop();
  await faults.stop();
  await shoppers.stop();
  await settled(database, processes);
  const reports = await Promise.all(processes.map(({ jack }) => jack.call('report')));
  await checker.flush();
  const reads = reports.map((report) => report.reads.snapshot ?? { cache: 0, record: 0 });
  const each = (value: (report: (typeof reports)[number]) => number) =>
    Object.fromEntries(processes.map(({ name }, n) => [name, value(reports[n]!)]));
  return {
    seed: options.seed,
    turns: checker.checked,
    texts: shoppers.texts,
    violations: checker.violations,
    doubleReplies: await countDoubleReplies(database),
    unanswered: await countUnanswered(database),
    fromCache: sum(reads.map(({ cache }) => cache)),
    fromRecord: sum(reads.map(({ record }) => record)),
    modeChanges: each(({ modeChanges }) => modeChanges),
    handBackPending: each(({ handBack }) => handBack.pending),
    impatient: shoppers.impatient,
    redelivered: shoppers.redelivered,
    edits: edits?.counts ?? {},
    faults: faults.counts,
    errors: processes.flatMap(({ jack }) =>
      jack.output().split('\n').filter(Boolean).slice(0, KEPT_ERRORS).map(brief),
    ),
  };
}

/** Every reply that is due is written, both processes are on Redis again, and what the Maps took in is there. */
async function settled(database: Database, processes: readonly ArenaProcess[]): Promise<void> {
  const isAnswered = async () => {
    const [row] = await database.query<{ due: number }>(
      sql`select count(*)::int as due from conversations where reply_due_at is not null`,
    );
    return row?.due === 0;
  };
  await until(isAnswered, { what: 'the last replies', timeoutMs: 15_000 });
  const isBack = async () => {
    const reports = await Promise.all(processes.map(({ jack }) => jack.call('report')));
    return reports.every(({ mode, handBack }) => mode === 'redis' && handBack.pending === 0);
  };
  await until(isBack, { what: 'Redis to be used and the hand-back to be done', timeoutMs: 15_000 });
}

/** Two replies of the assistant with no text between them. */
async function countDoubleReplies(database: Database): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    sql`select count(*)::int as n from (
        select sender, lag(sender) over (partition by conversation_id order by seq) as before from messages
        where sender in ('lead', 'assistant')
      ) m where sender = 'assistant' and before = 'assistant'`,
  );
  return row?.n ?? 0;
}

async function countUnanswered(database: Database): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    sql`select count(*)::int as n from messages m where m.direction = 'inbound' and not m.retracted
        and not exists (select 1 from messages r where r.conversation_id = m.conversation_id
          and r.direction = 'outbound' and r.seq > m.seq)`,
  );
  return row?.n ?? 0;
}

/** What it says, and what the database said. */
function brief(line: string): string {
  const { message, error } = JSON.parse(line) as {
    message: string;
    error?: { message: string; cause?: Error };
  };
  return `${message}: ${error?.cause?.message ?? error?.message ?? ''}`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
