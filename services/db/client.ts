/** One record, two engines: PostgreSQL when there is a `databaseUrl`, embedded PGlite otherwise. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { type SQL, sql } from 'drizzle-orm';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import pg from 'pg';
import { asError, JackError } from '../errors.js';
import type { Logger } from '../logger.js';
import { type DataDirectoryLock, lockDataDirectory } from './dataDirectoryLock.js';
import { fairPglite } from './fairPglite.js';
import { prepareStatements } from './preparedStatements.js';
import * as schema from './schema.js';

export type Orm = PgDatabase<PgQueryResultHKT, typeof schema>;

export interface DatabaseOptions {
  /** `postgres://…`; absent means PGlite. */
  readonly databaseUrl?: string | undefined;
  /** Directory of the embedded record; absent means in memory (tests). */
  readonly dataDir?: string | undefined;
  /** A dump of a migrated PGlite to begin with (tests). */
  readonly pgliteDump?: Blob | undefined;
  /** Most connections to PostgreSQL. */
  readonly maxConnections?: number;
  readonly logger: Logger;
}

/** Bounds of H17 in REDIS.md's list: no statement or lock may hold others for long when a process freezes. */
const POSTGRES_OPTIONS =
  '-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=5000 ' +
  // Parameters are JSON that no plan depends on, so the plan of the first time serves for good.
  '-c plan_cache_mode=force_generic_plan ' +
  // Every statement reads some rows by an index. Planned while tables are new and empty, they read all of them instead until
  // the server has gathered statistics (measured: 2,300 rows a text on a fresh record).
  '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off';

export class Database {
  readonly kind: 'postgres' | 'pglite';
  readonly orm: Orm;
  readonly #pool: pg.Pool | undefined;
  readonly #pglite: PGlite | undefined;
  readonly #lock: DataDirectoryLock | undefined;
  #closed = false;

  private constructor(parts: { pool: pg.Pool } | { pglite: PGlite; lock: DataDirectoryLock | undefined }) {
    if ('pool' in parts) {
      this.kind = 'postgres';
      this.#pool = parts.pool;
      this.orm = drizzleNodePostgres(parts.pool, { schema });
    } else {
      this.kind = 'pglite';
      this.#pglite = parts.pglite;
      this.#lock = parts.lock;
      this.orm = drizzlePglite(fairPglite(parts.pglite), { schema });
    }
  }

  /** @throws JackError E_DATA_DIR_LOCKED when another process has the directory open; E_DB_UNAVAILABLE. */
  static async open(options: DatabaseOptions): Promise<Database> {
    if (options.databaseUrl) return new Database({ pool: openPool(options.databaseUrl, options) });
    return new Database(await openPglite(options));
  }

  get pool(): pg.Pool | undefined {
    return this.#pool;
  }

  get pglite(): PGlite | undefined {
    return this.#pglite;
  }

  /** Rows of one statement. The caller names the row's shape; timestamps arrive as text or Date by column type. */
  async query<Row>(statement: SQL, orm: Orm = this.orm): Promise<Row[]> {
    const result = (await orm.execute(statement)) as unknown as { rows: Row[] };
    return result.rows;
  }

  /** One transaction. Nothing but database work may be awaited inside. */
  async transaction<T>(work: (tx: Orm) => Promise<T>): Promise<T> {
    return await this.orm.transaction((tx) => work(tx as unknown as Orm));
  }

  /** @returns milliseconds for one trivial statement. @throws JackError E_DB_UNAVAILABLE */
  async ping(): Promise<number> {
    const startedAt = performance.now();
    try {
      await this.orm.execute(sql`select 1`);
    } catch (error) {
      throw new JackError('E_DB_UNAVAILABLE', 'The record does not answer.', { cause: asError(error) });
    }
    return performance.now() - startedAt;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#pool?.end();
      if (this.#pglite && !this.#pglite.closed) await this.#pglite.close();
    } finally {
      this.#lock?.release();
    }
  }
}

function openPool(connectionString: string, options: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 3_000,
    // A new connection knows neither catalog nor plans, and its first texts would wait for them.
    idleTimeoutMillis: 0,
    keepAlive: true,
    application_name: 'jack',
    options: POSTGRES_OPTIONS,
  });
  pool.on('connect', prepareStatements);
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => options.logger.warn('an idle record connection broke', { error }));
  return pool;
}

async function openPglite(
  options: DatabaseOptions,
): Promise<{ pglite: PGlite; lock: DataDirectoryLock | undefined }> {
  const { dataDir } = options;
  let lock: DataDirectoryLock | undefined;
  if (dataDir) {
    mkdirSync(dataDir, { recursive: true });
    lock = lockDataDirectory(dataDir);
  }
  try {
    const pglite = await PGlite.create({
      ...(dataDir ? { dataDir: path.join(dataDir, 'record') } : {}),
      ...(options.pgliteDump ? { loadDataDir: options.pgliteDump } : {}),
    });
    return { pglite, lock };
  } catch (error) {
    lock?.release();
    throw new JackError('E_DB_UNAVAILABLE', 'The embedded record could not be opened.', { cause: error });
  }
}

/** True when the error says that the record is away rather than that the statement was wrong. */
export function isRecordAway(error: unknown): boolean {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const { code } = current as { code?: unknown };
    if (
      typeof code === 'string' &&
      /^(08|57P|53|ECONN|ENOTFOUND|ETIMEDOUT|EPIPE|55P03|57014|25P03)/.test(code)
    )
      return true;
    if (
      /Connection terminated|timeout exceeded when trying to connect|PGlite is closed|pool after calling end/.test(
        current.message,
      )
    )
      return true;
  }
  return false;
}

/** SQLSTATE of a database error, looked for in the causes too: drizzle wraps the driver's error. */
export function sqlState(error: unknown): string | undefined {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return undefined;
}
