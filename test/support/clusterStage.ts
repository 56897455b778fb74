/** A cluster for the tests of one file, and for each test a tower on it; both are ended in time. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import { nameInSlots } from '../../services/redis/slot.js';
import { type CacheOnRedis, openCacheOnRedis } from './cacheOnRedis.js';
import { type ClusterServers, startClusterServers } from './clusterServers.js';
import { type FailoverTraffic, startFailoverTraffic } from './failoverTraffic.js';
import type { RedisServer } from './redisServer.js';
import { until } from './until.js';

export class ClusterStage {
  #all: ClusterServers | undefined;
  #tower: CacheOnRedis | undefined;
  #traffic: FailoverTraffic | undefined;

  /** Registers its hooks: to be called where tests are described. */
  static inThisFile(): ClusterStage {
    const stage = new ClusterStage();
    beforeAll(async () => {
      stage.#all = await startClusterServers();
    }, 30_000);
    afterEach(async () => {
      await stage.#traffic?.stop();
      await stage.#tower?.close();
      stage.#traffic = undefined;
      stage.#tower = undefined;
    });
    afterAll(() => stage.#all?.stop());
    return stage;
  }

  get all(): ClusterServers {
    if (!this.#all) throw new Error('the cluster runs within tests only');
    return this.#all;
  }

  get tower(): CacheOnRedis {
    if (!this.#tower) throw new Error('open it first');
    return this.#tower;
  }

  async open(): Promise<CacheOnRedis> {
    const target = { url: undefined, clusterNodes: this.all.nodes };
    this.#tower = await openCacheOnRedis({ url: '', target });
    return this.#tower;
  }

  async openWithTraffic(): Promise<FailoverTraffic> {
    const tower = await this.open();
    const traffic = startFailoverTraffic(tower.cache, 40);
    this.#traffic = traffic;
    await until(() => traffic.report().calls > 400, { what: 'traffic' });
    return traffic;
  }

  async expectNobodyNoticed(traffic: FailoverTraffic): Promise<void> {
    const seen = traffic.report().calls;
    await until(() => traffic.report().calls > seen + 400, { what: 'traffic' });
    const { errors, wrong, stalls } = await traffic.stop();
    expect({ errors, wrong }).toEqual({ errors: [], wrong: [] });
    expect(stalls).toBeLessThanOrEqual(1);
  }

  /** Names of nothing yet, each in a slot that is wanted. */
  namesOn(isWanted: (slot: number) => boolean, count: number): string[] {
    return Array.from({ length: count }, () => nameInSlots(`test:${randomUUID()}`, isWanted));
  }

  /** One exchange as the cache makes it, behind the guard of the name's shard. */
  call<T>(name: string, work: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    const { connections } = this.tower;
    const group = connections.groupOf(name);
    return connections.exchange(() => work(connections.clientOf(group)), 'test', group);
  }

  set(name: string, value = 'v'): Promise<'OK'> {
    return this.call(name, (client) => client.set(name, value, 'PX', 60_000));
  }

  get(name: string): Promise<string | null> {
    return this.call(name, (client) => client.get(name));
  }

  async beginMigration(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    await to.command('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', await this.all.idOf(from));
    await from.command('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', await this.all.idOf(to));
  }

  async endMigration(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    for (;;) {
      const found = await from.command('CLUSTER', 'GETKEYSINSLOT', String(slot), '100');
      const names = found.split('\n').filter(Boolean);
      if (names.length === 0) break;
      await from.command('MIGRATE', '127.0.0.1', String(to.port), '', '0', '1000', 'KEYS', ...names);
    }
    for (const server of [to, from]) {
      await server.command('CLUSTER', 'SETSLOT', String(slot), 'NODE', await this.all.idOf(to));
    }
  }

  async migrate(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    await this.beginMigration(slot, from, to);
    await this.endMigration(slot, from, to);
  }
}
