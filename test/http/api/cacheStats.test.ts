import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConversationId, OrganizationId, Rev } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { conversationOf, inboundText, newPhone, textsOf } from '../../support/records.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

const readStats = async (client: Client) => (await client.call('GET /api/cache/stats')).body;

describe('Statistics without Redis', () => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    jack = await buildApp({ localCacheBytes: 0 });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  it('When state is read, then kinds, stores and who answered are counted', async () => {
    const { organization } = await jack.createOrganization();
    const before = await readStats(client);
    expect(before).toMatchObject({ mode: 'memory', degradedReason: null, breaker: null, redis: null });
    for (let n = 0; n < 3; n += 1) {
      await jack.ctx.state.getOrganizationIdByNumber('default', organization.phoneNumbers[0]!);
    }
    const after = await readStats(client);
    expect(after.reads.organizationByNumber).toEqual({ cache: 0, record: 1 });
    const kind = after.kinds.organizationByNumber;
    expect(kind).toMatchObject({ hits: 2, misses: expect.any(Number), errors: 0, timeouts: 0 });
    expect(kind.times.p99Ms).toBeGreaterThanOrEqual(kind.times.p50Ms);
    expect(after.hitRate).toBeGreaterThan(0);
    expect(after.stores.memory.times.count).toBeGreaterThan(0);
    expect(after.fallback).toMatchObject({ isEnabled: true, maxBytes: 100 * 2 ** 20 });
    expect(after.fallback.entries).toBeGreaterThan(0);
    expect(after.fallback.bytes).toBeGreaterThan(100);
    expect(after.pubsub.state).toBe('local');
  });
});

describeWithRedis('Statistics with Redis', () => {
  let redis: RedisServer;
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    redis = await startRedis();
    jack = await buildApp({ env: { USE_REDIS: 'true', REDIS_URL: redis.url } });
    client = createClient(jack);
  });
  afterAll(async () => {
    await jack.close();
    await redis.stop();
  });

  it('When a text is answered and an outage comes and goes, then all of it is there and nothing of any tenant', async () => {
    const { organization, apiKey } = await jack.createOrganization({ id: 'tell-nobody-motors' });
    const phone = newPhone();
    const [number] = organization.phoneNumbers;
    await jack.ctx.receiver.receive(inboundText(number!, phone));
    await until(async () => (await textsOf(jack.ctx.database, organization.id, phone)).length > 1, {
      what: 'the reply',
    });
    await client.call('GET /api/leads', { key: apiKey });

    const inUse = await readStats(client);
    expect(inUse).toMatchObject({
      mode: 'redis',
      breaker: { isOpen: false },
      redis: { connections: { command: { ready: 1, total: 1 } } },
      rateLimits: { counted: { redis: expect.any(Number) } },
      pubsub: { state: 'listening' },
      migration: { runs: 0 },
    });
    expect(inUse.redis.roundTrips).toBeGreaterThan(0);
    expect(inUse.redis.latency.p99Ms).toBeGreaterThan(0);
    expect(inUse.rateLimits.counted.redis).toBeGreaterThan(0);
    expect(Object.keys(inUse.redis.latencyByOperation)).toContain('get');

    await redis.kill();
    await until(() => jack.ctx.state.mode() === 'memory');
    const { id: conversationId } = await conversationOf(jack.ctx.database, organization.id, phone);
    await storeSomething(organization.id, conversationId);
    const away = await readStats(client);
    expect(away).toMatchObject({
      mode: 'memory',
      breaker: { isOpen: true },
      handBack: { pending: 1 },
      modeChanges: 1,
    });
    expect(away.degradedReason).toEqual(expect.any(String));
    expect(away.alerts).toEqual([{ code: 'cache_degraded', severity: 'warning', since: expect.any(String) }]);
    expect(away.redis.connections.command).toEqual({ ready: 0, total: 1 });
    await redis.restart();
    const back = await until(async () => {
      const stats = await readStats(client);
      return stats.mode === 'redis' && stats.handBack.pending === 0 && stats;
    });
    expect(back.handBack).toMatchObject({ moved: 1, failed: 0, lastDurationMs: expect.any(Number) });

    for (const stats of [inUse, away, back]) {
      const text = JSON.stringify(stats);
      for (const secret of [
        organization.id,
        phone,
        phone.slice(1),
        number!,
        conversationId,
        String(redis.port),
        '127.0.0.1',
        'localhost',
        'jack:',
        apiKey,
      ]) {
        expect([secret, text.includes(secret)]).toEqual([secret, false]);
      }
      expect(text).not.toMatch(/\+\d{7}|[0-9a-f]{8}-[0-9a-f]{4}/);
    }
  });

  async function storeSomething(
    organizationId: OrganizationId,
    conversationId: ConversationId,
  ): Promise<void> {
    const snapshot = await jack.ctx.state.getConversationSnapshot(organizationId, {
      conversationId,
      baseRev: randomUUID() as Rev,
    });
    if (!snapshot.snapshot) throw new Error('there is no such conversation');
    await jack.ctx.state.storeConversationSnapshot(organizationId, snapshot.snapshot);
  }
});
