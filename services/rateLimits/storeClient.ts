/**
 * The client that RateLimiterRedis is given: its one command, run through the guard, so that a limit waits for Redis no
 * longer than anything else and does not touch it while the guard is open. Counts of one moment travel in one call of a
 * script that runs the library's own for each of them (measured with 32 turns in flight: a third of the time).
 */
import type { Cluster, Redis } from 'ioredis';
import { createWave } from '../waves.js';

/** As services/redis/access.ts has it. */
export interface LimitAccess {
  groupOf(name: string): number;
  clientOf(group: number): Redis | Cluster;
  exchange<T>(work: () => Promise<T>, operation: string, group: number): Promise<T>;
}

/** `[consumed, milliseconds left of the window]` */
type Counted = readonly [number, number];
/** Its counter and the script's arguments. */
type Count = readonly [name: string, ...args: string[]];

type WithCommand = (Redis | Cluster) & {
  countLimits(numberOfKeys: number, ...args: string[]): Promise<(Counted | string)[]>;
};

export interface StoreClient {
  defineCommand(name: string, definition: { readonly lua: string }): void;
  rlflxIncr(count: Count): Promise<Counted>;
}

/** Counts of one call: the server is kept for a quarter of a millisecond at most. */
const MAX_COUNTS = 100;
/** As in cache/redisDriver.ts. */
const ENOUGH_COUNTS = 16;

/** @param onFailure told of every exchange that failed; the callers are answered from memory all the same. */
export function createStoreClient(access: LimitAccess, onFailure: (error: unknown) => void): StoreClient {
  const knowing = new WeakSet<Redis | Cluster>();
  let lua = '';
  const wave = createWave<Count, Counted>({
    enoughCalls: ENOUGH_COUNTS,
    maxItems: MAX_COUNTS,
    send: async (group, counts) => {
      const names = counts.map(([name]) => name);
      const args = counts.flatMap(([, ...own]) => own);
      const replies = await access.exchange(
        () => clientOf(group).countLimits(names.length, ...names, ...args),
        'limit',
        group,
      );
      return replies.map((reply) => (typeof reply === 'string' ? new Error(reply) : reply));
    },
  });

  function clientOf(group: number): WithCommand {
    const client = access.clientOf(group);
    if (!knowing.has(client)) {
      client.defineCommand('countLimits', { lua: forEach(lua) });
      knowing.add(client);
    }
    return client as WithCommand;
  }

  return {
    // Called by the library with its script when a limiter is made; every limiter has the same.
    defineCommand: (_name, definition) => {
      lua = definition.lua;
    },
    rlflxIncr: (count) =>
      wave.add(access.groupOf(count[0]), [count]).then(
        ([counted]) => counted as Counted,
        (error: unknown) => {
          onFailure(error);
          throw error;
        },
      ),
  };
}

/**
 * A script of one key as one of many: the names that it knows, KEYS and ARGV, are the parameters of a function. Every
 * key has as many arguments as the others. What goes wrong with one is its own reply, a text; what goes wrong with all
 * is the reply, since it says something of the server.
 */
const forEach = (lua: string): string => `
local function one(KEYS, ARGV) ${lua} end
local width = #ARGV / #KEYS
local replies, failed = {}, 0
for i, key in ipairs(KEYS) do
  local isDone, reply = pcall(one, {key}, {unpack(ARGV, (i - 1) * width + 1, i * width)})
  if not isDone then
    failed = failed + 1
    reply = type(reply) == 'table' and reply.err or 'ERR ' .. tostring(reply)
  end
  replies[i] = reply
end
if failed == #KEYS then return redis.error_reply(replies[1]) end
return replies`;
