/** The fault table, rows of the server itself: it dies, hangs, comes back empty or with old data. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { sendCommand } from '../../../scripts/lib/resp.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { type TowerOnServer, towerOnServer } from '../../support/towerOnServer.js';
import { until } from '../../support/until.js';
import { expectHarmless, keepRow, LONGEST_STALL_MS, runFault } from './fault.js';
import { startStopwatch } from './stopwatch.js';
import { liveViewOf, newOrganization } from './values.js';

const ALL = { before: true, during: true };
const ONLY_DURING = { before: false, during: true };
const ONLY_BEFORE = { before: true, during: false };
const BUSY_FOR_2_S = `
  local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
  local ends = now() + 2000
  while now() < ends do end
  return 1`;

describeWithRedis('Fault table: the server', () => {
  let server: RedisServer;
  let tower: TowerOnServer;
  beforeEach(async () => {
    server = await startRedis({ args: ['--enable-debug-command', 'yes'] });
    tower = await towerOnServer({ target: { url: server.url } });
  });
  afterEach(async () => {
    server.resume();
    await tower.stop();
    await server.stop();
  });

  /** In the background, so that nobody waits for it. */
  async function save(): Promise<void> {
    await server.command('BGSAVE');
    await until(
      async () => (await server.command('INFO', 'persistence')).includes('rdb_bgsave_in_progress:0'),
      {
        what: 'the data to be saved',
        timeoutMs: 10_000,
      },
    );
  }

  it('kill -9, restarted empty', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'kill -9, restarted empty',
        isMapExpected: true,
        keeps: ONLY_DURING,
        inject: () => server.kill(),
        heal: () => server.restart(),
      }),
    );
  });

  it('SIGSTOP', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'SIGSTOP (hang)',
        isMapExpected: true,
        keeps: ALL,
        lastsMs: 1_000,
        inject: async () => server.pause(),
        heal: async () => server.resume(),
      }),
    );
  });

  it('Restarted with what it had saved, while it is still loading', async () => {
    await server.command('DEBUG', 'POPULATE', '500000', 'foreign', '100');
    const report = await runFault(tower, {
      row: 'restart, loading a large RDB',
      isMapExpected: true,
      keeps: ALL,
      prepare: () => save(),
      inject: async () => {
        await server.kill();
        await server.restart();
        expect(await server.command('INFO', 'persistence')).toMatch(/loading:1/);
      },
      heal: () =>
        until(async () => (await server.command('INFO', 'persistence')).includes('loading:0'), {
          what: 'the data to be loaded',
          timeoutMs: 10_000,
          everyMs: 10,
        }),
    });
    expectHarmless(report);
  });

  it('A caller alone on a server that hangs', async () => {
    const watch = startStopwatch();
    server.pause();
    const key = tower.keys.liveView(newOrganization());
    const found = await watch.time(() => tower.cache.getOrLoad(key, async () => liveViewOf(1)));
    expect(found?.open).toBe(1);
    for (let n = 0; n < 5; n += 1) await watch.time(() => tower.cache.get(key));
    expect(tower.cache.mode).toBe('memory');
    watch.stop();
    const { errors, longestStallMs, stalls } = watch.report();
    keepRow({
      row: 'one caller alone, SIGSTOP',
      errors: errors.length,
      longestStallMs,
      stallsOver150: stalls,
    });
    expect(errors).toEqual([]);
    expect(longestStallMs).toBeLessThan(LONGEST_STALL_MS);
  });

  it('DEBUG SLEEP', async () => {
    let sleep: Promise<string> | undefined;
    expectHarmless(
      await runFault(tower, {
        row: 'DEBUG SLEEP 1.5',
        isMapExpected: true,
        keeps: ALL,
        inject: async () => {
          sleep = server.command('DEBUG', 'SLEEP', '1.5');
        },
        heal: async () => await sleep,
      }),
    );
  });

  it('A script that runs for two seconds', async () => {
    let script: Promise<string> | undefined;
    expectHarmless(
      await runFault(tower, {
        row: 'a script of 2 s',
        isMapExpected: true,
        keeps: ALL,
        inject: async () => {
          script = sendCommand({ port: server.port, timeoutMs: 10_000 }, ['EVAL', BUSY_FOR_2_S, '0']);
        },
        heal: async () => await script,
      }),
    );
  });

  it('CLIENT PAUSE', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'CLIENT PAUSE 1500',
        isMapExpected: true,
        keeps: ALL,
        inject: () => server.command('CLIENT', 'PAUSE', '1500', 'ALL'),
        heal: () => server.command('PING'),
      }),
    );
  });

  it('FLUSHALL', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'FLUSHALL',
        isMapExpected: false,
        keeps: ONLY_DURING,
        inject: () => server.flushAll(),
      }),
    );
  });

  it('SCRIPT FLUSH', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'SCRIPT FLUSH',
        isMapExpected: false,
        keeps: ALL,
        inject: () => server.command('SCRIPT', 'FLUSH'),
      }),
    );
  });

  it('maxmemory with noeviction', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    expectHarmless(
      await runFault(tower, {
        row: 'maxmemory, noeviction',
        isMapExpected: false,
        keeps: ONLY_BEFORE,
        lastsMs: 1_000,
        inject: () => server.command('CONFIG', 'SET', 'maxmemory', '1'),
        heal: () => server.command('CONFIG', 'SET', 'maxmemory', '0'),
      }),
    );
  });

  it('READONLY', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'demoted to a replica (READONLY)',
        isMapExpected: true,
        keeps: ALL,
        inject: () => server.command('REPLICAOF', '127.0.0.1', '1'),
        heal: () => server.command('REPLICAOF', 'NO', 'ONE'),
      }),
    );
  });
});
