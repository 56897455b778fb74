/**
 * A throw-away Redis on a free port: `node --import tsx scripts/redis.ts` prints its REDIS_URL and stops with Ctrl-C;
 * with a command behind it, the command runs with REDIS_URL set.
 */
import { findRedisServer, RedisServer } from './lib/redisServer.js';
import { serveFor } from './lib/serveFor.js';

const binary = findRedisServer(console.error);
if (!binary) process.exit(69);
const server = await RedisServer.create(binary);
try {
  process.exitCode = await serveFor(process.argv.slice(2), { REDIS_URL: server.url });
} finally {
  await server.stop();
}
