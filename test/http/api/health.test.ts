import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone } from '../../support/records.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { formBody, inboundForm, newSid } from '../../support/signTwilio.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

describe('Health without Redis', () => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    jack = await buildApp();
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  it('When USE_REDIS is false, then memory is the chosen store and Jack is healthy', async () => {
    const { status, body, headers } = await client.call('GET /api/health');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      status: 'healthy',
      mode: { cache: 'memory', record: 'pglite', sms: 'simulated', assistant: 'scripted' },
    });
    expect(body.checks['record:responseTime'][0].observedValue).toBeGreaterThan(0);
  });

  it('When it is ready and stops, then readiness says so and the rest goes on', async () => {
    const stopping = await buildApp();
    const its = createClient(stopping);
    try {
      expect((await its.call('GET /api/health/ready')).status).toBe(200);
      stopping.ctx.beginStop();
      expect((await its.call('GET /api/health/ready')).body).toEqual({ status: 'stopping' });
      expect((await its.call('GET /api/health/live')).status).toBe(200);
      expect((await its.call('GET /api/health')).body.status).toBe('healthy');
    } finally {
      await stopping.close();
    }
  });
});

describeWithRedis('Health with Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  const withJack = async (env: Record<string, string>, work: (client: Client) => Promise<void>) => {
    const jack = await buildApp({ env: { USE_REDIS: 'true', REDIS_URL: redis.url, ...env } });
    try {
      await work(createClient(jack));
    } finally {
      await jack.close();
    }
  };
  const redisCheck = async (client: Client) => {
    const { status, body } = await client.call('GET /api/health');
    return {
      code: status,
      overall: body.status,
      mode: body.mode.cache,
      ...body.checks['redis:responseTime'][0],
    };
  };
  /** @param mode the one that goes with it; a report made while it changes may have the one of before. */
  const reaches = (client: Client, status: string, mode: string) =>
    until(
      async () => {
        const check = await redisCheck(client);
        return check.status === status && check.mode === mode ? check : undefined;
      },
      { what: `${status} with ${mode}` },
    );

  it('When it answers, is killed and comes back, then health says so each time, with the reason and since when', async () => {
    await withJack({}, async (client) => {
      expect(await redisCheck(client)).toMatchObject({
        code: 200,
        overall: 'healthy',
        status: 'pass',
        mode: 'redis',
        observedUnit: 'ms',
      });
      await redis.kill();
      const away = await reaches(client, 'warn', 'memory');
      expect(away).toMatchObject({
        code: 200,
        overall: 'degraded',
        mode: 'memory',
        output: expect.stringContaining('serving from memory'),
      });
      expect(Math.abs(Date.now() - Date.parse(away.since))).toBeLessThan(10_000);
      expect(JSON.stringify(away)).not.toContain(String(redis.port));
      expect((await client.call('GET /api/health/ready')).status).toBe(200);
      await redis.restart();
      await reaches(client, 'pass', 'redis');
    });
  });

  it('When it hangs and nobody texts, then health finds out by itself, within its second', async () => {
    await withJack({}, async (client) => {
      expect(await redisCheck(client)).toMatchObject({ status: 'pass' });
      redis.pause();
      try {
        const startedAt = performance.now();
        expect(await redisCheck(client)).toMatchObject({ code: 200, status: 'warn' });
        expect(performance.now() - startedAt).toBeLessThan(3_000);
      } finally {
        redis.resume();
      }
    });
  });

  it('When it is killed and the fallback is switched off, then Jack is unhealthy', async () => {
    await withJack({ REDIS_FALLBACK_ENABLED: 'false' }, async (client) => {
      await redis.kill();
      expect(await reaches(client, 'fail', 'unavailable')).toMatchObject({
        code: 503,
        overall: 'unhealthy',
        mode: 'unavailable',
      });
      await redis.restart();
    });
  });

  it('When the fallback is forced, then health says why memory serves although Redis answers', async () => {
    const jack = await buildApp({ env: { USE_REDIS: 'true', REDIS_URL: redis.url } });
    try {
      const client = createClient(jack);
      const force = (forced: boolean) =>
        client.call('POST /api/admin/cache/fallback', { body: { forced }, key: jack.adminKey });
      expect((await force(true)).body).toEqual({ mode: 'memory' });
      expect(await redisCheck(client)).toMatchObject({
        status: 'warn',
        output: 'forced; serving from memory',
      });
      expect((await force(false)).body).toEqual({ mode: 'redis' });
      expect(await redisCheck(client)).toMatchObject({ status: 'pass' });
    } finally {
      await jack.close();
    }
  });
});

describe('When the record is away', () => {
  let jack: TestApp;
  let client: Client;
  let apiKey: string;
  beforeAll(async () => {
    jack = await buildApp();
    client = createClient(jack);
    apiKey = (await jack.createOrganization()).apiKey;
    await jack.ctx.database.close();
  });
  afterAll(() => jack.close());

  it('then health is unhealthy, readiness refuses, and the process lives', async () => {
    const { status, body } = await client.call('GET /api/health');
    expect([status, body.status]).toEqual([503, 'unhealthy']);
    expect((await client.call('GET /api/health/ready')).body).toEqual({ status: 'record away' });
    expect((await client.call('GET /api/health/live')).status).toBe(200);
  });

  it('then calls get 503 without any detail', async () => {
    const { status, body, headers } = await client.call('GET /api/leads', { key: apiKey });
    expect([status, body.code]).toEqual([503, 'E_DB_UNAVAILABLE']);
    expect(headers.get('retry-after')).toBe('5');
    expect(body).not.toHaveProperty('detail');
  });

  it('then a webhook is not acknowledged, and the answer is no text that a carrier would send on', async () => {
    const params = inboundForm({ from: newPhone(), to: newPhone(), body: 'Hi', accountSid: newSid('AC') });
    const response = await fetch(`${jack.url}/api/webhooks/twilio/sms/incoming`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: formBody(params),
    });
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });
});
