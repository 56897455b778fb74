/** cache-manager on @keyv/redis, alone or behind a Map of this process. */
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { ConversationSnapshot } from '../../../services/types.js';
import { loadCacheManager } from '../libraries.js';
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

export const createCacheManager =
  (hasMemory: boolean): CreateSubject =>
  async (url) => {
    const { createCache, Keyv, KeyvRedis } = await loadCacheManager();
    const store = new KeyvRedis(url);
    const namespace = hasMemory ? 'cache-manager-memory' : 'cache-manager';
    const remote = new Keyv({ store, namespace, useKeyPrefix: false });
    const cache = createCache({ stores: hasMemory ? [new Keyv(), remote] : [remote] });
    const conversations = newConversations();
    for (const [n, { snapshot }] of conversations.entries())
      await cache.set(nameOf(n), snapshot, SNAPSHOT_TTL_MS);
    const limiter = new RateLimiterRedis({
      storeClient: store.client,
      useRedisPackage: true,
      keyPrefix: `${namespace}:limit`,
      points: LIMIT.points,
      duration: LIMIT.windowS,
    });
    const read = async (n: number) => (await cache.get(nameOf(n))) as ConversationSnapshot | undefined;

    return {
      turn: async (n) => {
        const own = conversations[n] as Conversation;
        const leadName = leadNameOf(own.phone);
        const [[number, lead, snapshot]] = await Promise.all([
          cache.mget([NUMBER_NAME, leadName, nameOf(n)]),
          limiter.consume(own.phone),
        ]);
        if (number === undefined) await cache.set(NUMBER_NAME, ORGANIZATION, NUMBER_TTL_MS);
        if (lead === undefined) await cache.set(leadName, own.leadId, LEAD_TTL_MS);
        own.snapshot = nextSnapshot(
          checkRead(own, {
            organizationId: number ?? ORGANIZATION,
            leadId: lead ?? own.leadId,
            snapshot: snapshot as ConversationSnapshot | undefined,
          }),
        );
        await cache.set(nameOf(n), own.snapshot, SNAPSHOT_TTL_MS);
      },
      append: async (n) => {
        const snapshot = await read(n);
        if (snapshot) await cache.set(nameOf(n), addMessage(snapshot), SNAPSHOT_TTL_MS);
      },
      count: async (n) => (await read(n))?.messages.length ?? 0,
      close: async () => {
        await cache.disconnect();
      },
    };
  };
