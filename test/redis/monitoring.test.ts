/** What monitoring says of real servers that are configured so, and when it says it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../services/logger.js';
import { recommend } from '../../services/monitoring/recommendations.js';
import type { RedisHealthReport } from '../../services/monitoring/redisHealth.js';
import type { Recommendation } from '../../services/monitoring/types.js';
import type { ConversationId, LeadId, OrganizationId, Rev } from '../../services/types.js';
import { type BuildOptions, buildApp, type TestApp } from '../support/buildApp.js';
import { startClusterServers } from '../support/clusterServers.js';
import { newPhone } from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { TcpProxy } from '../support/tcpProxy.js';
import { until } from '../support/until.js';
import { UpstashBridge } from '../support/upstashBridge.js';

const PRODUCTION = {
  NODE_ENV: 'production',
  SESSION_SECRET: 'a-session-secret-0123456789',
  PUBLIC_URL: 'https://jack.example',
  TWILIO_ACCOUNT_SID: `AC${'1'.repeat(32)}`,
  TWILIO_AUTH_TOKEN: 'a-token-0123456789',
};

const usedBytesOf = async (server: RedisServer): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await server.command('INFO', 'memory'))?.[1] ?? Number.NaN);

const jackOn = (url: string, { env, ...options }: BuildOptions = {}): Promise<TestApp> =>
  buildApp({ env: { USE_REDIS: 'true', REDIS_URL: url, ...env }, ...options });

const said = async (jack: TestApp): Promise<Map<string, Recommendation>> =>
  new Map(recommend(await jack.ctx.monitor.observe()).map((found) => [found.code, found]));

async function withJack(
  url: string,
  options: BuildOptions,
  work: (jack: TestApp) => Promise<void>,
): Promise<void> {
  const jack = await jackOn(url, options);
  try {
    await work(jack);
  } finally {
    await jack.close();
  }
}

describeWithRedis('Recommendations, on servers that are configured so', () => {
  let redis: RedisServer;
  let jack: TestApp;
  beforeAll(async () => {
    redis = await startRedis();
    jack = await jackOn(redis.url);
  });
  afterAll(async () => {
    await jack.close();
    await redis.stop();
  });

  const set = async (name: string, value: string) => {
    expect(await redis.command('CONFIG', 'SET', name, value)).toContain('OK');
  };
  const usedBytes = () => usedBytesOf(redis);

  it('When maxmemory is not set, near, full and refusing, then each is said and taken back', async () => {
    expect((await said(jack)).get('redis_no_memory_ceiling')?.severity).toBe('info');
    const used = await usedBytes();
    await set('maxmemory', String(Math.round(used / 0.87)));
    await set('maxmemory-policy', 'noeviction');
    const near = await said(jack);
    expect(near.has('redis_no_memory_ceiling')).toBe(false);
    expect(near.get('redis_memory_near_limit')?.severity).toBe('warning');
    expect(near.get('redis_memory_near_limit')?.message).toMatch(/8[4-9] % of its/);
    expect(near.get('redis_eviction_policy')?.severity).toBe('warning');
    await set('maxmemory', String(Math.round(used / 0.99)));
    expect((await said(jack)).get('redis_memory_near_limit')?.severity).toBe('critical');
    await set('maxmemory-policy', 'allkeys-lru');
    await set('maxmemory', '100mb');
    const good = await said(jack);
    expect([...good.keys()]).toEqual(['redis_persistence_off']);
  });

  it('When Redis drops keys for want of memory, then that is said with how many', async () => {
    await jack.ctx.monitor.look();
    expect((await said(jack)).has('redis_evictions')).toBe(false);
    await set('maxmemory-policy', 'allkeys-lru');
    await set('maxmemory', String((await usedBytes()) + 200_000));
    for (let n = 0; n < 100; n += 1) await redis.command('SET', `filler:${n}`, 'x'.repeat(10_000));
    expect((await said(jack)).get('redis_evictions')?.message).toMatch(/dropped \d+ keys/);
    await set('maxmemory', '0');
  });

  it('When Redis writes to disk, and when that fails, then each is said', async () => {
    expect((await said(jack)).has('redis_persistence_off')).toBe(true);
    await set('save', '3600 1');
    expect((await said(jack)).get('redis_persistence_on')?.message).toContain('snapshots');
    await set('save', '');
    await set('appendonly', 'yes');
    expect((await said(jack)).get('redis_persistence_on')?.message).toContain('append-only file');
    await set('appendonly', 'no');

    const folder = (await redis.command('CONFIG', 'GET', 'dir'))
      .split(/\s+/)
      .find((word) => word.startsWith('/'));
    if (!folder) throw new Error('the server has no folder');
    await rm(folder, { recursive: true });
    await redis.command('BGSAVE');
    const failed = await until(async () => (await said(jack)).get('redis_last_save_failed'), {
      what: 'the failed save',
    });
    expect(failed.severity).toBe('warning');
    await mkdir(folder);
    await redis.command('CONFIG', 'RESETSTAT');
  });

  it('When the kind of reads that misses is asked for, then it is named', async () => {
    const { organization } = await jack.createOrganization();
    await jack.ctx.monitor.look();
    for (let n = 0; n < 250; n += 1) await jack.ctx.state.getLeadIdByPhone(organization.id, newPhone());
    const poor = (await said(jack)).get('cache_hit_rate_poor');
    expect(poor?.message).toContain('"phoneToLead"');
    expect(poor?.message).not.toContain(organization.id);
  });

  it('When the server becomes a replica, then that is critical', async () => {
    const master = await startRedis();
    try {
      await redis.command('REPLICAOF', '127.0.0.1', String(master.port));
      expect((await until(async () => (await said(jack)).get('redis_is_replica'))).severity).toBe('critical');
    } finally {
      await redis.command('REPLICAOF', 'NO', 'ONE');
      await master.stop();
    }
    await until(async () => !(await said(jack)).has('redis_is_replica'), { what: 'a master again' });
  });

  it('When the way to Redis is long, then one of a hundred round trips says so', async () => {
    const proxy = await TcpProxy.start({ targetPort: redis.port });
    try {
      await proxy.latency(15);
      await withJack(`redis://127.0.0.1:${proxy.port}`, {}, async (far) => {
        expect((await said(far)).has('redis_slow')).toBe(false);
        for (let n = 0; n < 11; n += 1) await far.ctx.monitor.look();
        expect((await said(far)).get('redis_slow')?.message).toMatch(
          /takes (1[5-9]|[2-9]\d)\.\d ms and more \(\d{3} in/,
        );
      });
    } finally {
      await proxy.stop();
    }
  });
});

describeWithRedis('The password of Redis, in production', () => {
  const criticals = async (jack: TestApp) =>
    [...(await said(jack)).values()]
      .filter(({ severity }) => severity === 'critical')
      .map(({ code }) => code);

  it('When it asks for none, then that is critical, also when Jack brings one', async () => {
    const redis = await startRedis();
    try {
      await withJack(redis.url, { env: PRODUCTION }, async (jack) => {
        expect(await criticals(jack)).toEqual(['redis_no_password']);
      });
      await redis.command('ACL', 'SETUSER', 'jack', 'on', '>a-password', '~*', '&*', '+@all');
      const ofUser = { ...PRODUCTION, REDIS_USERNAME: 'jack', REDIS_PASSWORD: 'a-password' };
      await withJack(redis.url, { env: ofUser }, async (jack) => {
        expect(await criticals(jack)).toEqual(['redis_no_password']);
      });
      // What it may not ask it does not claim.
      await redis.command('ACL', 'SETUSER', 'jack', '-acl');
      await withJack(redis.url, { env: ofUser }, async (jack) => expect(await criticals(jack)).toEqual([]));
    } finally {
      await redis.stop();
    }
  });

  it('When it asks for one, then there is nothing to say', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'a-password'] });
    try {
      const url = redis.url.replace('//', '//:a-password@');
      await withJack(url, { env: PRODUCTION }, async (jack) => expect(await criticals(jack)).toEqual([]));
    } finally {
      await redis.stop();
    }
  });
});

describeWithRedis('The ways to reach a Redis', () => {
  const healthOf = async (jack: TestApp) => {
    const response = await fetch(`${jack.url}/api/health/redis?type=full`);
    const stats = await fetch(`${jack.url}/api/cache/stats`);
    return {
      health: (await response.json()) as RedisHealthReport,
      stats: (await stats.json()) as { redis: { topology: string; connections: { command: object } } },
    };
  };

  it('When it is a cluster, then its shards are summed up, and one that dies is a warning', async () => {
    const cluster = await startClusterServers();
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
    const jack = await buildApp({ env: { USE_REDIS: 'true', REDIS_CLUSTER_NODES: nodes } });
    try {
      const { health, stats } = await until(async () => {
        const found = await healthOf(jack);
        return found.health.status === 'healthy' && found;
      });
      expect(stats.redis.topology).toBe('cluster');
      expect(stats.redis.connections.command).toEqual({ ready: 3, total: 3 });
      const used = await Promise.all(cluster.servers.slice(0, 3).map((server) => usedBytesOf(server)));
      const all = used.reduce((total, bytes) => total + bytes, 0);
      expect(health.summary.memory.used! / all).toBeGreaterThan(0.7);
      expect(health.summary.memory.used! / all).toBeLessThan(1.4);
      expect(health.recommendations.map(({ code }) => code)).toContain('redis_no_memory_ceiling');
      await cluster.servers[1]!.kill();
      await until(async () => (await healthOf(jack)).health.status === 'degraded');
    } finally {
      await jack.close();
      await cluster.stop();
    }
  });

  it('When it is Upstash, then what REST cannot tell is not made up, and pub/sub says why it stays here', async () => {
    const server = await startRedis();
    const bridge = await UpstashBridge.start(server.url);
    const env = { UPSTASH_REDIS_REST_URL: bridge.url, UPSTASH_REDIS_REST_TOKEN: bridge.token };
    const jack = await buildApp({ env: { USE_REDIS: 'true', ...env, ...PRODUCTION } });
    try {
      const { health, stats } = await healthOf(jack);
      expect(stats.redis.topology).toBe('upstash');
      expect(health.checks.connection.status).toBe('pass');
      expect(health.checks.performance.message).toMatch(/a round trip takes \d/);
      expect(health.checks.pubsub).toMatchObject({
        status: 'warn',
        message: expect.stringContaining('REST'),
      });
      expect(health.recommendations.map(({ code }) => code)).not.toContain('redis_no_password');
      expect(JSON.stringify({ health, stats })).not.toContain(bridge.token);
    } finally {
      await jack.close();
      await bridge.stop();
      await server.stop();
    }
  });
});

describe('The memory store', () => {
  it('When it drops values to stay below its ceiling, then that is said', async () => {
    const jack = await buildApp({ env: { REDIS_FALLBACK_MAX_MEMORY: '1' }, localCacheBytes: 0 });
    try {
      await jack.ctx.monitor.look();
      const organizationId = randomUUID() as OrganizationId;
      for (let n = 0; n < 200; n += 1) {
        await jack.ctx.state.storeConversationSnapshot(organizationId, {
          organizationId,
          conversationId: randomUUID() as ConversationId,
          leadId: randomUUID() as LeadId,
          rev: randomUUID() as Rev,
          lastSeq: 0,
          owner: 'assistant',
          optedOut: false,
          summary: randomBytes(8_000).toString('base64'),
          slots: {},
          messages: [],
        });
      }
      expect((await said(jack)).get('cache_fallback_evictions')?.message).toMatch(
        /dropped \d+ values .* under 1 MB/,
      );
    } finally {
      await jack.close();
    }
  });
});

describeWithRedis('Alerts', () => {
  it('When Redis dies, flaps and returns, then one alert is raised at once and cleared later, in log and metrics', async () => {
    const redis = await startRedis({ args: ['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'] });
    const lines: { message: string; code?: string; subsystem?: string }[] = [];
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    const logger = createLogger({ level: 'info', format: 'json', stream });
    const jack = await jackOn(redis.url, { logger, monitorEveryMs: 300 });
    const ofMonitor = () =>
      lines
        .filter(({ subsystem }) => subsystem === 'monitor')
        .map(({ message, code }) => `${message}: ${code}`);
    const metric = async () =>
      /^jack_alerts\{code="cache_degraded"\} (\d)$/m.exec(
        await (await fetch(`${jack.url}/metrics`)).text(),
      )?.[1];
    try {
      expect(await metric()).toBe('0');
      await redis.kill();
      const startedAtMs = performance.now();
      await until(() => jack.ctx.monitor.states().cache_degraded === true, { everyMs: 5 });
      // Told by the change of the mode, and not found at the next look.
      expect(performance.now() - startedAtMs).toBeLessThan(2_000);
      expect(await metric()).toBe('1');
      for (let n = 0; n < 2; n += 1) {
        await redis.restart();
        await until(() => jack.ctx.state.mode() === 'redis');
        await redis.kill();
        await until(() => jack.ctx.state.mode() === 'memory');
      }
      await redis.restart();
      await until(() => jack.ctx.monitor.alerts().length === 0, {
        what: 'the end of the alert',
        timeoutMs: 15_000,
      });
      expect(await metric()).toBe('0');
      expect(ofMonitor()).toEqual([
        'an alert is raised: cache_degraded',
        'an alert is cleared: cache_degraded',
      ]);
    } finally {
      await jack.close();
      await redis.stop();
    }
  });

  it('When Jack stops, then monitoring stops with it and has nothing to say', async () => {
    const redis = await startRedis();
    const lines: string[] = [];
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(String(chunk));
        done();
      },
    });
    const jack = await jackOn(redis.url, {
      logger: createLogger({ level: 'info', format: 'json', stream }),
      monitorEveryMs: 20,
    });
    try {
      await until(() => jack.ctx.monitor.remembered >= 3);
      await jack.close();
      const looks = jack.ctx.monitor.remembered;
      expect(lines.join('')).not.toContain('an alert');
      await jack.ctx.monitor.stop();
      expect(jack.ctx.monitor.remembered).toBe(looks);
    } finally {
      await redis.stop();
    }
  });
});
