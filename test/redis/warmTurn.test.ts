/** What a warm turn costs, and that nothing in Redis can make it speak from stale state (P6). */

import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import type { Assistant, AssistantRequest } from '../../services/assistant/types.js';
import { loadConfig } from '../../services/config.js';
import { type AppContext, createContext } from '../../services/context.js';
import { createStateRecord } from '../../services/record/state.js';
import type { E164 } from '../../services/types.js';
import {
  conversationOf,
  inboundText,
  newOrganization,
  newPhone,
  type TestOrganization,
  textsOf,
} from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis, pgliteDumpFile } from '../support/services.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

/** A process that keeps nothing itself reads all of it from Redis, as one does whose last turn ran elsewhere. */
describe.each([
  { where: 'a process that keeps nothing itself', localCacheBytes: 0, tripsPerText: 2 },
  { where: 'a process that has it decoded', localCacheBytes: 8_000_000, tripsPerText: 1 },
])('In $where', ({ localCacheBytes, tripsPerText }) =>
  describeWithRedis('A conversation on a real Redis', () => {
    let server: RedisServer;
    let redis: Redis;
    let ctx: AppContext;
    let organization: TestOrganization;
    let phone: E164;
    let seen: AssistantRequest[] = [];

    beforeAll(async () => {
      server = await startRedis();
      redis = new Redis(server.url);
      const assistant: Assistant = {
        name: 'test',
        reply: async (request) => {
          seen.push(request);
          const n = request.conversation.lastSeq;
          return { body: `Reply to ${n}`, slots: { vehicle: `after ${n}` }, summary: `Heard ${n}` };
        },
      };
      const config = loadConfig({ NODE_ENV: 'test', REDIS_URL: server.url, REPLY_WINDOW_MS: '0' });
      const dump = pgliteDumpFile();
      if (dump === undefined) throw new Error('globalSetup made no migrated PGlite');
      ctx = await createContext(config, {
        logger: silentLogger,
        assistant,
        demo: false,
        localCacheBytes,
        pgliteDump: new Blob([readFileSync(dump)]),
        turnLimits: { sweepMs: 60_000 },
      });
      await ctx.start('http://127.0.0.1:1');
    });
    beforeEach(async () => {
      organization = await newOrganization(ctx.database);
      phone = newPhone();
      seen = [];
    });
    afterEach(async () => {
      await ctx.state.setForced(false);
    });
    afterAll(async () => {
      await ctx.close();
      redis.disconnect();
      await server.stop();
    });

    async function converse(body: string): Promise<AssistantRequest> {
      const before = seen.length;
      await ctx.receiver.receive(inboundText(organization.number, phone, { body }));
      await until(() => seen.length > before, { what: 'the turn' });
      await until(
        async () => (await textsOf(ctx.database, organization.id, phone)).at(-1)?.direction === 'outbound',
        {
          what: 'the reply',
        },
      );
      await until(async () => !(await conversationOf(ctx.database, organization.id, phone)).isLeased, {
        what: 'the end',
      });
      return seen.at(-1)!;
    }

    /** What the record held at the claim: everything but the reply that followed. */
    async function recordAtClaim(request: AssistantRequest) {
      const { id } = await conversationOf(ctx.database, organization.id, phone);
      const snapshot = await createStateRecord(ctx.database).readSnapshot(organization.id, id);
      return snapshot?.messages
        .filter(({ seq }) => seq <= request.conversation.lastSeq)
        .map(({ seq, body }) => [seq, body]);
    }

    const shown = ({ conversation }: AssistantRequest) =>
      conversation.messages.map(({ seq, body }) => [seq, body]);
    const snapshotName = async () => {
      const { id } = await conversationOf(ctx.database, organization.id, phone);
      return `jack:test:snapshot:{${id}}`;
    };
    const reads = () => ctx.state.report().reads;
    /** Exchanges that a text waits for: what is published about it goes beside it. */
    const waitedFor = () =>
      Object.entries(ctx.redis!.latencyByOperation())
        .filter(([operation]) => operation !== 'publish')
        .reduce((sum, [, { count }]) => sum + count, 0);

    it('costs two round trips a text at most when it is warm, and reads no history from the record', async () => {
      await converse('one');
      await converse('two');
      // The snapshot of a turn is stored after its lease has ended.
      let seenTrips = -1;
      const isQuiet = () => {
        const now = waitedFor();
        const isSame = now === seenTrips;
        seenTrips = now;
        return isSame;
      };
      await until(isQuiet, { everyMs: 150 });
      const before = { trips: waitedFor(), reads: structuredClone(reads()) };
      for (const body of ['three', 'four', 'five']) await converse(body);
      await until(() => waitedFor() - before.trips >= 3 * tripsPerText, {
        what: 'the last snapshot',
      });
      expect(waitedFor() - before.trips).toBe(3 * tripsPerText);
      expect(reads().snapshot?.record).toBe(before.reads.snapshot?.record);
      expect(reads().snapshot?.cache).toBe((before.reads.snapshot?.cache ?? 0) + 3);
      expect(reads().agent).toEqual(before.reads.agent);
    });

    it('shows the assistant what the record holds, text for text, warm and cold', async () => {
      for (const body of ['one', 'two', 'three']) {
        const request = await converse(body);
        expect(shown(request)).toEqual(await recordAtClaim(request));
      }
      expect(seen.at(-1)?.conversation).toMatchObject({
        lastSeq: 5,
        slots: { vehicle: 'after 3' },
        summary: 'Heard 3',
      });
    });

    it('goes on unnoticed after FLUSHALL', async () => {
      await converse('one');
      await server.flushAll();
      const request = await converse('two');
      expect(shown(request)).toEqual([
        [1, 'one'],
        [2, 'Reply to 1'],
        [3, 'two'],
      ]);
      expect(request.conversation.slots).toEqual({ vehicle: 'after 1' });
    });

    it('does not use an old snapshot that somebody restored', async () => {
      await converse('one');
      const old = await redis.getBuffer(await snapshotName());
      await converse('two');
      await redis.set(await snapshotName(), old!);
      const request = await converse('three');
      expect(shown(request)).toEqual(await recordAtClaim(request));
      expect(request.conversation.messages).toHaveLength(5);
    });

    it('does not use the snapshot of another conversation', async () => {
      await converse('mine');
      const mine = await redis.getBuffer(await snapshotName());
      phone = newPhone();
      await converse('yours');
      await redis.set(await snapshotName(), mine!);
      const request = await converse('again');
      expect(shown(request)).toEqual([
        [1, 'yours'],
        [2, 'Reply to 1'],
        [3, 'again'],
      ]);
    });

    it('does not show what was redacted in the record', async () => {
      await converse('my card is 4111');
      await ctx.database.orm.execute(
        sql`update messages set body = '[removed]' where organization_id = ${organization.id} and seq = 1`,
      );
      const request = await converse('two');
      expect(shown(request)[0]).toEqual([1, '[removed]']);
    });

    it('takes a damaged or foreign value for a miss', async () => {
      await converse('one');
      for (const damaged of ['garbage', Buffer.from([9, 1, 2]), Buffer.from([1, 123])]) {
        await redis.set(await snapshotName(), damaged);
        const request = await converse('again');
        expect(shown(request)).toEqual(await recordAtClaim(request));
      }
    });

    it('goes through the Map and back without showing anything stale', async () => {
      await converse('one');
      await ctx.state.setForced(true);
      await converse('two');
      await converse('three');
      expect(ctx.state.mode()).toBe('memory');
      await ctx.state.setForced(false);
      const request = await converse('four');
      expect(ctx.state.mode()).toBe('redis');
      expect(shown(request)).toEqual(await recordAtClaim(request));
      expect(request.conversation.slots).toEqual({ vehicle: 'after 5' });
    });

    it('names no phone in any key', async () => {
      await converse('one');
      await ctx.state.getLeadIdByPhone(organization.id, phone);
      const names = await redis.keys('*');
      expect(names.length).toBeGreaterThan(1);
      expect(names.filter((name) => name.includes(phone.slice(1)))).toEqual([]);
    });

    it('clears one organization and nothing of another', async () => {
      await converse('one');
      const [other, otherPhone] = [organization, phone];
      const otherName = await snapshotName();
      organization = await newOrganization(ctx.database);
      phone = newPhone();
      await converse('one');
      expect(await ctx.state.clearOrganization(organization.id)).toBeGreaterThanOrEqual(2);
      expect(await redis.exists(await snapshotName())).toBe(0);
      expect([await redis.exists(otherName), other.id, otherPhone]).toEqual([1, other.id, otherPhone]);
    });
  }),
);
