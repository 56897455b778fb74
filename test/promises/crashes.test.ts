/** P1 and P2: what got a 200 is in the record, and has one answer, whatever is killed in between. */
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { openStage, type Stage } from '../support/stage.js';
import { describeEachEngine } from '../support/testDatabase.js';
import type { TwilioFault } from '../support/twilioDouble.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

describeEachEngine('When Jack is killed', (engine) => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage(engine, { REPLY_WINDOW_MS: '700' });
  });
  afterEach(() => stage.close());

  const faults: [string, TwilioFault][] = [
    ['had taken', 'hang-after-accept'],
    ['had not taken', 'hang-before'],
  ];
  it.each(faults)(
    'while it waits for the carrier, which %s the reply, then the handset has it once',
    async (_name, fault) => {
      const first = await stage.start();
      const dealership = await stage.newDealership(first);
      const shopper = stage.newShopper(dealership);
      stage.twilio.failNext(fault);
      await shopper.text(first.url, 'Hello');
      await until(() => stage.twilio.requests.some(({ method }) => method === 'POST'), {
        timeoutMs: 10_000,
        what: 'the send',
      });
      await first.kill();

      const second = await stage.start();
      // The next reply waits behind the first: when it is there, the first is settled.
      await shopper.text(second.url, 'What are your hours?');
      await until(() => shopper.received().length >= 2, { timeoutMs: 25_000, what: 'both replies' });
      const bodies = (await stage.conversation(second, dealership, shopper.phone))?.messages
        .filter(({ direction }) => direction === 'outbound')
        .map(({ body }) => body);
      expect(shopper.received().map(({ body }) => body)).toEqual(bodies);
    },
  );
});
