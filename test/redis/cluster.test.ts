/** Connections to a Redis Cluster, and slots that move under traffic. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { SLOTS, slotOf } from '../../services/redis/slot.js';
import { ClusterStage } from '../support/clusterStage.js';
import type { RedisServer } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { TcpProxy } from '../support/tcpProxy.js';
import { until } from '../support/until.js';

describeWithRedis('A Redis Cluster', () => {
  const stage = ClusterStage.inThisFile();

  it('A name lies in the slot that the server says', async () => {
    await stage.open();
    const plain = ['', 'a', 'jack:x:{abc}:d', '{}a', '{a}{b}', 'a{', 'a{b', 'a}b{c}', 'ä{ö}ü'];
    for (const name of [...plain, ...stage.namesOn(() => true, 20)]) {
      const said = await stage.all.servers[0]!.command('CLUSTER', 'KEYSLOT', name);
      expect([name, String(slotOf(name))]).toEqual([name, said]);
    }
  });

  it('It is ready when all shards are, and health tells of each', async () => {
    const { cache, connections } = await stage.open();
    expect(cache.mode).toBe('redis');
    await Promise.all(stage.namesOn(() => true, 300).map((name) => stage.set(name)));
    const health = await connections.health();
    expect(health).toMatchObject({
      state: 'ready',
      topology: 'cluster',
      role: 'master',
      lastError: null,
      connections: { command: { ready: 3, total: 3 }, subscriber: null, blockingReaders: 0 },
    });
    expect(health.servers.map(({ state, role }) => [state, role])).toEqual(
      Array(3).fill(['ready', 'master']),
    );
    expect(health.servers.reduce((sum, { slots }) => sum + (slots ?? 0), 0)).toBe(SLOTS);
    expect(health.usedMemoryBytes).toBeGreaterThan(3_000_000);
  });

  it('The subscriber hears what is published on any node', async () => {
    const { connections } = await stage.open();
    const heard: string[] = [];
    const subscriber = connections.subscriber();
    subscriber.on('message', (_channel, message) => heard.push(message));
    await subscriber.subscribe('test:channel');
    for (const [n, server] of stage.all.servers.entries()) {
      await server.command('PUBLISH', 'test:channel', String(n));
    }
    await until(() => heard.length === 6, { what: 'the messages' });
    expect([...heard].sort((a, b) => a.localeCompare(b))).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  it('A blocking reader waits on the node of its key, and is ended with the rest', async () => {
    const { connections } = await stage.open();
    const reader = connections.blockingReader({ longestBlockMs: 2_000 });
    const [list] = stage.namesOn(() => true, 1) as [string];
    const popped = reader.blpop(list, 1.5);
    await pause(800);
    await stage.call(list, (client) => client.rpush(list, 'item'));
    expect(await popped).toEqual([list, 'item']);
    expect((await connections.health()).connections.blockingReaders).toBe(1);
    await connections.stop();
    expect((await connections.health()).connections.blockingReaders).toBe(0);
  });

  it('Slots migrate under traffic: every command finds its key, nothing is away, nobody waits', async () => {
    const traffic = await stage.openWithTraffic();
    const { connections, log } = stage.tower;
    const [from, to] = [await stage.all.ownerOf(0), await stage.all.ownerOf(10_000)];
    const moving = [...new Set(traffic.keys.map(({ name }) => slotOf(name)))].filter((slot) => slot < 5_461);
    expect(moving.length).toBeGreaterThan(3);
    for (const slot of moving) await stage.migrate(slot, from, to);
    await stage.expectNobodyNoticed(traffic);
    expect(connections.guard.isOpen).toBe(false);
    expect(log().filter((line) => line.includes('shard'))).toEqual([]);
    const slots = (await connections.health()).servers.map((server) => server.slots);
    expect(slots).toContain(5_461 - moving.length);
    for (const slot of moving) await stage.migrate(slot, to, from);
  });

  it('A slot that is half moved: what has moved is asked for there', async () => {
    const { connections } = await stage.open();
    const slot = 77;
    const [from, to] = [await stage.all.ownerOf(slot), await stage.all.ownerOf(10_000)];
    const [one, two] = stage.namesOn((each) => each === slot, 2) as [string, string];
    await stage.set(one, 'moved');
    await stage.beginMigration(slot, from, to);
    await from.command('MIGRATE', '127.0.0.1', String(to.port), one, '0', '1000');
    expect(await stage.get(one)).toBe('moved');
    await stage.set(two, 'new');
    expect(await stage.get(two)).toBe('new');
    const replies = await stage.call(one, (client) => client.pipeline().set(one, 'again').get(one).exec());
    expect(replies?.map(([, reply]) => reply)).toEqual(['OK', 'again']);
    expect(connections.guard.isOpen).toBe(false);
    await stage.endMigration(slot, from, to);
    expect(await stage.get(two)).toBe('new');
    await stage.migrate(slot, to, from);
  });

  it('The move of one slot does not send the others of its range astray', async () => {
    await stage.open();
    const [from, to] = [await stage.all.ownerOf(0), await stage.all.ownerOf(10_000)];
    const moving = stage.namesOn((slot) => slot === 5, 1);
    const others = stage.namesOn((slot) => slot > 5 && slot < 5_461, 60);
    await stage.migrate(5, from, to);
    await to.command('CONFIG', 'RESETSTAT');
    for (let n = 0; n < 20; n += 1) await Promise.all([...moving, ...others].map((name) => stage.get(name)));
    expect(await to.command('INFO', 'errorstats')).not.toContain('errorstat_MOVED');
    await stage.migrate(5, to, from);
  });

  it('Replies of one shard are lost and its connections reset: every promise settles, no command runs twice', async () => {
    const master = await stage.all.ownerOf(0);
    const proxy = await TcpProxy.start({ targetPort: master.port });
    const increment = (name: string) => stage.call(name, (client) => client.incr(name));
    try {
      await announce(master, proxy.port);
      const { connections } = await stage.open();
      const [first, ...names] = stage.namesOn((slot) => slot < 5_000, 100) as [string, ...string[]];
      expect(await increment(first)).toBe(1);
      await proxy.loseReplies();
      const settled = await Promise.allSettled(names.map(increment));
      expect(settled.filter(({ status }) => status === 'fulfilled')).toEqual([]);
      expect(connections.guard.isOpen).toBe(false);
      await proxy.pass();
      await until(async () => (await increment(first)) > 1, { what: 'the shard' });
      await pause(300);
      const counts = await Promise.all(names.map((name) => master.command('GET', name)));
      expect(counts.filter((count) => count === '1').length).toBeGreaterThan(0);
      expect(counts.filter((count) => !['', '1'].includes(count))).toEqual([]);
    } finally {
      await announce(master, master.port);
      await proxy.stop();
    }
  });

  it('A process that stops its connections while they wait for an answer ends by itself', async () => {
    const program = `
      import { RedisConnections } from './services/redis.ts';
      import { createLogger } from './services/logger.ts';
      const target = { url: undefined, host: '', port: 0, password: undefined, db: 0, tls: false,
        connectionTimeoutMs: 500, commandTimeoutMs: 500, maxRetries: 0, clusterNodes: ${JSON.stringify(stage.all.nodes)} };
      const logger = createLogger({ level: 'error', format: 'json' });
      const connections = RedisConnections.create({ target, logger, probeKey: 'p', random: Math.random, isNamed: true });
      await connections.start();
      connections.subscriber();
      connections.blockingReader();
      console.log('started');
      await new Promise((resolve) => setTimeout(resolve, 1_250));
      await connections.stop();`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      for (const server of stage.all.servers) server.pause();
      await pause(1_350);
      for (const server of stage.all.servers) server.resume();
      expect(await Promise.race([ended, pause(6_000, 'it goes on', { ref: false })])).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  /** Lets a master be known under another port. */
  async function announce(master: RedisServer, port: number): Promise<void> {
    await master.command('CONFIG', 'SET', 'cluster-announce-port', String(port));
    for (const server of stage.all.servers) {
      const knows = async () => (await server.command('CLUSTER', 'SLOTS')).split('\n').includes(String(port));
      await until(knows, { what: 'the port to be known' });
    }
  }
});
