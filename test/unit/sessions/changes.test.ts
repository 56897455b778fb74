import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SessionChange } from '../../../services/record/sessions.js';
import { SessionChanges } from '../../../services/sessions/changes.js';
import type { OrganizationId, Session } from '../../../services/types.js';
import { createFakeClock, type FakeClock } from '../../support/cacheSubjects.js';

/** The record's clock, which has nothing to do with this machine's. */
const RECORD_MS = 5_000_000;
const HASH = 'a'.repeat(64);

describe('What is known of changes', () => {
  let clock: FakeClock;
  let stored: SessionChange[];
  let asked: { sinceMs: number; windowMs: number; limit: number }[];
  /** While set, the record answers only when it is called. */
  let held: (() => void)[] | undefined;
  let failure: Error | undefined;
  let changes: SessionChanges;

  const recordNow = () => RECORD_MS + clock.monotonicMs();
  const change = (over: Partial<SessionChange> = {}): SessionChange => ({
    tokenHash: HASH,
    rev: 2,
    isEnded: true,
    changedAtMs: recordNow(),
    ...over,
  });
  const copy = (over: Partial<Session> = {}): Session => ({
    id: 'id',
    tokenHash: HASH,
    organizationId: 'org' as OrganizationId,
    kind: 'guest',
    userId: 'user',
    apiKeyId: null,
    data: {},
    rev: 1,
    createdAtMs: recordNow(),
    lastSeenAtMs: recordNow(),
    expiresAtMs: recordNow() + 3_600_000,
    endsAtMs: null,
    readAtMs: recordNow(),
    ...over,
  });

  beforeEach(() => {
    clock = createFakeClock();
    stored = [];
    asked = [];
    held = undefined;
    failure = undefined;
    changes = new SessionChanges({
      clock,
      maxLagMs: 1_000,
      maxAgeMs: 30_000,
      maxChanges: 3,
      read: async (range) => {
        asked.push(range);
        if (failure) throw failure;
        const answer = {
          nowMs: recordNow(),
          changes: stored
            .filter(({ changedAtMs }) => changedAtMs > Math.max(range.sinceMs, recordNow() - range.windowMs))
            .slice(0, range.limit),
        };
        const waiting = held;
        if (waiting) await new Promise<void>((resolve) => waiting.push(resolve));
        return answer;
      },
    });
  });

  it('trusts nothing before the record was asked', async () => {
    expect(changes.allows(copy())).toBe(false);
    await changes.catchUp();
    expect(changes.allows(copy())).toBe(true);
  });

  it('asks once a lag, however many look-ups there are', async () => {
    for (let n = 0; n < 50; n += 1) await Promise.all([changes.catchUp(), changes.catchUp()]);
    expect(asked).toHaveLength(1);
    clock.advance(999);
    await changes.catchUp();
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await changes.catchUp();
    expect(asked).toHaveLength(2);
  });

  it.each<[string, Partial<Session>, boolean]>([
    ['as old as may be', { readAtMs: RECORD_MS + 1_000 - 30_000 }, true],
    ['older', { readAtMs: RECORD_MS + 1_000 - 30_001 }, false],
    ['a little ahead', { readAtMs: RECORD_MS + 2_000 }, true],
    ['far ahead', { readAtMs: RECORD_MS + 2_001 }, false],
    ['expired', { expiresAtMs: RECORD_MS + 1_000 }, false],
    ['of no time at all', { readAtMs: Number.NaN }, false],
    ['without the time it was read at', { readAtMs: undefined as unknown as number }, false],
  ])('of a copy that is %s', async (_what, over, isAllowed) => {
    await changes.catchUp();
    expect(changes.allows(copy(over))).toBe(isAllowed);
  });

  it('refuses every copy of an ended session, and those from before a change of data', async () => {
    stored = [change(), change({ tokenHash: 'b'.repeat(64), rev: 5, isEnded: false })];
    clock.advance(1);
    await changes.catchUp();
    expect(changes.allows(copy({ rev: 99 }))).toBe(false);
    const other = (rev: number) => copy({ tokenHash: 'b'.repeat(64), rev });
    expect([4, 5, 6].map((rev) => changes.allows(other(rev)))).toEqual([false, true, true]);
  });

  it('knows an end for as long as a copy from before it could be used', async () => {
    stored = [change()];
    const before = copy({ readAtMs: recordNow() });
    for (let passedMs = 0; passedMs <= 60_000; passedMs += 1_000) {
      clock.advance(1_000);
      await changes.catchUp();
      expect(changes.allows(before)).toBe(false);
    }
    expect(changes.size).toBe(0);
  });

  it('hears of an end that was dated before the last question and committed after it', async () => {
    const late = change();
    clock.advance(1);
    await changes.catchUp();
    clock.advance(10_000);
    stored = [late];
    await changes.catchUp();
    expect(changes.allows(copy())).toBe(false);
  });

  it('When an end is noted while the first question is under way, then it is not forgotten', async () => {
    held = [];
    const first = changes.catchUp();
    changes.noteEnd(HASH);
    held[0]?.();
    await first;
    expect(changes.allows(copy())).toBe(false);
    held = undefined;
    clock.advance(60_000);
    await changes.catchUp();
    clock.advance(60_000);
    await changes.catchUp();
    expect(changes.size).toBe(0);
  });

  it('When everything committed must be known, then a question under way is not enough', async () => {
    held = [];
    const early = changes.catchUp();
    const now = changes.catchUpNow();
    stored = [change({ changedAtMs: recordNow() + 1 })];
    held[0]?.();
    held = undefined;
    await Promise.all([early, now]);
    expect(asked).toHaveLength(2);
    expect(changes.allows(copy())).toBe(false);
  });

  it('When there are more changes than can be known, then copies from before count no longer', async () => {
    await changes.catchUp();
    const [before, others] = [copy(), [1, 2, 3, 4].map((n) => change({ tokenHash: `${n}`.repeat(64) }))];
    clock.advance(1_000);
    stored = others.map((one) => ({ ...one, changedAtMs: recordNow() }));
    await changes.catchUp();
    expect(changes.allows(before)).toBe(false);
    clock.advance(1);
    expect(changes.allows(copy())).toBe(true);
  });

  it('When the record is away, then nobody is told an old answer, and the next question is asked again', async () => {
    failure = new Error('away');
    await expect(changes.catchUp()).rejects.toThrow('away');
    failure = undefined;
    await changes.catchUp();
    expect(changes.allows(copy())).toBe(true);
    failure = new Error('away');
    clock.advance(1_000);
    await expect(changes.catchUp()).rejects.toThrow('away');
    await expect(changes.catchUp()).rejects.toThrow('away');
  });
});
