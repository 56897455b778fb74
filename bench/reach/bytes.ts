/** What a conversation takes in Redis: its value, its name, and its place in the organization's list. */
import { Redis } from 'ioredis';
import { startRedis } from '../../scripts/lib/redisServer.js';
import type { ConversationSnapshot, OrganizationId } from '../../services/types.js';
import { createConversationMaker } from '../conversations.js';
import { figure, printTable, say } from '../table.js';
import { openTowerStage } from '../towerStage.js';

const PER_ORGANIZATION = 40;

interface Bytes {
  readonly value: number;
  /** `MEMORY USAGE` of the key. */
  readonly key: number;
  /** `used_memory` before and after, for one conversation: all of it, the list of the organization too. */
  readonly all: number;
}

export interface BytesOptions {
  readonly conversations: number;
}

export async function bytes({ conversations }: BytesOptions): Promise<void> {
  say('bytes of a conversation');
  const rows = [
    ['20', await measure(conversations, () => 20)],
    ['19 to 28, as many of each', await measure(conversations, (n) => 19 + (n % 10))],
    ['50', await measure(conversations, () => 50)],
  ] as const;
  printTable(
    `Bytes of Redis per conversation of 120-character texts of prose, ${PER_ORGANIZATION} conversations an organization`,
    ['messages', 'value', 'MEMORY USAGE', 'used_memory / conversations'],
    rows.map(([label, { value, key, all }]) => [label, figure(value), figure(key), figure(all)]),
  );
}

async function measure(conversations: number, messagesOf: (n: number) => number): Promise<Bytes> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const stage = await openTowerStage({ url: server.url, prefix: 'jack:production:' });
  try {
    const maker = createConversationMaker();
    const snapshots = Array.from({ length: conversations }, (_, n): ConversationSnapshot => {
      const organizationId = `org-${Math.floor(n / PER_ORGANIZATION)}` as OrganizationId;
      return maker.snapshot(organizationId, messagesOf(n));
    });
    const before = await usedMemory(redis);
    for (const snapshot of snapshots) await stage.adapter.storeSnapshot(snapshot.organizationId, snapshot);
    const all = ((await usedMemory(redis)) - before) / conversations;
    let [value, key] = [0, 0];
    for (const { conversationId } of snapshots) {
      const name = `jack:production:snapshot:{${conversationId}}`;
      value += await redis.strlen(name);
      key += (await redis.memory('USAGE', name)) ?? 0;
    }
    return { value: value / conversations, key: key / conversations, all };
  } finally {
    await stage.close();
    redis.disconnect();
    await server.stop();
  }
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}
