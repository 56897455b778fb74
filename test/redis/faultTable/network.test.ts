/** The fault table, rows of the way to the server: a proxy between the tower and a real Redis. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { TcpProxy } from '../../support/tcpProxy.js';
import { type TowerOnServer, towerOnServer } from '../../support/towerOnServer.js';
import { expectHarmless, runFault } from './fault.js';

const ALL = { before: true, during: true };

describeWithRedis('Fault table: the network', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let tower: TowerOnServer;
  beforeEach(async () => {
    server = await startRedis();
    proxy = await TcpProxy.start({ targetPort: server.port });
    tower = await towerOnServer({ target: { url: `redis://127.0.0.1:${proxy.port}` } });
  });
  afterEach(async () => {
    await tower.stop();
    await proxy.stop();
    await server.stop();
  });

  for (const direction of ['both', 'toServer', 'toClient'] as const) {
    it(`Black hole, ${direction}`, async () => {
      expectHarmless(
        await runFault(tower, {
          row: `black hole (${direction})`,
          isMapExpected: true,
          keeps: ALL,
          lastsMs: 1_000,
          inject: () => proxy.blackHole(direction),
          heal: () => proxy.pass(),
        }),
      );
    });
  }

  it('Half-open connections', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'half-open connection',
        isMapExpected: true,
        keeps: ALL,
        inject: async () => proxy.halfOpen(),
      }),
    );
  });

  it('Every connection is reset', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'connection reset',
        isMapExpected: true,
        keeps: ALL,
        inject: async () => proxy.resetAll(),
      }),
    );
  });

  it('Requests arrive and their replies are lost', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'replies lost, requests executed',
        isMapExpected: true,
        keeps: ALL,
        lastsMs: 1_000,
        inject: () => proxy.loseReplies(),
        heal: () => proxy.pass(),
      }),
    );
  });

  it('Refused', async () => {
    expectHarmless(
      await runFault(tower, {
        row: 'connection refused',
        isMapExpected: true,
        keeps: ALL,
        lastsMs: 1_000,
        inject: () => proxy.cutOff(),
        heal: () => proxy.pass(),
      }),
    );
  });

  it('50 ms slower: below the deadline, so Redis stays in use', async () => {
    const report = await runFault(tower, {
      row: '50 ms slower',
      isMapExpected: false,
      keeps: ALL,
      lastsMs: 1_000,
      inject: () => proxy.latency(50),
      heal: () => proxy.pass(),
    });
    expectHarmless(report);
    expect(report.longestStallMs).toBeGreaterThan(50);
  });

  it('120 ms slower: above the deadline, so the Map serves', async () => {
    expectHarmless(
      await runFault(tower, {
        row: '120 ms slower',
        isMapExpected: true,
        keeps: ALL,
        lastsMs: 1_000,
        inject: () => proxy.latency(120),
        heal: () => proxy.pass(),
      }),
    );
  });
});
