/** The fault table, rows of Sentinel and Cluster. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, it } from '@jest/globals';
import { slotOf } from '../../../services/redis/slot.js';
import { ClusterStage } from '../../support/clusterStage.js';
import type { RedisServer } from '../../support/redisServer.js';
import { GROUP, type SentinelServers, startSentinelServers } from '../../support/sentinelServers.js';
import { describeWithRedis } from '../../support/services.js';
import { type TowerOnServer, towerOnServer } from '../../support/towerOnServer.js';
import { until } from '../../support/until.js';
import { expectHarmless, runFault } from './fault.js';
import { newConversation, newOrganization } from './values.js';

const ALL = { before: true, during: true };
/** What a shard did not take in is dropped and not handed back, since the others of the cluster are in use. */
const ONLY_BEFORE = { before: true, during: false };
/** A sentinel calls a master down after 1 s, the nodes of the cluster one another after 2 s; then they vote. */
const FAILOVER_MS = 10_000;

const isMaster = async (server: RedisServer) =>
  (await server.command('INFO', 'replication')).includes('role:master');

describeWithRedis('Fault table: Sentinel', () => {
  let all: SentinelServers;
  let tower: TowerOnServer;
  beforeEach(async () => {
    all = await startSentinelServers();
    tower = await towerOnServer({ target: { sentinel: { nodes: all.sentinels, name: GROUP } } });
  });
  afterEach(async () => {
    await tower.stop();
    for (const server of all.servers) server.resume();
    await all.stop();
  });
  // The client keeps a timer for two seconds after a connection to a sentinel.
  afterAll(() => pause(2_000));

  const rows: [string, (master: RedisServer) => Promise<unknown>][] = [
    ['Sentinel: master killed', (master) => master.kill()],
    ['Sentinel: master frozen', async (master) => master.pause()],
    ['Sentinel: failover by hand (READONLY)', () => all.failOver()],
  ];
  for (const [row, inject] of rows) {
    it(row, async () => {
      const [old, promoted] = [await all.master(), await all.replica()];
      const report = await runFault(tower, {
        row,
        isMapExpected: true,
        keeps: ALL,
        // A replica that has not copied the master yet has nothing to take over with.
        prepare: () =>
          until(
            async () => (await promoted.command('INFO', 'replication')).includes('master_link_status:up'),
            {
              what: 'the replica to be in step',
              timeoutMs: 10_000,
            },
          ),
        inject: () => inject(old),
        heal: () =>
          until(() => isMaster(promoted), { what: 'the promotion', timeoutMs: FAILOVER_MS, everyMs: 5 }),
      });
      expectHarmless(report);
      expect(await all.master()).toBe(promoted);
    });
  }
});

describeWithRedis('Fault table: Cluster', () => {
  const stage = ClusterStage.inThisFile();
  let tower: TowerOnServer;
  beforeEach(async () => {
    tower = await towerOnServer({ target: { clusterNodes: stage.all.nodes } });
  });
  afterEach(() => tower.stop());

  /** A name in this slot, as the cache would store it. */
  function keyIn(slot: (slot: number) => boolean) {
    for (;;) {
      const key = tower.keys.presence(newOrganization(), newConversation(), 'presence');
      if (slot(slotOf(key.name))) return key;
    }
  }

  it('Slots migrate: MOVED and ASK are followed, Redis stays in use', async () => {
    const [from, to] = [await stage.all.ownerOf(0), await stage.all.ownerOf(10_000)];
    let moving: number[] = [];
    const report = await runFault(tower, {
      row: 'Cluster: slots migrate (MOVED, ASK)',
      isMapExpected: false,
      keeps: ONLY_BEFORE,
      prepare: async () => {
        const names = (await from.command('KEYS', 'jack:faults:*')).split('\n').filter(Boolean);
        const slots = [...new Set(names.map(slotOf))];
        moving = slots.slice(0, 20);
      },
      inject: async () => {
        for (const slot of moving.slice(0, 10)) await stage.migrate(slot, from, to);
        for (const slot of moving.slice(10)) await stage.beginMigration(slot, from, to);
      },
      heal: async () => {
        for (const slot of moving.slice(10)) await stage.endMigration(slot, from, to);
      },
    });
    expect(moving.length).toBeGreaterThan(10);
    expectHarmless(report);
    expect(tower.cache.report().modeChanges).toBe(0);
    for (const slot of moving) await stage.migrate(slot, to, from);
  });

  it('A master is killed: its replica takes over', async () => {
    const victim = await stage.all.ownerOf(0);
    const promoted = stage.all.replicaOf(victim);
    const key = keyIn((slot) => slot < 5_000);
    const report = await runFault(tower, {
      row: 'Cluster: master killed',
      isMapExpected: false,
      keeps: ONLY_BEFORE,
      inject: () => victim.kill(),
      heal: () =>
        until(() => isMaster(promoted), { what: 'the promotion', timeoutMs: FAILOVER_MS, everyMs: 5 }),
      isRecovered: async () => {
        await tower.cache.set(key, 'v' as never);
        return (await promoted.command('EXISTS', key.name)) === '1';
      },
    });
    expectHarmless(report, 5_000);
    expect(tower.cache.report().modeChanges).toBe(0);
    await victim.restart();
  });
});
