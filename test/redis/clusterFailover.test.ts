/** What the death of a shard of a Redis Cluster means: for the other shards, for its own names, and for the tower. */
import { expect, it } from '@jest/globals';
import { RedisAwayError } from '../../services/redis/guard.js';
import { SLOTS } from '../../services/redis/slot.js';
import { valueKey } from '../support/cacheOnRedis.js';
import { ClusterStage } from '../support/clusterStage.js';
import { STALL_MS } from '../support/failoverTraffic.js';
import type { RedisServer } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

/** The nodes' own time-out is 2 s; 4.7 and 5.2 s were measured on a busy machine. */
const BACK_MS = 8_000;

describeWithRedis('A Redis Cluster that loses a shard', () => {
  const stage = ClusterStage.inThisFile();

  /** How a call to this name ends, and the longest that one took. */
  function stopwatch() {
    let longestMs = 0;
    return {
      longestMs: () => longestMs,
      set: async (name: string): Promise<unknown> => {
        const startedAtMs = performance.now();
        const error = await stage.set(name).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        longestMs = Math.max(longestMs, performance.now() - startedAtMs);
        return error;
      },
    };
  }

  /** Writes through the tower until one has reached the server. */
  async function untilWrittenTo(server: RedisServer, name: string): Promise<void> {
    const key = { ...valueKey<string>('timed'), name };
    await until(
      async () => {
        await stage.tower.cache.set(key, 'after');
        return (await server.command('EXISTS', name)) === '1';
      },
      { what: 'writes to the promoted one', timeoutMs: BACK_MS },
    );
    expect(await stage.tower.cache.get(key)).toBe('after');
  }

  it('A master is killed: the others do not notice, its names fail at once, and its replica takes over within eight seconds', async () => {
    const { connections, log } = await stage.open();
    const victim = await stage.all.ownerOf(0);
    const isDead = (slot: number) => slot < SLOTS / 3 - 1;
    const [ofDead, ofOthers] = [stage.namesOn(isDead, 20), stage.namesOn((slot) => slot > SLOTS / 3 + 1, 20)];
    await victim.kill();
    await until(async () => (await stopwatch().set(ofDead[0]!)) instanceof RedisAwayError, {
      what: 'the shard to be away',
      everyMs: 1,
    });
    const { set, longestMs } = stopwatch();
    const startedAtMs = performance.now();
    for (let isAway = true; isAway; ) {
      const [failed, others] = [await Promise.all(ofDead.map(set)), await Promise.all(ofOthers.map(set))];
      expect(others.filter(Boolean)).toEqual([]);
      for (const error of failed.filter(Boolean)) expect(error).toBeInstanceOf(RedisAwayError);
      expect([connections.guard.isOpen, connections.isReady()]).toEqual([false, true]);
      expect(performance.now() - startedAtMs).toBeLessThan(BACK_MS);
      isAway = failed.some(Boolean);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(longestMs()).toBeLessThan(STALL_MS);
    const said = log().map((line) => (JSON.parse(line) as { message: string }).message);
    expect(said.filter((message) => message.includes('shard'))).toEqual([
      'a shard of the Redis cluster is away',
      'a shard of the Redis cluster is back',
    ]);
    await victim.restart();
  });

  it('A master is killed under traffic through the tower: nobody notices', async () => {
    const traffic = await stage.openWithTraffic();
    const { cache } = stage.tower;
    const victim = await stage.all.ownerOf(8_000);
    const [name] = stage.namesOn((slot) => slot === 8_000, 1) as [string];
    await cache.set({ ...valueKey<string>('timed'), name }, 'before');
    await victim.kill();
    await untilWrittenTo(stage.all.replicaOf(victim), name);
    expect(cache.report()).toMatchObject({ mode: 'redis', modeChanges: 0 });
    await until(() => cache.report().handBack.pending === 0, { what: 'what was owed', timeoutMs: BACK_MS });
    await stage.expectNobodyNoticed(traffic);
    await victim.restart();
  });

  it('A master is frozen under traffic through the tower: nobody notices, and its replica is written to', async () => {
    const traffic = await stage.openWithTraffic();
    const victim = await stage.all.ownerOf(12_000);
    const promoted = stage.all.replicaOf(victim);
    const [name] = stage.namesOn((slot) => slot === 12_000, 1) as [string];
    victim.pause();
    try {
      await untilWrittenTo(promoted, name);
      expect(stage.tower.cache.report()).toMatchObject({ mode: 'redis', modeChanges: 0 });
    } finally {
      victim.resume();
    }
    const names = stage.namesOn((slot) => slot === 12_000, 50);
    for (const each of names) {
      await stage.set(each);
      expect(await promoted.command('EXISTS', each)).toBe('1');
    }
    await stage.expectNobodyNoticed(traffic);
    await until(async () => (await victim.command('INFO', 'replication')).includes('role:slave'), {
      what: 'the old master to be a replica',
      timeoutMs: BACK_MS,
    });
  });

  it('All nodes die and come back: the Map serves, and what it took in is handed back', async () => {
    const { cache, connections } = await stage.open();
    const key = valueKey<string>('checked');
    await Promise.all(stage.all.servers.map((server) => server.kill()));
    await until(() => cache.mode === 'memory', { what: 'the Map' });
    await cache.set(key, 'during');
    expect(await connections.health()).toMatchObject({ state: 'connecting' });
    await Promise.all(stage.all.servers.map((server) => server.restart()));
    await until(() => cache.mode === 'redis', { what: 'the cluster', timeoutMs: 12_000 });
    await until(() => cache.report().handBack.moved === 1, { what: 'the hand-back' });
    expect(await cache.get(key)).toBe('during');
  });
});
