/** What most servers do first: ioredis, JSON, one command after the other. */
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { ConversationSnapshot } from '../../../services/types.js';
import { connect } from '../connect.js';
import {
  addMessage,
  type Conversation,
  type CreateSubject,
  checkRead,
  LEAD_TTL_MS,
  LIMIT,
  leadNameOf,
  NUMBER_NAME,
  NUMBER_TTL_MS,
  nameOf,
  newConversations,
  nextSnapshot,
  ORGANIZATION,
  SNAPSHOT_TTL_MS,
} from '../work.js';

const PREFIX = 'awaited:';

export const createAwaited: CreateSubject = async (url) => {
  const redis = await connect(url);
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${PREFIX}limit`,
    points: LIMIT.points,
    duration: LIMIT.windowS,
  });
  const conversations = newConversations();

  async function read<T>(name: string): Promise<T | undefined> {
    const text = await redis.get(PREFIX + name);
    return text === null ? undefined : (JSON.parse(text) as T);
  }
  const write = (name: string, value: unknown, ttlMs: number) =>
    redis.set(PREFIX + name, JSON.stringify(value), 'PX', ttlMs);
  async function readOrLoad<T>(name: string, ttlMs: number, value: T): Promise<T> {
    const found = await read<T>(name);
    if (found === undefined) await write(name, value, ttlMs);
    return found ?? value;
  }

  for (const [n, { snapshot }] of conversations.entries()) await write(nameOf(n), snapshot, SNAPSHOT_TTL_MS);
  return {
    turn: async (n) => {
      const own = conversations[n] as Conversation;
      const organizationId = await readOrLoad(NUMBER_NAME, NUMBER_TTL_MS, ORGANIZATION);
      const leadId = await readOrLoad(leadNameOf(own.phone), LEAD_TTL_MS, own.leadId);
      await limiter.consume(own.phone);
      const snapshot = await read<ConversationSnapshot>(nameOf(n));
      own.snapshot = nextSnapshot(checkRead(own, { organizationId, leadId, snapshot }));
      await write(nameOf(n), own.snapshot, SNAPSHOT_TTL_MS);
    },
    append: async (n) => {
      const snapshot = await read<ConversationSnapshot>(nameOf(n));
      if (snapshot) await write(nameOf(n), addMessage(snapshot), SNAPSHOT_TTL_MS);
    },
    count: async (n) => (await read<ConversationSnapshot>(nameOf(n)))?.messages.length ?? 0,
    close: async () => redis.disconnect(),
  };
};
