/**
 * P1 and P2 at every step of the path: Jack is ended with SIGKILL there and started again, and the handset has exactly one
 * answer, the record the right history. The carrier brings a text again when it got no answer, as its configuration says.
 */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { CRASH_POINTS, phoneFor } from '../support/crashingJack/crashPoints.js';
import { crashingJack, type JackProcess } from '../support/jackProcess.js';
import { newSid } from '../support/signTwilio.js';
import { type Dealership, openStage, type Stage } from '../support/stage.js';
import { describeEachEngine } from '../support/testDatabase.js';
import { until } from '../support/until.js';

jest.setTimeout(90_000);

describeEachEngine('Jack is killed at a step', (engine) => {
  let stage: Stage;
  let dealership: Dealership;
  /** Recovers from one crash and has the next. */
  let jack: JackProcess;
  beforeAll(async () => {
    stage = await openStage(engine, { REPLY_WINDOW_MS: '0' });
    jack = await stage.start({}, crashingJack(CRASH_POINTS));
    dealership = await stage.newDealership(jack);
  });
  afterAll(() => stage.close());

  it.each(CRASH_POINTS.map((point, n) => [point, n] as const))(
    '%s: one answer, and the right history',
    async (point, n) => {
      const shopper = stage.newShopper(dealership, phoneFor(point));
      const messageSid = newSid('SM');
      const first = await shopper.text(jack.url, 'Hi, my name is Dana', { messageSid });
      await jack.ended();

      jack = await stage.start({}, crashingJack(CRASH_POINTS.slice(n + 1)));
      if (first !== 200)
        expect(await shopper.text(jack.url, 'Hi, my name is Dana', { messageSid })).toBe(200);
      await until(() => shopper.received().length > 0, { timeoutMs: 30_000, what: 'the answer' });
      // The next answer waits behind the first in the outbox: when it is there, nothing of the first is still to come.
      await shopper.text(jack.url, 'What are your hours?');
      await until(() => shopper.received().length > 1, { timeoutMs: 30_000, what: 'the next answer' });
      const conversation = await stage.conversation(jack, dealership, shopper.phone);
      expect(conversation?.messages.map(({ seq, direction }) => [seq, direction])).toEqual([
        [1, 'inbound'],
        [2, 'outbound'],
        [3, 'inbound'],
        [4, 'outbound'],
      ]);
      expect(conversation?.slots).toMatchObject({ name: 'Dana' });
      expect(shopper.received().map(({ body }) => body)).toEqual(
        conversation?.messages.filter(({ direction }) => direction === 'outbound').map(({ body }) => body),
      );
    },
  );
});
