/**
 * Values that are written before a fault and left alone or changed in it, and looked at after it: what was changed must
 * not speak as it did before, and what carries a rev must not be gone without a reason.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Keys } from '../../../services/cacheAdapter/keys.js';
import type { ConversationSnapshot, OrganizationId } from '../../../services/types.js';
import type { TowerOnServer } from '../../support/towerOnServer.js';
import { newConversation, newOrganization, newRev, snapshotOf } from './values.js';

export interface Marks {
  /** Overwrites, deletes and clears what was marked, and writes what is to be handed back. */
  change(): Promise<void>;
  /** @returns how many values are gone that should be there, and what speaks that should not. */
  look(): Promise<{ readonly lost: Lost; readonly stale: readonly string[] }>;
  /** Idempotent. */
  end(): Promise<void>;
}

/** How many values of before the fault, and of those that were written in it. */
export interface Lost {
  readonly before: number;
  readonly during: number;
}

/** Whether values that carry a rev have to be there after the fault: those of before it, those written in it. */
export interface Keeps {
  readonly before: boolean;
  readonly during: boolean;
}

const OF_EACH = 20;
const WATCH_EVERY_MS = 2;

type PresenceKey = ReturnType<Keys['presence']>;

export async function setMarks({ adapter, cache, keys }: TowerOnServer, keeps: Keeps): Promise<Marks> {
  const presenceKey = (organizationId: OrganizationId) =>
    keys.presence(organizationId, newConversation(), 'presence');
  const before = snapshots();
  const during = snapshots();
  const timed = Object.fromEntries(
    ['overwritten', 'deleted', 'cleared'].map((fate) => [fate, timedKeys()]),
  ) as Record<'overwritten' | 'deleted' | 'cleared', ReturnType<typeof timedKeys>>;
  const store = (snapshot: ConversationSnapshot) => adapter.storeSnapshot(snapshot.organizationId, snapshot);
  const find = (snapshot: ConversationSnapshot) =>
    adapter.getSnapshot(snapshot.organizationId, snapshot.conversationId, snapshot.rev);

  function timedKeys() {
    const organizationId = newOrganization();
    const all = Array.from({ length: OF_EACH }, () => presenceKey(organizationId));
    return { organizationId, all };
  }
  await Promise.all(before.map(store));
  for (const { all } of Object.values(timed)) {
    await Promise.all(all.map((key) => cache.set(key, 'before' as never)));
  }
  const stale = new Set<string>();
  let watching: Promise<void> | undefined;
  let isWatching = true;
  const check = async (keysOf: (all: readonly PresenceKey[]) => readonly PresenceKey[]) => {
    for (const [fate, { all }] of Object.entries(timed)) {
      const values: unknown[] = await Promise.all(keysOf(all).map((key) => cache.get(key)));
      const isOld = (value: unknown) => value === 'before' || (fate !== 'overwritten' && value !== undefined);
      if (values.some(isOld)) stale.add(`a value that was ${fate}`);
    }
  };
  /** One of each, all the time: what speaks for a few milliseconds when Redis returns speaks too. */
  const watch = async () => {
    for (let n = 0; isWatching; n += 1) {
      await check((all) => all.slice(n % OF_EACH, (n % OF_EACH) + 1));
      await pause(WATCH_EVERY_MS);
    }
  };
  const end = async () => {
    isWatching = false;
    await watching;
  };
  return {
    change: async () => {
      await Promise.all(timed.overwritten.all.map((key) => cache.set(key, 'after' as never)));
      await cache.delete(timed.deleted.all);
      // A name that is new to the organization, so that its list of names is written once more.
      await cache.set(presenceKey(timed.cleared.organizationId), 'before' as never);
      await adapter.clearOrganization(timed.cleared.organizationId);
      await Promise.all(during.map(store));
      watching = watch();
    },
    look: async () => {
      await end();
      await check((all) => all);
      const gone = async (snapshots: readonly ConversationSnapshot[]) =>
        (await Promise.all(snapshots.map(find))).filter((found) => found === undefined).length;
      const lost = {
        before: keeps.before ? await gone(before) : 0,
        during: keeps.during ? await gone(during) : 0,
      };
      return { lost, stale: [...stale] };
    },
    end,
  };
}

function snapshots(): ConversationSnapshot[] {
  const organizationId = newOrganization();
  return Array.from({ length: OF_EACH }, (_, n) =>
    snapshotOf(organizationId, newConversation(), { rev: newRev(), n }),
  );
}
