/** How long commands keep the server, as it says itself (SLOWLOG). */
import type { Redis } from 'ioredis';

const OWN = new Set(['slowlog', 'config', 'info', 'debug']);

/** From here on every command is noted; what was noted before is forgotten. */
export async function watchCommands(redis: Redis): Promise<void> {
  await redis.config('SET', 'slowlog-max-len', '100000');
  await redis.config('SET', 'slowlog-log-slower-than', '50');
  await redis.call('SLOWLOG', 'RESET');
}

/** By the server's clock, so that on a busy machine it holds what other programs took. @returns 0 when none took 0.05 ms. */
export async function longestCommandMs(redis: Redis): Promise<number> {
  const entries = (await redis.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][];
  const times = entries
    .filter(([, , , args]) => !OWN.has(String(args[0]).toLowerCase()))
    .map(([, , us]) => us);
  return Math.max(0, ...times) / 1_000;
}
