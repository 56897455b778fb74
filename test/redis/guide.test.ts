/** Every command of REDIS_IMPLEMENTATION_GUIDE.md that says "tested", typed against a real server and a started Jack. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createConversationMaker } from '../../bench/conversations.js';
import { newOrganizationId } from '../support/cacheSubjects.js';
import { createGuideShell, type GuideShell } from '../support/guideShell.js';
import { type JackProcess, preparedDataDirectory, startJack } from '../support/jackProcess.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { towerOnServer } from '../support/towerOnServer.js';
import { until } from '../support/until.js';
import { testedBlocks } from '../unit/docs/_guide.js';

const PREFIX = 'jack:production:';
const [PASSWORD, NEW_PASSWORD] = ['the-first-password-of-jack', 'the-second-password-of-jack'];
const ADMIN_API_KEY = 'guide-administrator-key-0123456789';
const METRICS_TOKEN = 'guide-metrics-token-0123456789';
const STATE = {
  organizations: {
    'north-shore': { name: 'North Shore', timezone: 'America/Vancouver', phoneNumbers: ['+16045550100'] },
  },
  conversationHistory: {
    'north-shore:+16045550123': [{ role: 'user', content: 'Hi', timestamp: '2026-03-01T18:00:00Z' }],
  },
};

describeWithRedis('Commands of the guide', () => {
  let server: RedisServer;
  let jack: JackProcess;
  let shell: GuideShell;
  let admin: Redis;
  const env: Record<string, string> = {
    ADMIN_API_KEY,
    METRICS_TOKEN,
    JACK_REDIS_PASSWORD: PASSWORD,
    NEW_REDIS_PASSWORD: NEW_PASSWORD,
  };
  const seen = new Set<string>();
  const typed = async (block: string, where?: string): Promise<string> => {
    const commands = testedBlocks.get(block);
    if (commands === undefined) throw new Error(`The guide has no commands "${block}".`);
    seen.add(block);
    return await shell.run(commands, where);
  };
  const typedJson = async (block: string) => JSON.parse(await typed(block)) as Record<string, unknown>;

  beforeAll(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
    env.REDIS_URL = server.url;
    shell = createGuideShell(env);
    expect(await typed('A user for Jack 1')).toMatch(/^OK\n/);
    jack = await startJack({
      NODE_ENV: 'development',
      DATA_DIR: preparedDataDirectory(),
      USE_REDIS: 'true',
      REDIS_URL: server.url,
      REDIS_USERNAME: 'jack',
      REDIS_PASSWORD: PASSWORD,
      REDIS_KEY_PREFIX: PREFIX,
      REPLY_WINDOW_MS: '0',
      REPLY_MAX_WAIT_MS: '0',
      ADMIN_API_KEY,
      METRICS_TOKEN,
    });
    env.JACK_URL = jack.url;
    const [organization] = (await get('/api/simulator/organizations')) as {
      id: string;
      organizationId: string;
    }[];
    env.ORGANIZATION = organization?.id ?? organization?.organizationId ?? '';
    shell = createGuideShell(env);
  }, 60_000);
  afterAll(async () => {
    admin.disconnect();
    await jack?.terminate();
    await server.stop();
  });

  const get = async (route: string): Promise<unknown> => await (await fetch(`${jack.url}${route}`)).json();
  const stats = async () =>
    (await get('/api/cache/stats')) as {
      mode: string;
      kinds: Record<string, { bytesWritten: number }>;
      pubsub: { state: string };
      rateLimits: { counted: { redis: number } };
    };
  const stored = async () => (await stats()).kinds.snapshot?.bytesWritten ?? 0;
  /** From the phone page; returns when the turn has stored its snapshot. */
  async function text(body: string): Promise<void> {
    const before = await stored();
    const response = await fetch(`${jack.url}/api/simulator/texts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ organizationId: env.ORGANIZATION, from: '+16045550123', body }),
    });
    expect(response.status).toBe(202);
    await until(async () => (await stored()) > before, { what: 'the snapshot', timeoutMs: 10_000 });
  }

  it('Jack as that user: a text is answered, processes are heard, limits are counted, and nothing else is tried', async () => {
    await admin.call('ACL', 'LOG', 'RESET');
    await text('Hello, do you have any SUVs?');
    await text('And under 30k?');
    await fetch(`${jack.url}/api/leads`, { headers: { authorization: 'Bearer wrong' } });
    const { mode, pubsub, rateLimits } = await stats();
    expect({ mode, pubsub: pubsub.state }).toEqual({ mode: 'redis', pubsub: 'listening' });
    expect(rateLimits.counted.redis).toBeGreaterThan(0);
    await get('/api/health/redis');
    const refused = (await admin.call('ACL', 'LOG')) as unknown[][];
    const objects = new Set(refused.map((entry) => entry[entry.indexOf('object') + 1]));
    // The two questions that the guide names.
    expect([...objects].filter((object) => object !== 'acl|getuser' && object !== 'config|get')).toEqual([]);
    expect(jack.output()).not.toMatch(/NOPERM|"level":"(?:warn|error)"/);
  });

  it('The server: memory, policy, and no files', async () => {
    expect(await typed('Memory and eviction 1')).toMatch(
      /maxmemory_human:1\.00G[\s\S]*maxmemory_policy:allkeys-lru/,
    );
    expect(await typed('Persistence 1')).toBe('OK\nOK\n');
    const of = async (name: string) => ((await admin.config('GET', name)) as string[])[1];
    expect([await of('maxmemory'), await of('maxmemory-policy')]).toEqual([String(2 ** 30), 'allkeys-lru']);
    expect([await of('save'), await of('appendonly')]).toEqual(['', 'no']);
  });

  it('Health, statistics and metrics', async () => {
    expect(await typedJson('Quick start 1')).toMatchObject({ recommendations: expect.any(Array) });
    const health = (await typed('Health 1'))
      .replace(/\}\s*\{"/g, '}\n{"')
      .trim()
      .split('\n');
    expect(health.map((line) => Object.keys(JSON.parse(line) as object).includes('checks'))).toEqual([
      true,
      false,
      true,
    ]);
    expect(await typedJson('Statistics 1')).toMatchObject({ mode: 'redis', kinds: { snapshot: {} } });
    const metrics = await typed('Metrics 1');
    expect(metrics).toContain('jack_cache_mode{mode="redis"} 1');
    expect(metrics).toContain('jack_redis_breaker_open 0');
  });

  it('What the snapshots take', async () => {
    expect(await typed('What yours take 1')).toMatch(/^1 snapshots, [1-9]\d{2,3} bytes each\n$/);
  });

  it('Redis is taken away and given back', async () => {
    expect(await typed('Taking Redis away and giving it back 1')).toBe('{"mode":"memory"}{"mode":"redis"}');
  });

  it('What the Map holds is saved and taken in again', async () => {
    await force(true);
    await text('Are you still there?');
    await typed('Backup 1');
    const lines = readFileSync(path.join(shell.folder, 'fallback.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(
      expect.arrayContaining([expect.stringContaining(`${PREFIX}snapshot:`)]),
    );
    expect(await force(false)).toEqual({ mode: 'redis' });
    expect(await typed('Backup 2')).toBe(`{"taken":${lines.length}}`);
  });

  it('An organization is emptied', async () => {
    await text('Thanks');
    const [listed = '', cleared = ''] = (await typed('Emptying one organization 1')).split('\n');
    expect(Number(listed)).toBeGreaterThan(0);
    expect(JSON.parse(cleared)).toEqual({ cleared: expect.any(Number) });
    expect(await admin.exists(`${PREFIX}index:{${env.ORGANIZATION}}`)).toBe(0);
  });

  it('The password changes without a break', async () => {
    const opens = async (password: string) => {
      const client = new Redis(server.url, {
        username: 'jack',
        password,
        lazyConnect: true,
        retryStrategy: null,
      });
      // The refusal comes as a rejection as well.
      client.on('error', () => undefined);
      try {
        await client.connect();
        return true;
      } catch {
        return false;
      } finally {
        client.disconnect();
      }
    };
    expect(await typed('Changing the password 1')).toBe('OK\n');
    expect([await opens(PASSWORD), await opens(NEW_PASSWORD)]).toEqual([true, true]);
    expect(await typed('Changing the password 2')).toBe('OK\n');
    expect([await opens(PASSWORD), await opens(NEW_PASSWORD)]).toEqual([false, true]);
    await text('And still there?');
    expect((await stats()).mode).toBe('redis');
  });

  it('Maps are migrated, tried first', async () => {
    const file = path.join(shell.folder, 'state.json');
    writeFileSync(file, JSON.stringify(STATE));
    Object.assign(env, {
      STATE_FILE: file,
      DATA_DIR: preparedDataDirectory(),
      NODE_ENV: 'test',
      USE_REDIS: 'false',
    });
    shell = createGuideShell(env);
    const said = await typed('Migrating a server that still uses Maps 1', process.cwd());
    expect(said).toMatch(/conversationHistory[\s\S]*conversationHistory/);
  }, 60_000);

  it('All of them were typed', () => {
    expect([...testedBlocks.keys()].filter((block) => !seen.has(block))).toEqual([]);
  });

  async function force(forced: boolean): Promise<unknown> {
    const response = await fetch(`${jack.url}/api/admin/cache/fallback`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ forced }),
    });
    return await response.json();
  }
});

describeWithRedis('A conversation of 20 messages of 120 characters', () => {
  it('takes at most 2.5 kB of Redis, its place in the list of its organization included', async () => {
    const server = await startRedis();
    const tower = await towerOnServer({ target: { port: server.port } });
    try {
      const used = async () =>
        Number(/^used_memory:(\d+)/m.exec(await server.command('INFO', 'memory'))?.[1]);
      const maker = createConversationMaker();
      const organizations = Array.from({ length: 100 }, () => newOrganizationId());
      const before = await used();
      for (const id of organizations) {
        const snapshots = Array.from({ length: 40 }, () => maker.snapshot(id, 20));
        await Promise.all(snapshots.map((snapshot) => tower.adapter.storeSnapshot(id, snapshot)));
      }
      expect(((await used()) - before) / (40 * organizations.length)).toBeLessThan(2_500);
    } finally {
      await tower.stop();
      await server.stop();
    }
  });
});
