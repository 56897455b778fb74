/** P2 when a process goes away in the middle of its turns: by kill -9, and by a stop that hands over. */
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { type JackProcess, slowJack } from '../support/jackProcess.js';
import { describeWithPostgres } from '../support/services.js';
import type { Shopper } from '../support/shopper.js';
import { openStage, type Stage } from '../support/stage.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

describeWithPostgres('When one of two processes goes away while its assistant thinks', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage('postgres', { REPLY_WINDOW_MS: '0' });
  });
  afterEach(() => stage.close());

  const asked = (jack: JackProcess): number =>
    jack.logs().filter(({ message }) => message === 'the assistant is asked').length;

  /** Shoppers who texted `jack`, and whose turns it works on. */
  async function inTheMiddle(jack: JackProcess, number: number): Promise<Shopper[]> {
    // A dealership each: a number may send one text a second only.
    const shoppers = await Promise.all(
      Array.from({ length: number }, async () => stage.newShopper(await stage.newDealership(jack))),
    );
    await Promise.all(shoppers.map((shopper) => shopper.text(jack.url, 'What are your hours?')));
    // The other process may have been quicker with some.
    await until(() => asked(jack) > number / 2, { what: 'the turns to begin' });
    return shoppers;
  }

  const replies = (shoppers: readonly Shopper[]): number[] =>
    shoppers.map((shopper) => shopper.received().length);
  const isAnswered = (shoppers: readonly Shopper[]) => () =>
    replies(shoppers).every((received) => received > 0);
  const once = (shoppers: readonly Shopper[]) => shoppers.map(() => 1);

  it('by kill -9, then the other one has answered everybody within five seconds, once', async () => {
    const survivor = await stage.start({}, slowJack({ thinksMs: 0 }));
    const doomed = await stage.start({}, slowJack({ thinksMs: 9_000 }));
    const shoppers = await inTheMiddle(doomed, 6);
    const killedAt = performance.now();
    await doomed.kill();
    await until(isAnswered(shoppers), { timeoutMs: 20_000, what: 'every reply' });
    const tookMs = performance.now() - killedAt;
    expect(replies(shoppers)).toEqual(once(shoppers));
    expect(asked(survivor)).toBeGreaterThan(0);
    expect(tookMs).toBeLessThanOrEqual(5_000);
  });

  it('by SIGTERM, then what it cannot finish is answered by the other one, which need not wait for a lease', async () => {
    const limits = { leaseMs: 600_000, stopGraceMs: 300 };
    await stage.start({}, slowJack({ thinksMs: 0, turnLimits: limits }));
    const leaving = await stage.start({}, slowJack({ thinksMs: 9_000, turnLimits: limits }));
    const shoppers = await inTheMiddle(leaving, 6);
    expect(await leaving.terminate()).toBe(0);
    await until(isAnswered(shoppers), { timeoutMs: 20_000, what: 'every reply' });
    expect(replies(shoppers)).toEqual(once(shoppers));
  });

  it('by SIGTERM, then it finishes what takes not too long, and nobody is asked twice', async () => {
    const other = await stage.start({}, slowJack({ thinksMs: 0 }));
    const leaving = await stage.start({}, slowJack({ thinksMs: 1_000, turnLimits: { stopGraceMs: 8_000 } }));
    const shoppers = await inTheMiddle(leaving, 6);
    const exit = leaving.terminate();
    expect(await exit).toBe(0);
    // What it had committed and not sent yet is sent by the other one.
    await until(isAnswered(shoppers), { timeoutMs: 20_000, what: 'every reply' });
    expect(replies(shoppers)).toEqual(once(shoppers));
    expect(asked(leaving) + asked(other)).toBe(shoppers.length);
  });
});
