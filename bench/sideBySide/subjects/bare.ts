/**
 * The limit: ioredis with commands and bytes that were prepared, and nothing done with the answers. No guard, no
 * deadline, no statistics, no JSON. What a turn does with its state (checking it, making the next) is done as in every
 * other subject.
 */
import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { createKeys } from '../../../services/cacheAdapter/keys.js';
import { connect } from '../connect.js';
import {
  ACCOUNT,
  type Conversation,
  type CreateSubject,
  checkRead,
  LEAD_TTL_MS,
  LIMIT,
  NUMBER,
  NUMBER_TTL_MS,
  newConversations,
  nextSnapshot,
  ORGANIZATION,
  SNAPSHOT_TTL_MS,
} from '../work.js';

interface Prepared {
  readonly own: Conversation;
  readonly names: readonly [number: string, lead: string, snapshot: string];
  readonly limit: readonly string[];
  /** What a tower stores after each of some turns. */
  readonly values: readonly Buffer[];
}

type WithLimit = Redis & { rlflxIncr(...args: string[]): Promise<unknown> };

/** As many as the codec needs to come back to the same form: it seals ten messages at a time. */
const VALUES = 5;

/** All state asked of Redis in two round trips: as the tower does that keeps nothing. */
export const createBareReading: CreateSubject = (url) =>
  createBare(url, 'bare:reading:', async (redis, { names, limit }) => {
    await Promise.all([redis.mgetBuffer(...names), redis.rlflxIncr(...limit)]);
  });

/** What the tower sends whose process has the state decoded. */
export const createBareWarm: CreateSubject = (url) =>
  createBare(url, 'bare:warm:', async (redis, { limit }) => {
    await redis.rlflxIncr(...limit);
  });

async function createBare(
  url: string,
  prefix: string,
  read: (redis: WithLimit, prepared: Prepared) => Promise<void>,
) {
  const redis = (await connect(url)) as WithLimit;
  // Defines the script's command on the connection.
  new RateLimiterRedis({ storeClient: redis, points: LIMIT.points, duration: LIMIT.windowS });
  const all = prepare(prefix);
  for (const { names, values } of all) {
    const [number, lead, snapshot] = names;
    await redis.set(number, `\u0001"${ORGANIZATION}"`, 'PX', NUMBER_TTL_MS * 60);
    await redis.set(lead, `\u0001"${ORGANIZATION}"`, 'PX', LEAD_TTL_MS * 60);
    await redis.set(snapshot, values[0] as Buffer, 'PX', SNAPSHOT_TTL_MS);
  }
  let turns = 0;
  return {
    turn: async (n: number) => {
      const prepared = all[n] as Prepared;
      const { names, values, own } = prepared;
      await read(redis, prepared);
      const { leadId, snapshot } = own;
      own.snapshot = nextSnapshot(checkRead(own, { organizationId: ORGANIZATION, leadId, snapshot }));
      turns += 1;
      const value = values[turns % values.length] as Buffer;
      await redis.set(names[2], value, 'PX', SNAPSHOT_TTL_MS, 'XX');
    },
    close: async () => redis.disconnect(),
  };
}

function prepare(prefix: string): Prepared[] {
  const keys = createKeys({ prefix, phoneHashKey: Buffer.alloc(32) });
  return newConversations().map((own) => {
    const { phone, snapshot } = own;
    const key = keys.snapshot(ORGANIZATION, snapshot.conversationId);
    const values: Buffer[] = [];
    let state = snapshot;
    for (let n = 0; n < VALUES; n += 1) {
      values.push(key.codec?.encode(state) ?? Buffer.alloc(0));
      state = nextSnapshot(state);
    }
    const { points, windowS } = LIMIT;
    const limit = keys.limits.ofOutsider('inboundText', `${ACCOUNT} ${NUMBER} ${phone}`);
    return {
      own,
      names: [
        keys.organizationByNumber(ACCOUNT, NUMBER).name,
        keys.phoneToLead(ORGANIZATION, phone).name,
        key.name,
      ],
      limit: [limit, '1', String(windowS), String(points), String(windowS)],
      values,
    };
  });
}
