/** Applies the migrations of `services/db/migrations` in order, once, one process at a time. */
import { fileURLToPath } from 'node:url';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { migrate as migrateNodePostgres } from 'drizzle-orm/node-postgres/migrator';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator';
import { JackError } from '../errors.js';
import type { Database } from './client.js';

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));
/** Any constant that no other program on the same database uses: "jack" in ASCII. */
const ADVISORY_LOCK = 0x6a61636b;

/** @throws JackError E_DB_UNAVAILABLE when the record cannot be reached or a migration fails. */
export async function migrate(database: Database): Promise<void> {
  try {
    if (database.pglite) await migratePglite(drizzlePglite(database.pglite), { migrationsFolder });
    else if (database.pool) await migratePool(database.pool);
  } catch (error) {
    throw new JackError('E_DB_UNAVAILABLE', 'The migrations could not be applied.', { cause: error });
  }
}

async function migratePool(pool: NonNullable<Database['pool']>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(
      'set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0',
    );
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await migrateNodePostgres(drizzleNodePostgres(client), { migrationsFolder });
  } finally {
    // Ending the connection gives up the lock and the settings with it.
    client.release(true);
  }
}
