/** The fault table, rows of passwords and of time. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Clock } from '../../../services/clock.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { type TowerOnServer, towerOnServer } from '../../support/towerOnServer.js';
import { until } from '../../support/until.js';
import { expectHarmless, runFault } from './fault.js';

const ALL = { before: true, during: true };
const OLD = 'correct-horse-battery-staple';
const NEW = 'another-horse-another-staple';
const HOUR_MS = 3_600_000;

describeWithRedis('Fault table: passwords', () => {
  let server: RedisServer;
  let admin: Redis;
  let tower: TowerOnServer;
  beforeEach(async () => {
    server = await startRedis();
    admin = new Redis(server.url);
    await admin.call('ACL', 'SETUSER', 'default', 'resetpass', `>${OLD}`);
    tower = await towerOnServer({ target: { url: server.url, password: OLD } });
    expect(tower.cache.mode).toBe('redis');
  });
  afterEach(async () => {
    await tower.stop();
    admin.disconnect();
    await server.stop();
  });
  const dropConnections = () => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

  it('Another password: the Map serves, and nothing secret is logged', async () => {
    const report = await runFault(tower, {
      row: 'wrong password',
      isMapExpected: true,
      keeps: ALL,
      lastsMs: 1_000,
      inject: async () => {
        await admin.call('ACL', 'SETUSER', 'default', 'resetpass', `>${NEW}`);
        await dropConnections();
      },
      heal: () => admin.call('ACL', 'SETUSER', 'default', `>${OLD}`),
    });
    expectHarmless(report);
    expect(tower.log()).toContain('the store of the state changed');
    for (const secret of [OLD, NEW, 'of a shopper who asks']) expect(tower.log()).not.toContain(secret);
  });

  it('Rotation: while both are valid, processes with either are served', async () => {
    const report = await runFault(tower, {
      row: 'password rotation, both valid',
      isMapExpected: true,
      keeps: ALL,
      inject: async () => {
        await admin.call('ACL', 'SETUSER', 'default', `>${NEW}`);
        await dropConnections();
      },
    });
    expectHarmless(report);
    const restarted = await towerOnServer({ target: { url: server.url, password: NEW } });
    expect(restarted.cache.mode).toBe('redis');
    await admin.call('ACL', 'SETUSER', 'default', `<${OLD}`);
    await dropConnections();
    await until(() => tower.cache.mode === 'memory', { what: 'the Map for the one with the old password' });
    await until(() => restarted.cache.mode === 'redis', { what: 'Redis for the one with the new password' });
    await restarted.stop();
  });
});

describeWithRedis('Fault table: time', () => {
  const clock = { jumpMs: 0, now: () => Date.now() + clock.jumpMs, monotonicMs: () => performance.now() };
  let server: RedisServer;
  let tower: TowerOnServer;
  beforeEach(async () => {
    clock.jumpMs = 0;
    server = await startRedis();
    tower = await towerOnServer({ target: { url: server.url }, clock: clock satisfies Clock });
  });
  afterEach(async () => {
    await tower.stop();
    await server.stop();
  });

  for (const hours of [1, -1]) {
    it(`The clock jumps by ${hours} h, and back`, async () => {
      const report = await runFault(tower, {
        row: `clock jump ${hours > 0 ? '+' : ''}${hours} h and back`,
        isMapExpected: false,
        keeps: ALL,
        inject: async () => {
          clock.jumpMs = hours * HOUR_MS;
          await pause(300);
        },
        heal: async () => {
          clock.jumpMs = 0;
        },
      });
      expectHarmless(report);
    });
  }
});
