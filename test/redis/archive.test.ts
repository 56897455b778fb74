/** Redis holds nothing of an archived conversation, and goes on without it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import type { Assistant, AssistantRequest } from '../../services/assistant/types.js';
import { loadConfig } from '../../services/config.js';
import { type AppContext, createContext } from '../../services/context.js';
import type { E164 } from '../../services/types.js';
import {
  conversationOf,
  inboundText,
  newOrganization,
  newPhone,
  type TestOrganization,
} from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis, pgliteDumpFile } from '../support/services.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

const DAY_MS = 86_400_000;

describeWithRedis('The archive and Redis', () => {
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
        return { body: 'Yes', slots: { vehicle: 'Civic' }, summary: `Heard ${request.conversation.lastSeq}` };
      },
    };
    const config = loadConfig({ NODE_ENV: 'test', REDIS_URL: server.url, REPLY_WINDOW_MS: '0' });
    const dump = pgliteDumpFile();
    if (dump === undefined) throw new Error('globalSetup made no migrated PGlite');
    ctx = await createContext(config, {
      logger: silentLogger,
      assistant,
      demo: false,
      pgliteDump: new Blob([readFileSync(dump)]),
    });
    await ctx.start('http://127.0.0.1:1');
  });
  beforeEach(async () => {
    organization = await newOrganization(ctx.database);
    phone = newPhone();
    seen = [];
  });
  afterAll(async () => {
    await ctx.close();
    redis.disconnect();
    await server.stop();
  });

  const head = () => conversationOf(ctx.database, organization.id, phone);

  async function converse(body: string): Promise<AssistantRequest> {
    const before = seen.length;
    await ctx.receiver.receive(inboundText(organization.number, phone, { body }));
    await until(() => seen.length > before, { what: 'the turn' });
    await until(
      async () => {
        const [row] = await ctx.database.query<{ n: number }>(
          sql`select count(*)::int as n from messages where organization_id = ${organization.id}
            and direction = 'outbound' and status <> 'delivered'`,
        );
        return row?.n === 0 && !(await head()).isLeased;
      },
      { what: 'the delivery' },
    );
    return seen.at(-1)!;
  }

  async function archiveIt(): Promise<void> {
    await ctx.database.orm.execute(
      sql`update conversations set last_message_at = clock_timestamp() - interval '100 days'
        where organization_id = ${organization.id}`,
    );
    const request = { afterMs: 90 * DAY_MS, organizationId: organization.id };
    expect(await ctx.archive.mover.run(request)).toMatchObject({ conversations: 1, failed: 0 });
  }

  /** Names of cached values that hold something of the conversation. */
  async function cached(): Promise<string[]> {
    const { id, leadId } = await head();
    const names = await redis.keys('*');
    return names.filter((name) => name.includes(id) || name.includes(leadId)).sort();
  }

  async function fillEveryKind(): Promise<void> {
    await converse('one');
    await converse('two');
    const { id, leadId, baseRev } = await head();
    await ctx.state.getConversationHistory(organization.id, leadId);
    await ctx.state.storeModelContext(organization.id, {
      organizationId: organization.id,
      conversationId: id,
      rev: baseRev as never,
      messages: [{ role: 'user', content: 'two' }],
    });
    await until(async () => (await cached()).length === 3, { what: 'the values in Redis' });
  }

  it('holds nothing of a conversation after it was archived', async () => {
    await fillEveryKind();
    await archiveIt();
    expect(await cached()).toEqual([]);
  });

  it('goes on from what was learned when the shopper is back, and caches that', async () => {
    await fillEveryKind();
    await archiveIt();
    const request = await converse('three');
    expect(request.conversation).toMatchObject({
      lastSeq: 5,
      summary: 'Heard 3',
      slots: { vehicle: 'Civic' },
      messages: [{ seq: 5, body: 'three' }],
    });
    const next = await converse('four');
    expect(next.conversation.messages.map(({ seq }) => seq)).toEqual([5, 6, 7]);
    expect(await cached()).toHaveLength(1);
  });

  it('When it was archived while Redis was away, then Redis holds nothing of it afterwards', async () => {
    await fillEveryKind();
    await ctx.state.setForced(true);
    await archiveIt();
    await ctx.state.setForced(false);
    await until(async () => (await cached()).length === 0, { what: 'the deletes that Redis was owed' });
  });

  it('does not use a snapshot from before, which somebody restored', async () => {
    await fillEveryKind();
    const [name] = (await cached()).filter((key) => key.includes('snapshot'));
    const old = await redis.getBuffer(name!);
    await archiveIt();
    await redis.set(name!, old!);
    expect((await converse('three')).conversation.messages.map(({ seq }) => seq)).toEqual([5]);
  });
});
