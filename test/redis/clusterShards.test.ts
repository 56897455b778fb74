/** The guards of a cluster's shards, with servers that answer or not as the test says, and time that it makes pass. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import { createLogger } from '../../services/logger.js';
import { RedisAwayError } from '../../services/redis/guard.js';
import { Shards } from '../../services/redis/shards.js';
import { SLOTS } from '../../services/redis/slot.js';

/** Two probes and what follows them. */
const TO_CLOSE_MS = 600;

describe('The shards of a cluster', () => {
  const up = new Set<string>();
  let shards: Shards;
  let changes: boolean[];
  beforeEach(() => {
    jest.useFakeTimers();
    up.clear();
    for (const node of ['a', 'b', 'c']) up.add(node);
    changes = [];
    shards = new Shards({
      probeKey: 'probe',
      logger: createLogger({ level: 'error', format: 'json' }),
      clientOf: (node) =>
        up.has(node) ? ({ status: 'ready', set: async () => 'OK' } as unknown as Redis) : undefined,
    });
    shards.onChange((isOpen) => changes.push(isOpen));
  });
  afterEach(() => {
    shards.stop();
    jest.useRealTimers();
  });

  const assign = (nodeOf: (slot: number) => string) =>
    shards.assign(Array.from({ length: SLOTS }, (_, slot) => [nodeOf(slot)]));
  const halves = (slot: number) => (slot < SLOTS / 2 ? 'a' : 'b');
  const call = (slot: number) => shards.runOn(slot, async () => 'done');
  const away = async (slot: number): Promise<void> => {
    await expect(call(slot)).rejects.toBeInstanceOf(RedisAwayError);
  };
  const [OF_A, OF_B] = [0, SLOTS - 1];

  it('are away until the first is known', async () => {
    expect(shards.isOpen).toBe(true);
    await away(OF_A);
    assign(halves);
    expect(shards.isOpen).toBe(false);
    expect(await call(OF_A)).toBe('done');
    expect(changes).toEqual([]);
  });

  it('fail alone, and are away together only when none is left', async () => {
    assign(halves);
    up.delete('a');
    await away(OF_A);
    expect(await call(OF_B)).toBe('done');
    expect([shards.isOpen, changes]).toEqual([false, []]);
    up.delete('b');
    await away(OF_B);
    expect([shards.isOpen, changes]).toEqual([true, [true]]);
    up.add('b');
    await jest.advanceTimersByTimeAsync(TO_CLOSE_MS);
    expect([shards.isOpen, changes]).toEqual([false, [true, false]]);
    await away(OF_A);
    expect(await call(OF_B)).toBe('done');
  });

  it('stay the same when a replica takes over, so that what is owed is paid before traffic returns', async () => {
    const paid: string[] = [];
    shards.onBeforeClose(async () => void paid.push('hook'));
    assign(halves);
    up.delete('a');
    await away(OF_A);
    const [before] = shards.all;
    assign((slot) => (halves(slot) === 'a' ? 'c' : 'b'));
    expect(shards.all.find(({ nodeKey }) => nodeKey === 'c')).toBe(before);
    await away(OF_A);
    expect(paid).toEqual([]);
    await jest.advanceTimersByTimeAsync(TO_CLOSE_MS);
    expect(paid).toEqual(['hook']);
    expect(await call(OF_A)).toBe('done');
  });

  it('prove themselves first when they take over slots of one that was away', async () => {
    assign(halves);
    up.delete('a');
    await away(OF_A);
    // By hand, as an operator repairs a cluster: all to the one that lives.
    assign(() => 'b');
    await away(OF_A);
    await away(OF_B);
    await jest.advanceTimersByTimeAsync(TO_CLOSE_MS);
    expect(await call(OF_A)).toBe('done');
    expect(shards.all.map(({ slots }) => slots)).toEqual([SLOTS]);
  });

  it('keep their traffic when slots move between two that are well', async () => {
    assign(halves);
    assign((slot) => (slot < 100 ? 'b' : halves(slot)));
    expect(await call(50)).toBe('done');
    expect(shards.all.map(({ nodeKey, slots }) => [nodeKey, slots])).toEqual([
      ['b', SLOTS / 2 + 100],
      ['a', SLOTS / 2 - 100],
    ]);
    expect(changes).toEqual([]);
  });

  it('return although something is owed to another that is still away, and not while they owe themselves', async () => {
    const owed = new Set([OF_A, OF_B]);
    shards.onBeforeClose(async () => {
      for (const slot of [...owed]) {
        await call(slot);
        owed.delete(slot);
      }
    });
    assign(halves);
    shards.open('for the test');
    up.delete('a');
    await jest.advanceTimersByTimeAsync(TO_CLOSE_MS);
    expect(await call(OF_B)).toBe('done');
    await away(OF_A);
    expect(owed.has(OF_A)).toBe(true);
    up.add('a');
    await jest.advanceTimersByTimeAsync(TO_CLOSE_MS);
    expect(await call(OF_A)).toBe('done');
    expect(owed.size).toBe(0);
  });

  it('stay away while what is owed cannot be paid for a reason of their own', async () => {
    let isRefused = true;
    shards.onBeforeClose(async () => {
      if (isRefused) throw new Error('no');
    });
    assign(halves);
    up.delete('a');
    await away(OF_A);
    up.add('a');
    await jest.advanceTimersByTimeAsync(3 * TO_CLOSE_MS);
    await away(OF_A);
    isRefused = false;
    await jest.advanceTimersByTimeAsync(TO_CLOSE_MS);
    expect(await call(OF_A)).toBe('done');
  });
});
