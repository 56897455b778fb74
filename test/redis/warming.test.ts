/** What a process reads ahead after its start. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../services/clock.js';
import { loadConfig } from '../../services/config.js';
import { type AppContext, createContext } from '../../services/context.js';
import type { ConversationId, OrganizationId, Rev } from '../../services/types.js';
import { Warming, type WarmingLimits } from '../../services/warming.js';
import { newOrganization, newPhone } from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis, pgliteDumpFile } from '../support/services.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

describeWithRedis('Warming on a real Redis', () => {
  let server: RedisServer;
  let ctx: AppContext;
  let own: Warming[] = [];

  beforeAll(async () => {
    server = await startRedis();
    const dump = pgliteDumpFile();
    if (dump === undefined) throw new Error('globalSetup made no migrated PGlite');
    ctx = await createContext(loadConfig({ NODE_ENV: 'test', REDIS_URL: server.url }), {
      logger: silentLogger,
      demo: false,
      // What counts here is what Redis holds.
      localCacheBytes: 0,
      pgliteDump: new Blob([readFileSync(dump)]),
    });
  });
  beforeEach(async () => {
    await server.flushAll();
    await ctx.database.orm.execute(sql`delete from organizations`);
  });
  afterEach(async () => {
    await Promise.all(own.map((warming) => warming.stop()));
    own = [];
  });
  afterAll(async () => {
    await ctx.close();
    await server.stop();
  });

  function newWarming(limits: Partial<WarmingLimits> = {}): Warming {
    const warming = Warming.create({
      database: ctx.database,
      state: ctx.state,
      clock: systemClock,
      logger: silentLogger,
      limits: { pauseMs: 1, ...limits },
    });
    own.push(warming);
    return warming;
  }

  async function warm(limits: Partial<WarmingLimits> = {}) {
    const warming = newWarming(limits);
    warming.start();
    await until(() => warming.report().state === 'done', { what: 'the end of warming' });
    return warming.report();
  }

  interface Made {
    readonly id: ConversationId;
    readonly baseRev: Rev;
    readonly organizationId: OrganizationId;
  }

  /** @param minutesAgo one conversation each. */
  async function conversations(minutesAgo: readonly number[]): Promise<Made[]> {
    const { id: organizationId } = await newOrganization(ctx.database);
    const rows = minutesAgo.map((minutes) => ({ minutes, phone: newPhone() }));
    return await ctx.database.query<Made>(
      sql`with r as (select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(minutes int, phone text)),
        l as (
          insert into leads (id, organization_id, phone, source)
          select gen_random_uuid(), ${organizationId}, phone, 'sms' from r returning id, phone
        )
        insert into conversations (id, organization_id, lead_id, last_seq, last_message_at, summary)
        select gen_random_uuid(), ${organizationId}, l.id, 1, clock_timestamp() - make_interval(mins => r.minutes), 'Hi'
        from l join r using (phone) returning id, base_rev as "baseRev", organization_id as "organizationId"`,
    );
  }

  const held = ({ organizationId, id, baseRev }: Made) =>
    ctx.state.hasConversationSnapshot(organizationId, { conversationId: id, baseRev });

  it('fills an empty Redis with recent conversations and their organizations, of all organizations', async () => {
    const [a, b] = [await conversations([1, 30, 300]), await conversations([5])];
    expect(await warm()).toMatchObject({ organizations: 2, stored: 3, held: 0 });
    expect(await Promise.all([...a, ...b].map(held))).toEqual([true, true, false, true]);
    const before = ctx.state.report().reads;
    const { record } = before.agent ?? { record: 0 };
    const [row] = await ctx.database.query<{ rev: Rev }>(
      sql`select rev from organizations where id = ${a[0]!.organizationId}`,
    );
    expect(await ctx.state.getAgentConfiguration(a[0]!.organizationId, row!.rev)).toBeDefined();
    expect(ctx.state.report().reads.agent?.record).toBe(record);
  });

  it('passes over what Redis holds at the right rev, and renews what it holds at another', async () => {
    const made = await conversations([1, 2, 3]);
    await warm();
    await ctx.database.orm.execute(
      sql`update conversations set summary = 'changed' where id = ${made[1]!.id}`,
    );
    expect(await warm()).toMatchObject({ stored: 1, held: 2 });
  });

  it('takes the newest when there are more than it may, in batches', async () => {
    const made = await conversations(Array.from({ length: 23 }, (_, n) => n));
    expect(await warm({ maxConversations: 12, batch: 5 })).toMatchObject({ stored: 12 });
    const isHeld = await Promise.all(made.map(held));
    expect(isHeld.filter(Boolean)).toHaveLength(12);
  });

  it('finds everything once, also where many were texted in the same moment', async () => {
    await conversations(Array.from({ length: 31 }, () => 1));
    await ctx.database.orm.execute(
      sql`update conversations set last_message_at = (select max(last_message_at) from conversations)`,
    );
    expect(await warm({ batch: 4 })).toMatchObject({ stored: 31, held: 0 });
  });

  it('stops between batches', async () => {
    await conversations(Array.from({ length: 40 }, () => 1));
    const warming = newWarming({ batch: 2, pauseMs: 60_000 });
    warming.start();
    await until(() => warming.report().stored > 0, { what: 'the first batch' });
    await warming.stop();
    expect(warming.report()).toMatchObject({ state: 'stopped', stored: 2 });
  });

  it('reads nothing when it is switched off', async () => {
    await conversations([1]);
    const warming = newWarming({ sinceMs: 0 });
    warming.start();
    expect(warming.report().state).toBe('waiting');
  });

  it('begins with the process and holds up nothing', async () => {
    const [made] = await conversations([1]);
    await ctx.start('http://127.0.0.1:1');
    await until(() => held(made!), { what: 'the conversation' });
  });
});
