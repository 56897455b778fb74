/** bentocache on Redis, alone or with its memory layer and the bus that keeps the memories of processes alike. */
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { ConversationSnapshot } from '../../../services/types.js';
import { loadBento } from '../libraries.js';
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

export const createBento =
  (hasMemory: boolean): CreateSubject =>
  async (url) => {
    const { BentoCache, bentostore, redisDriver, redisBusDriver, memoryDriver, Redis } = await loadBento();
    const connection = new Redis(url);
    const prefix = hasMemory ? 'bento-memory' : 'bento';
    const { port, hostname: host } = new URL(url);
    const remote = bentostore().useL2Layer(redisDriver({ connection, prefix }));
    const store = hasMemory
      ? remote
          .useL1Layer(memoryDriver({ maxItems: 10_000 }))
          .useBus(redisBusDriver({ connection: { host, port: Number(port) } }))
      : remote;
    const cache = new BentoCache({ default: 'state', stores: { state: store } });
    const conversations = newConversations();
    const write = (key: string, value: unknown, ttl: number) => cache.set({ key, value, ttl });
    const read = async (n: number) =>
      (await cache.get({ key: nameOf(n) })) as ConversationSnapshot | undefined;
    const readOrLoad = async <T>(key: string, ttl: number, value: T): Promise<T> => {
      const found = (await cache.get({ key })) as T | undefined;
      if (found === undefined) await write(key, value, ttl);
      return found ?? value;
    };
    for (const [n, { snapshot }] of conversations.entries())
      await write(nameOf(n), snapshot, SNAPSHOT_TTL_MS);
    const limiter = new RateLimiterRedis({
      storeClient: connection,
      keyPrefix: `${prefix}:limit`,
      points: LIMIT.points,
      duration: LIMIT.windowS,
    });

    return {
      turn: async (n) => {
        const own = conversations[n] as Conversation;
        const [organizationId, leadId, snapshot] = await Promise.all([
          readOrLoad(NUMBER_NAME, NUMBER_TTL_MS, ORGANIZATION),
          readOrLoad(leadNameOf(own.phone), LEAD_TTL_MS, own.leadId),
          read(n),
          limiter.consume(own.phone),
        ]);
        own.snapshot = nextSnapshot(checkRead(own, { organizationId, leadId, snapshot }));
        await write(nameOf(n), own.snapshot, SNAPSHOT_TTL_MS);
      },
      append: async (n) => {
        const snapshot = await read(n);
        if (snapshot) await write(nameOf(n), addMessage(snapshot), SNAPSHOT_TTL_MS);
      },
      count: async (n) => (await read(n))?.messages.length ?? 0,
      close: async () => {
        await cache.disconnect();
        connection.disconnect();
      },
    };
  };
