/**
 * A private PostgreSQL on a free port, gone afterwards: `node --import tsx scripts/postgres.ts` prints its DATABASE_URL
 * and stops with Ctrl-C; with a command behind it, the command runs with DATABASE_URL set. `--fast` as the first
 * argument leaves out the writes to disk, as tests do and measurements must not.
 */
import { findPostgres, PostgresServer } from './lib/postgresServer.js';
import { serveFor } from './lib/serveFor.js';

const args = process.argv.slice(2);
const fast = args[0] === '--fast';
const binary = findPostgres(console.error);
if (!binary) process.exit(69);
const server = await PostgresServer.create(binary, { durable: !fast });
try {
  process.exitCode = await serveFor(fast ? args.slice(1) : args, { DATABASE_URL: server.url });
} finally {
  await server.stop();
}
