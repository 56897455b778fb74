/** What happens to Redis and to the ways there while turns run: outages with calm between them, and wrong values at any time. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createSnapshotCodec } from '../../../services/cacheAdapter/snapshotCodec.js';
import type { ConversationSnapshot } from '../../../services/types.js';
import type { RedisServer } from '../redisServer.js';
import type { ArenaProcess } from './process.js';
import type { ArenaConversation } from './shoppers.js';

export interface FaultsOptions {
  readonly redis: RedisServer;
  readonly processes: readonly ArenaProcess[];
  readonly conversations: readonly ArenaConversation[];
  readonly random: () => number;
  /** `right rev, other words`: a lie that the revision rule cannot see, to test the checker. */
  readonly forge?: boolean;
}

export interface Faults {
  readonly counts: Readonly<Record<string, number>>;
  /** Ends every fault, and waits until Redis answers. */
  stop(): Promise<void>;
}

type Between = (least: number, most: number) => number;
type Outage = (options: FaultsOptions, process: ArenaProcess, between: Between) => Promise<void>;

/** Each returns when it is over. */
const OUTAGES: Readonly<Record<string, Outage>> = {
  blackHole: (_, { proxy }, between) => during(proxy.blackHole(), between(100, 900), () => proxy.pass()),
  halfBlackHole: (_, { proxy }, between) =>
    during(proxy.blackHole('toClient'), between(100, 500), () => proxy.pass()),
  cutOff: (_, { proxy }, between) => during(proxy.cutOff(), between(50, 600), () => proxy.pass()),
  loseReplies: (_, { proxy }, between) => during(proxy.loseReplies(), between(20, 300), () => proxy.pass()),
  slow: (_, { proxy }, between) =>
    during(proxy.latency(between(20, 120)), between(200, 700), () => proxy.pass()),
  reset: async (_, { proxy }) => proxy.resetAll(),
  halfOpen: async (_, { proxy }) => proxy.halfOpen(),
  hang: async ({ redis }, _, between) => {
    redis.pause();
    await pause(between(100, 900));
    redis.resume();
  },
  kill: async ({ redis }, _, between) => {
    await redis.kill();
    await pause(between(50, 500));
    await redis.restart();
  },
  flushAll: ({ redis }) => redis.flushAll(),
  forced: async (_, { jack }, between) => {
    await jack.call('setForced', true);
    await pause(between(20, 400));
    await jack.call('setForced', false);
  },
  clearOrganization: async ({ conversations }, { jack }, between) => {
    const { organization } = conversations[Math.floor(between(0, conversations.length))]!;
    await jack.call('clearOrganization', organization.id);
  },
};

async function during(begun: Promise<void>, ms: number, end: () => Promise<void>): Promise<void> {
  await begun;
  await pause(ms);
  await end();
}

export function startFaults(options: FaultsOptions): Faults {
  const { random, processes, redis } = options;
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const between: Between = (least, most) => least + (most - least) * random();
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const names = Object.keys(OUTAGES);
  let isRunning = true;

  async function breakThings(): Promise<void> {
    while (isRunning && options.forge !== true) {
      await pause(between(200, 1_800));
      if (!isRunning) return;
      const name = pick(names);
      await OUTAGES[name]!(options, pick(processes), between);
      count(name);
    }
  }

  const client = new Redis(redis.port, '127.0.0.1', {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: 300,
    retryStrategy: () => 50,
  });
  client.on('error', () => undefined);
  const known = new Map<string, Buffer[]>();

  /** Old values come back, values of others appear, values vanish: all under the names that the processes use. */
  async function confuse(): Promise<void> {
    while (isRunning) {
      await pause(between(1, 6));
      const conversation = pick(options.conversations);
      if (conversation.id === undefined) continue;
      const name = snapshotName(conversation.id);
      try {
        count(await confuseOne(name));
      } catch {
        // Redis is away at the moment: then it cannot be confused either.
        count('confused nothing');
      }
    }
  }

  async function confuseOne(name: string): Promise<string> {
    const value = await client.getBuffer(name);
    if (options.forge === true) return value && (await forge(name, value)) ? 'forged' : 'nothing to forge';
    if (value) known.set(name, [...(known.get(name) ?? []), value].slice(-5));
    const choice = random();
    if (choice < 0.4) return 'looked';
    if (choice < 0.5) return (await client.unlink(name)) > 0 ? 'deleted' : 'nothing to delete';
    const isForeign = choice < 0.6;
    const old = isForeign ? [...known.values()].flat() : (known.get(name) ?? []);
    if (old.length === 0) return 'nothing to restore';
    await client.set(name, pick(old), 'PX', 3_600_000);
    return isForeign ? 'foreign value' : 'old value';
  }

  const codec = createSnapshotCodec();
  async function forge(name: string, value: Buffer): Promise<boolean> {
    const decoded = codec.decode(value);
    if (!decoded.isUsable || decoded.value.messages.length === 0) return false;
    const forged: ConversationSnapshot = {
      ...decoded.value,
      messages: decoded.value.messages.map((message) => ({ ...message, body: `not ${message.body}` })),
    };
    await client.set(name, codec.encode(forged), 'PX', 3_600_000);
    return true;
  }

  const running = [breakThings(), confuse()];
  return {
    counts,
    stop: async () => {
      isRunning = false;
      await Promise.all(running);
      client.disconnect();
      redis.resume();
      if (redis.pid === undefined) await redis.restart();
      await Promise.all(processes.map(({ proxy }) => proxy.pass()));
    },
  };
}

/** As cacheAdapter/keys.ts names it with the prefix of NODE_ENV=test. */
export const snapshotName = (conversationId: string): string => `jack:test:snapshot:{${conversationId}}`;
