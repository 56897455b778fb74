import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { until } from '../../support/until.js';
import { type CallResult, type Client, createClient } from './_client.js';

const NAMES = ['connection', 'performance', 'memory', 'persistence', 'pubsub', 'fallback'];

const readHealth = (client: Client, type?: string): Promise<CallResult> =>
  client.call('GET /api/health/redis', type === undefined ? {} : { query: { type } });

/** @param why in the message of the connection; a report made while it changes may have that of before. */
const becomes = (client: Client, status: string, why = ''): Promise<CallResult> =>
  until(
    async () => {
      const health = await readHealth(client);
      const { message } = health.body.checks.connection;
      return health.body.status === status && message.includes(why) ? health : undefined;
    },
    { what: status },
  );

describe('The health of Redis without one', () => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    jack = await buildApp();
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  it('When USE_REDIS is false, then memory is the chosen store, everything passes and nothing is recommended', async () => {
    const { status, body } = await readHealth(client);
    expect([status, body.status]).toEqual([200, 'healthy']);
    expect(Object.keys(body.checks)).toEqual(NAMES);
    expect(Object.values(body.checks).map((check) => (check as { status: string }).status)).toEqual(
      NAMES.map(() => 'pass'),
    );
    expect(body.checks.connection.message).toContain('not configured');
    expect(body.recommendations).toEqual([]);
  });

  it('When the type is none of the three, then the problem names it', async () => {
    const { status, body } = await readHealth(client, 'everything');
    expect([status, body.code]).toEqual([400, 'E_INPUT_INVALID']);
    expect(body.errors[0].pointer).toBe('/query/type');
  });
});

describeWithRedis('The health of Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis({ args: ['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'] });
  });
  afterAll(() => redis.stop());

  const withJack = async (
    env: Record<string, string>,
    work: (client: Client, jack: TestApp) => Promise<void>,
  ) => {
    const jack = await buildApp({ env: { USE_REDIS: 'true', REDIS_URL: redis.url, ...env } });
    try {
      await work(createClient(jack), jack);
    } finally {
      await jack.close();
    }
  };

  it('When Redis answers, then every check has passed with what it took, and each type shows its part', async () => {
    await withJack({}, async (client) => {
      const { status, body, headers } = await readHealth(client);
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body.summary.memory.fragmentation).toBeGreaterThan(0);
      expect(Object.keys(body.checks)).toEqual(NAMES);
      for (const name of NAMES) {
        expect([name, body.checks[name]]).toEqual([
          name,
          { status: 'pass', duration: expect.any(Number), message: expect.stringMatching(/\w/) },
        ]);
      }
      expect(body.status).toBe('healthy');
      expect(body.checks.performance.duration).toBeGreaterThan(0);
      expect(body.summary.version).toMatch(/^\d+\.\d+/);
      expect(body.summary.memory.used).toBeGreaterThan(100_000);
      expect(body.summary.memory.peak).toBeGreaterThanOrEqual(body.summary.memory.used);
      expect(body.summary.stats.totalConnections).toBeGreaterThan(0);
      expect(body.recommendations.map(({ code }: { code: string }) => code)).toEqual([
        'redis_persistence_off',
      ]);
      expect(Object.keys((await readHealth(client, 'summary')).body)).toEqual([
        'status',
        'timestamp',
        'summary',
      ]);
      expect(Object.keys((await readHealth(client, 'system')).body)).toEqual([
        'status',
        'timestamp',
        'checks',
        'summary',
      ]);
    });
  });

  it('When it is asked for a hundred times at once, then Redis is measured once', async () => {
    await withJack({}, async (client) => {
      const all = await Promise.all(Array.from({ length: 100 }, () => readHealth(client, 'system')));
      expect(new Set(all.map(({ body }) => body.timestamp)).size).toBe(1);
    });
  });

  it('When Redis is killed and comes back, then it is degraded with 200 and healthy again, and names nothing', async () => {
    await withJack({}, async (client, jack) => {
      const { organization } = await jack.createOrganization();
      expect((await readHealth(client)).body.status).toBe('healthy');
      await redis.kill();
      try {
        const { status, body } = await becomes(client, 'degraded', 'serving from memory');
        expect(status).toBe(200);
        expect(body.checks).toMatchObject({
          connection: { status: 'warn', message: expect.stringContaining('serving from memory') },
          performance: { status: 'warn' },
          memory: { status: 'warn' },
          persistence: { status: 'warn' },
          fallback: { status: 'warn', message: expect.stringContaining('in use') },
        });
        expect(body.summary).toMatchObject({ uptime: null, version: null, memory: { used: null } });
        const text = JSON.stringify(body);
        for (const secret of [String(redis.port), '127.0.0.1', organization.id, 'jack:']) {
          expect(text).not.toContain(secret);
        }
      } finally {
        await redis.restart();
      }
      await becomes(client, 'healthy');
    });
  });

  it('When Redis hangs, then each question is answered within its deadline all the same', async () => {
    await withJack({}, async (client) => {
      expect((await readHealth(client)).body.status).toBe('healthy');
      redis.pause();
      try {
        await becomes(client, 'degraded', 'serving from memory');
        const before = (await readHealth(client)).body.timestamp;
        const { ms, body } = await until(
          async () => {
            const startedAtMs = performance.now();
            const health = await readHealth(client);
            const isNew = health.body.timestamp !== before;
            return isNew && { body: health.body, ms: performance.now() - startedAtMs };
          },
          { what: 'a measurement made while it hangs' },
        );
        expect(body.status).toBe('degraded');
        expect(ms).toBeLessThan(3_000);
      } finally {
        redis.resume();
      }
    });
  });

  it('When Redis is killed and the fallback is switched off, then it is unhealthy with 503', async () => {
    await withJack({ REDIS_FALLBACK_ENABLED: 'false' }, async (client) => {
      expect((await readHealth(client)).body.checks.fallback).toMatchObject({ status: 'warn' });
      await redis.kill();
      try {
        const { status, body } = await becomes(client, 'unhealthy', 'switched off');
        expect(status).toBe(503);
        expect(body.checks).toMatchObject({ connection: { status: 'fail' }, fallback: { status: 'fail' } });
      } finally {
        await redis.restart();
      }
    });
  });

  it('When the fallback is forced, then health says so although Redis answers', async () => {
    await withJack({}, async (client, jack) => {
      await client.call('POST /api/admin/cache/fallback', { body: { forced: true }, key: jack.adminKey });
      const { body } = await readHealth(client);
      expect(body.status).toBe('degraded');
      expect(body.checks.fallback.message).toContain('in force by an administrator');
      expect(body.summary.version).toMatch(/^\d/);
    });
  });
});
