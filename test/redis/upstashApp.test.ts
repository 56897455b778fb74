/** The whole application with Upstash as its Redis: texts are answered from state kept there, and without it. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { E164 } from '../../services/types.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import {
  inboundText,
  newOrganization,
  newPhone,
  type TestOrganization,
  textsOf,
} from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';
import { UpstashBridge } from '../support/upstashBridge.js';

interface Health {
  readonly status: string;
  readonly checks: Record<string, readonly { readonly status: string; readonly output?: string }[]>;
}

describeWithRedis('Jack with Upstash', () => {
  let server: RedisServer;
  let bridge: UpstashBridge;
  let redis: Redis;
  let test: TestApp;
  let organization: TestOrganization;
  let phone: E164;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    bridge = await UpstashBridge.start(server.url);
    test = await buildApp({
      localCacheBytes: 0,
      demo: false,
      env: {
        USE_REDIS: 'true',
        UPSTASH_REDIS_REST_URL: bridge.url,
        UPSTASH_REDIS_REST_TOKEN: bridge.token,
      },
    });
    organization = await newOrganization(test.ctx.database);
    phone = newPhone();
  });
  afterAll(async () => {
    await test.close();
    redis.disconnect();
    await bridge.stop();
    await server.stop();
  });

  async function text(body: string): Promise<void> {
    const before = await replies();
    await test.ctx.receiver.receive(inboundText(organization.number, phone, { body }));
    await until(async () => (await replies()) > before, { what: 'the reply' });
  }
  const replies = async () =>
    (await textsOf(test.ctx.database, organization.id, phone)).filter(
      ({ direction }) => direction === 'outbound',
    ).length;
  const health = async () => (await (await fetch(`${test.url}/api/health`)).json()) as Health;
  const redisCheck = async () => {
    const { checks } = await health();
    return Object.entries(checks).find(([name]) => name.startsWith('redis'))?.[1][0];
  };
  const snapshots = () => redis.keys('jack:test:snapshot:*');

  it('a text is answered, and the conversation is in the Redis behind the REST interface', async () => {
    await text('Hello');
    await until(async () => (await snapshots()).length === 1, { what: 'the snapshot' });
    bridge.requests.length = 0;
    await text('Do you have a Civic?');
    expect(bridge.requests.some(({ body }) => body.includes('snapshot'))).toBe(true);
    expect(test.ctx.state.report()).toMatchObject({ mode: 'redis', kinds: { snapshot: { hits: 1 } } });
    expect(await redisCheck()).toMatchObject({ status: 'pass' });
  });

  it('clearing the organization reaches it', async () => {
    await test.ctx.state.clearOrganization(organization.id);
    expect(await snapshots()).toEqual([]);
  });

  it('while it is down texts are answered all the same, health says so, and it is used again afterwards', async () => {
    await bridge.down();
    await text('Are you there?');
    expect(test.ctx.state.report().mode).toBe('memory');
    expect(await redisCheck()).toMatchObject({ status: 'warn' });
    expect(JSON.stringify(await health())).not.toContain(bridge.token);
    await bridge.up();
    await until(() => test.ctx.state.report().mode === 'redis', { what: 'Redis', timeoutMs: 4_000 });
    await until(async () => (await snapshots()).length === 1, { what: 'the hand-back' });
    await text('And now?');
    expect(await redisCheck()).toMatchObject({ status: 'pass' });
  });

  it('says what REST cannot do', () => {
    expect(test.ctx.redis?.features?.subscribe).toMatchObject({ supported: false });
  });
});
