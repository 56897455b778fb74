/** What holds around an outage of a real server beside the figures of the fault table: hand-back, start and stop, log. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { CacheKey } from '../../../services/cache/types.js';
import type { CacheMode } from '../../../services/cache.js';
import type { Rev } from '../../../services/types.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { type TowerOnServer, towerOnServer } from '../../support/towerOnServer.js';
import { until } from '../../support/until.js';
import { newConversation, newOrganization, snapshotOf } from './values.js';

const WORDS = 'the words of a shopper';

describeWithRedis('An outage of Redis', () => {
  let server: RedisServer;
  let tower: TowerOnServer;
  let stops: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    stops = [];
    server = await startRedis();
    stops.push(() => server.stop());
    tower = await open();
  });
  afterEach(async () => {
    server.resume();
    for (const stop of stops) await stop();
  });

  async function open(isFallbackEnabled = true): Promise<TowerOnServer> {
    const opened = await towerOnServer({ target: { url: server.url }, isFallbackEnabled });
    stops.unshift(() => opened.stop());
    return opened;
  }
  const inMode = (mode: CacheMode, { cache } = tower) =>
    until(() => cache.mode === mode, { what: `mode ${mode}`, everyMs: 2, timeoutMs: 6_000 });
  const handedBack = async () => {
    await inMode('redis');
    await until(() => tower.cache.report().handBack.pending === 0, { what: 'the end of the hand-back' });
  };
  const timedKey = () =>
    tower.keys.presence(newOrganization(), newConversation(), 'presence') as unknown as CacheKey<string>;
  const checkedKey = () =>
    tower.keys.modelContext(newOrganization(), newConversation()) as unknown as CacheKey<string>;

  it('What was written with a rev meanwhile is in Redis afterwards, what was deleted or written without one is not', async () => {
    const [before, during, timed, deleted] = [checkedKey(), checkedKey(), timedKey(), timedKey()];
    for (const key of [before, timed, deleted]) await tower.cache.set(key, 'before');
    await server.kill();
    await inMode('memory');
    expect(await tower.cache.get(before)).toBeUndefined();
    for (const key of [before, during, timed]) await tower.cache.set(key, 'during');
    await tower.cache.delete([deleted]);
    expect(await tower.cache.get(timed)).toBe('during');
    await server.restart();
    await handedBack();
    const keys = [before, during, timed, deleted];
    const read = await Promise.all(keys.map((key) => tower.cache.get(key)));
    expect(read).toEqual(['during', 'during', undefined, undefined]);
    expect(tower.cache.report().handBack).toMatchObject({ moved: 2, superseded: 2, failed: 0, pending: 0 });
    await until(() => tower.cache.report().memory.entries === 0, { what: 'the Map to be emptied' });
  });

  it('Restarted with data of before the outage: what changed meanwhile does not speak, not even for a moment', async () => {
    const [written, deleted] = [timedKey(), timedKey()];
    for (const key of [written, deleted]) await tower.cache.set(key, 'before');
    await server.command('SAVE');
    await server.kill();
    await inMode('memory');
    await tower.cache.set(written, 'meanwhile');
    await tower.cache.delete([deleted]);
    await server.restart();
    expect(await server.command('EXISTS', written.name, deleted.name)).toBe('2');
    const seen = new Set<string | undefined>();
    while (tower.cache.mode !== 'redis') {
      for (const key of [written, deleted]) seen.add(await tower.cache.get(key));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (const key of [written, deleted]) seen.add(await tower.cache.get(key));
    expect(seen).toEqual(new Set(['meanwhile', undefined]));
  });

  it('Restarted with less than it had acknowledged: what has a rev is a miss, what has none ends with its lifetime', async () => {
    const organizationId = newOrganization();
    const conversationId = newConversation();
    const snapshot = (n: number) => snapshotOf(organizationId, conversationId, { rev: `rev-${n}` as Rev, n });
    const deleted = { ...timedKey(), ttlMs: 1_500 };
    await tower.adapter.storeSnapshot(organizationId, snapshot(1));
    await tower.cache.set(deleted, 'before');
    const endsAtMs = performance.now() + deleted.ttlMs;
    await server.command('SAVE');
    await tower.adapter.storeSnapshot(organizationId, snapshot(2));
    await tower.cache.delete([deleted]);
    await server.kill();
    await inMode('memory');
    await server.restart();
    await inMode('redis');
    expect(await tower.adapter.getSnapshot(organizationId, conversationId, 'rev-2' as Rev)).toBeUndefined();
    await until(() => performance.now() > endsAtMs, { what: 'the end of its lifetime' });
    expect(await tower.cache.get(deleted)).toBeUndefined();
  });

  it('A second outage does not bring back what the first one wrote', async () => {
    const key = checkedKey();
    await server.kill();
    await inMode('memory');
    await tower.cache.set(key, 'first outage');
    await server.restart();
    await inMode('redis');
    await tower.cache.set(key, 'fresh');
    await until(() => tower.cache.report().memory.entries === 0, { what: 'the empty Map' });
    await server.kill();
    await inMode('memory');
    expect(await tower.cache.get(key)).toBeUndefined();
  });

  it('Killed again while values are handed back: the rest is handed back the next time', async () => {
    await server.kill();
    await inMode('memory');
    for (let n = 0; n < 5_000; n += 1) await tower.cache.set(checkedKey(), 'kept');
    await server.restart();
    await until(() => tower.cache.report().handBack.moved > 100, { what: 'the first batches', everyMs: 1 });
    await server.kill();
    await inMode('memory');
    const { moved, pending } = tower.cache.report().handBack;
    expect(pending).toBeGreaterThan(0);
    await server.restart();
    await handedBack();
    expect(tower.cache.report().handBack).toMatchObject({ moved: moved + pending, failed: 0 });
  });

  it('A load under its lease when it begins: the lease is gone afterwards, and nobody waits for it', async () => {
    const organizationId = newOrganization();
    const key = tower.keys.liveView(organizationId);
    let hasBegun = false;
    const loading = tower.cache.getOrLoad({ ...key, loadLeaseMs: 30_000 }, async () => {
      hasBegun = true;
      await inMode('memory');
      return undefined;
    });
    await until(() => hasBegun, { what: 'the load', everyMs: 1 });
    expect(await server.command('EXISTS', `${key.name}:load`)).toBe('1');
    server.pause();
    await Promise.all([1, 2, 3].map(() => tower.cache.get(timedKey())));
    await loading;
    server.resume();
    await inMode('redis');
    expect(await server.command('EXISTS', `${key.name}:load`)).toBe('0');
  });

  it('A load of another process that waits for a lease goes on by itself when it begins', async () => {
    const key = { ...tower.keys.liveView(newOrganization()), loadLeaseMs: 30_000 };
    await server.command('SET', `${key.name}:load`, 'of another process', 'PX', '30000');
    const loading = tower.cache.getOrLoad(key, async () => ({ open: 1 }) as never);
    await server.kill();
    expect(await loading).toEqual({ open: 1 });
  });

  it('At the start: it takes no longer than a second, the Map serves, and Redis joins when it appears', async () => {
    await server.kill();
    const late = await open();
    expect(late.startedInMs).toBeLessThan(1_000);
    expect(late.cache.mode).toBe('memory');
    const key = checkedKey();
    await late.cache.set(key, 'v');
    expect(await late.cache.get(key)).toBe('v');
    await server.restart();
    await inMode('redis', late);
    await until(() => late.cache.report().handBack.moved === 1, { what: 'the hand-back' });
    expect(await late.cache.get(key)).toBe('v');
  });

  it('A hang at the start and at the end: starting and stopping take no longer than a second', async () => {
    server.pause();
    const late = await open();
    expect(late.startedInMs).toBeLessThan(1_000);
    expect(late.cache.mode).toBe('memory');
    const stoppingAtMs = performance.now();
    await late.stop();
    await tower.stop();
    expect(performance.now() - stoppingAtMs).toBeLessThan(1_000);
  });

  it('With the fallback switched off it is a clear error, and ends with it', async () => {
    const strict = await open(false);
    const key = timedKey();
    await server.kill();
    const unavailable = expect.objectContaining({ code: 'E_CACHE_UNAVAILABLE' });
    await expect(strict.cache.get(key)).rejects.toEqual(unavailable);
    await expect(strict.cache.set(key, 'x')).rejects.toEqual(unavailable);
    expect(strict.cache.mode).toBe('unavailable');
    await server.restart();
    await inMode('redis', strict);
    await strict.cache.set(key, 'x');
    expect(await strict.cache.get(key)).toBe('x');
  });

  it('The log says what changed and not every attempt, and holds no value and no address', async () => {
    await server.command('REPLICAOF', '127.0.0.1', '1');
    const key = timedKey();
    await tower.cache.set(key, WORDS);
    await inMode('memory');
    await server.kill();
    for (let n = 0; n < 500; n += 1) await tower.cache.set(key, WORDS);
    await until(async () => (await tower.connections.health()).lastError === 'ECONNREFUSED');
    await server.restart();
    await inMode('redis');
    const lines = tower.log().trim().split('\n');
    expect(lines.filter((line) => line.includes('the store of the state changed'))).toHaveLength(2);
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(tower.log()).not.toMatch(/the words of a shopper|127\.0\.0\.1|jack:faults/);
  });
});
