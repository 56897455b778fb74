/**
 * What every cache driver promises, boundary cases first. A driver's own file calls this and adds only what is special
 * to it.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CacheDriver, Tag } from '../../services/cache/types.js';
import { entry, newName, newTag, type Subject } from '../support/cacheSubjects.js';

export function describeCacheDriver(
  name: string,
  create: () => Subject,
  expected: Pick<CacheDriver, 'name' | 'leaseScope'>,
): void {
  describe(`Driver contract on ${name}`, () => {
    let subject: Subject;
    let driver: CacheDriver;
    beforeAll(() => {
      subject = create();
      driver = subject.driver;
    });
    afterAll(() => subject.close());

    const read = async (wanted: string) => (await driver.getMany([wanted]))[0]?.toString();

    it('Values come back in the order asked for, absent ones as undefined, repeated ones twice', async () => {
      const org = newTag();
      const [a, b] = [entry(org, 'a'), entry(org, 'b')];
      await driver.set([a, b]);
      const values = await driver.getMany([b.name, newName(), a.name, b.name]);
      expect(values.map((value) => value?.toString())).toEqual(['b', undefined, 'a', 'b']);
      expect(await driver.getMany([])).toEqual([]);
    });

    it('Bytes survive as they are: none, zero bytes, bytes that are no text', async () => {
      const org = newTag();
      const odd = [Buffer.alloc(0), Buffer.of(0), Buffer.of(0, 255, 254, 10, 13), Buffer.from('ж\u0000')];
      const entries = odd.map((value) => ({ ...entry(org, ''), value }));
      await driver.set(entries);
      expect(await driver.getMany(entries.map((each) => each.name))).toEqual(odd);
    });

    it('A second write replaces value and lifetime', async () => {
      const org = newTag();
      const first = entry(org, 'old', { ttlMs: 250 });
      await driver.set([first]);
      await driver.set([{ ...first, value: Buffer.from('new'), ttlMs: 60_000 }]);
      await subject.passTime(250);
      expect(await read(first.name)).toBe('new');
    });

    it('A lifetime of zero, below, or a fraction of a millisecond never means for ever', async () => {
      const org = newTag();
      const dead = [0, -1, -60_000].map((ttlMs) => entry(org, 'dead', { ttlMs }));
      await driver.set(dead);
      expect(await driver.getMany(dead.map((each) => each.name))).toEqual([undefined, undefined, undefined]);
      const fraction = entry(org, 'short', { ttlMs: 0.4 });
      await driver.set([fraction]);
      await subject.passTime(1);
      expect(await read(fraction.name)).toBeUndefined();
    });

    it('A value that is expired when it is written takes the old one with it', async () => {
      const old = entry(newTag(), 'old');
      await driver.set([old]);
      await driver.set([{ ...old, value: Buffer.from('late'), ttlMs: 0 }]);
      expect(await read(old.name)).toBeUndefined();
    });

    it('Set-if-absent does not overwrite, and says so', async () => {
      const first = entry(newTag(), 'first');
      expect(await driver.setIfAbsent(first)).toBe(true);
      expect(await driver.setIfAbsent({ ...first, value: Buffer.from('second') })).toBe(false);
      expect(await read(first.name)).toBe('first');
    });

    it('Set-if-absent takes an expired value for absent, though nobody has read it since', async () => {
      const first = entry(newTag(), 'first', { ttlMs: 30 });
      await driver.set([first]);
      await subject.passTime(30);
      expect(await driver.setIfAbsent({ ...first, value: Buffer.from('second'), ttlMs: 60_000 })).toBe(true);
      expect(await read(first.name)).toBe('second');
    });

    it('Set-if-absent with an elapsed lifetime tells whether it was absent and stores nothing', async () => {
      const there = entry(newTag(), 'there');
      const absent = entry(newTag(), 'absent', { ttlMs: 0 });
      await driver.set([there]);
      expect(await driver.setIfAbsent(absent)).toBe(true);
      expect(await driver.setIfAbsent({ ...there, ttlMs: -5 })).toBe(false);
      expect([await read(absent.name), await read(there.name)]).toEqual([undefined, 'there']);
    });

    it('Delete counts what was there, not what was asked for', async () => {
      const org = newTag();
      const [a, b] = [entry(org, 'a'), entry(org, 'b', { ttlMs: 20 })];
      await driver.set([a, b]);
      await subject.passTime(20);
      expect(await driver.delete([a.name, b.name, newName()])).toBe(1);
      expect(await driver.delete([a.name])).toBe(0);
      expect(await driver.delete([])).toBe(0);
    });

    it('Characters of a glob in a name mean themselves', async () => {
      const org = newTag();
      const stem = newName();
      const kept = entry(org, 'kept', { name: `${stem}ab` });
      await driver.set([kept]);
      expect(await driver.delete([`${stem}*`, `${stem}??`, `${stem}[a-z]b`])).toBe(0);
      expect(await read(kept.name)).toBe('kept');
    });

    it(`A lease excludes within "${expected.leaseScope}", which the driver says`, () => {
      expect({ name: driver.name, leaseScope: driver.leaseScope }).toEqual(expected);
    });

    it('A lease has one holder; only its token gives it up, and the answer is true or false', async () => {
      const lease = newName();
      expect(await driver.acquireLease(lease, 'one', 60_000)).toBe(true);
      expect(await driver.acquireLease(lease, 'two', 60_000)).toBe(false);
      expect(await driver.releaseLease(lease, 'two')).toBe(false);
      expect(await driver.releaseLease(lease, 'one')).toBe(true);
      expect(await driver.releaseLease(lease, 'one')).toBe(false);
      expect(await driver.acquireLease(lease, 'two', 60_000)).toBe(true);
    });

    it('An expired holder cannot give up the lease of the next, and the next can', async () => {
      const lease = newName();
      await driver.acquireLease(lease, 'first', 30);
      await subject.passTime(30);
      expect(await driver.acquireLease(lease, 'second', 60_000)).toBe(true);
      expect(await driver.releaseLease(lease, 'first')).toBe(false);
      expect(await driver.acquireLease(lease, 'third', 60_000)).toBe(false);
      expect(await driver.releaseLease(lease, 'second')).toBe(true);
    });

    it('A lease that has elapsed when it is taken is not held', async () => {
      const lease = newName();
      expect(await driver.acquireLease(lease, 'late', 0)).toBe(false);
      expect(await driver.acquireLease(lease, 'next', 60_000)).toBe(true);
    });

    it('Of many that want a lease at once one gets it', async () => {
      const lease = newName();
      const wants = Array.from({ length: 50 }, (_, n) => driver.acquireLease(lease, `token-${n}`, 60_000));
      expect((await Promise.all(wants)).filter(Boolean)).toHaveLength(1);
    });

    it('Clearing an organization removes all of it and nothing of ids that look alike', async () => {
      const stem = newTag();
      const ids = ['.b', 'b', '-b', '_b', ''].map((end) => `${stem}${end}` as Tag);
      const values = ids.map((org) => [entry(org, 'one'), entry(org, 'two')]);
      await driver.set(values.flat());
      await driver.set([{ ...values[0]![0]!, value: Buffer.from('written twice') }]);
      expect(await driver.clearTag(ids[0]!)).toBe(2);
      for (const [n, own] of values.entries()) {
        const left = (await driver.getMany(own.map((each) => each.name))).filter(Boolean);
        expect([ids[n], left.length]).toEqual([ids[n], n === 0 ? 0 : 2]);
      }
      expect(await driver.clearTag(ids[0]!)).toBe(0);
    });

    it('Clearing an organization with an empty or glob-like id, or an unknown one, removes nothing', async () => {
      const kept = entry(newTag(), 'kept');
      await driver.set([kept]);
      for (const id of ['', '*', 'org-*', newTag()]) {
        expect(await driver.clearTag(id as Tag)).toBe(0);
      }
      expect(await read(kept.name)).toBe('kept');
    });

    it('Clearing counts and removes what set-if-absent stored, and not what has expired or was deleted', async () => {
      const org = newTag();
      const [kept, deleted, expired] = [entry(org, 'a'), entry(org, 'b'), entry(org, 'c', { ttlMs: 20 })];
      await driver.setIfAbsent(kept);
      await driver.set([deleted, expired]);
      await driver.delete([deleted.name]);
      await subject.passTime(20);
      expect(await driver.clearTag(org)).toBe(1);
      expect(await read(kept.name)).toBeUndefined();
    });

    it('A large organization is cleared whole', async () => {
      const org = newTag();
      const entries = Array.from({ length: 1_200 }, (_, n) => entry(org, String(n)));
      await driver.set(entries);
      expect(await driver.clearTag(org)).toBe(1_200);
      expect((await driver.getMany(entries.map((each) => each.name))).filter(Boolean)).toEqual([]);
    });

    it('A value of several tags goes with each of them, and a new one with its new tags only', async () => {
      const [org, lead, other] = [newTag(), newTag(), newTag()];
      const both = entry(org, 'both', { tags: [org, lead] });
      const own = entry(org, 'own');
      await driver.set([both, own]);
      expect(await driver.clearTag(lead)).toBe(1);
      expect([await read(both.name), await read(own.name)]).toEqual([undefined, 'own']);
      await driver.set([{ ...both, tags: [org, other] }]);
      expect(await driver.clearTag(other)).toBe(1);
      expect(await driver.clearTag(org)).toBe(1);
    });

    it('A value that is stored again after a clear, a delete or its end is cleared with its tag again', async () => {
      const org = newTag();
      const again = entry(org, 'again', { ttlMs: 50 });
      await driver.set([again]);
      await driver.clearTag(org);
      await driver.set([again]);
      await driver.delete([again.name]);
      await driver.set([again]);
      await subject.passTime(50);
      // Looked at first, since ioredis-mock gives a new value the end of the expired one otherwise.
      expect(await read(again.name)).toBeUndefined();
      await driver.set([{ ...again, ttlMs: 60_000 }]);
      expect(await driver.clearTag(org)).toBe(1);
      expect(await read(again.name)).toBeUndefined();
    });

    it('Writes and reads of one moment keep the order they were asked for in', async () => {
      const org = newTag();
      const one = entry(org, 'first');
      const done = [
        driver.set([one]),
        driver.set([{ ...one, value: Buffer.from('second') }]),
        driver.delete([one.name]),
        driver.set([{ ...one, value: Buffer.from('third') }]),
      ];
      await Promise.all(done);
      expect(await read(one.name)).toBe('third');
    });

    it("One organization's writes do not prolong another's values", async () => {
      const [one, other] = [newTag(), newTag()];
      const brief = entry(one, 'brief', { ttlMs: 40 });
      await driver.set([brief]);
      await driver.set([entry(one, 'long'), entry(other, 'long'), entry(other, 'long')]);
      await subject.passTime(40);
      expect(await read(brief.name)).toBeUndefined();
    });
  });
}
