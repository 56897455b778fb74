/** Jack's tower: with what a process keeps decoded, or (`localMaxBytes: 0`) reading all of it from Redis. */
import { openTowerStage, type TowerStageOptions } from '../../towerStage.js';
import {
  ACCOUNT,
  type Conversation,
  type CreateSubject,
  checkRead,
  NUMBER,
  newConversations,
  nextSnapshot,
  ORGANIZATION,
} from '../work.js';

/** More than a turn in ten seals messages. */
const TURNS_APART = 5;

export const createJack =
  (options: Pick<TowerStageOptions, 'localMaxBytes' | 'poolSize'> = {}): CreateSubject =>
  async (url) => {
    const { localMaxBytes = -1, poolSize = 1 } = options;
    const stage = await openTowerStage({ url, prefix: `jack:${localMaxBytes}:${poolSize}:`, ...options });
    const { adapter, limits } = stage;
    const conversations = newConversations();
    for (const { snapshot } of conversations) await adapter.storeSnapshot(ORGANIZATION, snapshot);
    // As in life no two are at the same point: what is done once in some turns is not due for all in the same round.
    for (const [n, own] of conversations.entries()) {
      for (let turns = n % TURNS_APART; turns > 0; turns -= 1) {
        own.snapshot = nextSnapshot(own.snapshot);
        await adapter.storeSnapshot(ORGANIZATION, own.snapshot);
      }
    }
    return {
      turn: async (n) => {
        const own = conversations[n] as Conversation;
        const { conversationId, rev } = own.snapshot;
        const [organizationId, leadId, snapshot] = await Promise.all([
          adapter.organizationIdByNumber(ACCOUNT, NUMBER, async () => ORGANIZATION),
          adapter.leadIdByPhone(ORGANIZATION, own.phone, async () => own.leadId),
          adapter.getSnapshot(ORGANIZATION, conversationId, rev),
          limits.inboundText({ account: ACCOUNT, to: NUMBER, from: own.phone }),
        ]);
        own.snapshot = nextSnapshot(checkRead(own, { organizationId, leadId, snapshot }));
        await adapter.storeSnapshot(ORGANIZATION, own.snapshot);
      },
      close: () => stage.close(),
    };
  };
