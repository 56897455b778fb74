import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createManualClock, type ManualClock } from '../../simulator/clock.js';
import { TwilioSimulator } from '../../simulator/twilio.js';
import { failureOf, sdkFor } from './_sdk.js';
import { answerWith, openShop, type Shop } from './_shop.js';

const LONG_CODE = '+16045550100';
const SECOND = '+16045550101';
const TOLL_FREE = '+18005550100';
const SHORT_CODE = '55501';
const PHONE = '+16045550123';

let clock: ManualClock;
let simulator: TwilioSimulator;
let shop: Shop;

beforeEach(async () => {
  clock = createManualClock();
  simulator = TwilioSimulator.create({ clock, segmentsPerSecond: 1_000 });
  shop = await openShop(simulator.authToken);
  await simulator.start();
  for (const phoneNumber of [LONG_CODE, SECOND, TOLL_FREE, SHORT_CODE]) {
    simulator.addNumber({ phoneNumber, smsUrl: `${shop.url}/sms` });
  }
});

afterEach(async () => {
  await simulator.stop();
  await shop.stop();
});

const say = (body: string, to = LONG_CODE) => simulator.text({ from: PHONE, to, body });
const send = (from: string) =>
  failureOf(sdkFor(simulator).messages.create({ from, to: PHONE, body: 'Hello' }));
const answers = () => simulator.carrierAnswers.map(({ body }) => body);

describe('A long code', () => {
  it.each(['STOP', 'stopall', 'Unsubscribe', 'CANCEL', 'end', 'quit', 'revoke', ' OptOut \n'])(
    'When the whole text is %j, then Twilio answers, blocks, and posts the plain text',
    async (word) => {
      await say(word);
      expect(answers()).toEqual([expect.stringContaining('unsubscribed')]);
      expect(await send(LONG_CODE)).toEqual([400, 21610]);
      expect(shop.seen[0]?.params.Body).toBe(word);
      expect(shop.seen[0]?.params).not.toHaveProperty('OptOutType');
      expect(simulator.sendsIntoBlocks).toHaveLength(1);
    },
  );

  it.each(['stop texting me', 'STOP.', 'please cancel', 'arrêt', ''])(
    'When the text is %j, then Twilio does nothing by itself',
    async (words) => {
      await say(words);
      expect(answers()).toEqual([]);
      expect(await send(LONG_CODE)).toBeUndefined();
    },
  );

  it('When somebody is stopped, then only that number is blocked, a second STOP is not answered, and START lifts it', async () => {
    await say('STOP');
    await say('STOP');
    expect(answers()).toHaveLength(1);
    expect(await send(SECOND)).toBeUndefined();
    await say('YES');
    expect(answers().at(-1)).toContain('re-subscribed');
    expect(await send(LONG_CODE)).toBeUndefined();
  });

  it('When somebody who is not stopped says yes or start, then Twilio is silent; HELP is answered', async () => {
    await say('yes');
    await say('START');
    expect(answers()).toEqual([]);
    await say('help');
    expect(answers()).toEqual([expect.stringContaining('STOP to unsubscribe')]);
  });

  it('When a TwiML reply goes to somebody who just stopped, then it is refused and in the debugger', async () => {
    shop.answers.push(answerWith(200, '<Response><Message>Sorry to see you go</Message></Response>'));
    expect((await say('STOP')).replies).toEqual([]);
    expect(simulator.alerts).toMatchObject([{ code: 21610 }]);
  });
});

describe('Advanced Opt-Out', () => {
  it('When a keyword comes, then the webhook has OptOutType, the whole service is blocked, and sends fail afterwards', async () => {
    const service = simulator.addMessagingService({
      numbers: [LONG_CODE, SECOND],
      hasAdvancedOptOut: true,
    });
    await say('stop');
    await say('info');
    expect(shop.seen.map(({ params }) => [params.OptOutType, params.MessagingServiceSid])).toEqual([
      ['STOP', service],
      ['HELP', service],
    ]);
    // Accepted first, and failed with 21610 a moment later.
    expect([await send(LONG_CODE), await send(SECOND)]).toEqual([undefined, undefined]);
    clock.advance(1_000);
    const outcomes = simulator.texts.filter(({ direction }) => direction === 'outbound-api');
    expect(outcomes.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['failed', 21610],
      ['failed', 21610],
    ]);
    expect(simulator.handset(PHONE)).toEqual([]);
    await say('START', SECOND);
    expect(shop.seen.at(-1)?.params.OptOutType).toBe('START');
    expect(await send(LONG_CODE)).toBeUndefined();
    clock.advance(1_000);
    expect(simulator.handset(PHONE)).toHaveLength(1);
  });

  it('When the text is ordinary, then there is no OptOutType', async () => {
    simulator.addMessagingService({ numbers: [LONG_CODE], hasAdvancedOptOut: true });
    await say('stop by at five?');
    expect(shop.seen[0]?.params).not.toHaveProperty('OptOutType');
    expect(shop.seen[0]?.params).toHaveProperty('MessagingServiceSid');
  });
});

describe('A toll-free number', () => {
  it('When STOP comes, then the network answers and blocks; only STOP counts, and YES does not lift it', async () => {
    await say('CANCEL', TOLL_FREE);
    expect(await send(TOLL_FREE)).toBeUndefined();
    await say('stop', TOLL_FREE);
    expect(answers()).toEqual([expect.stringMatching(/^NETWORK MSG/)]);
    await say('HELP', TOLL_FREE);
    await say('YES', TOLL_FREE);
    expect(answers()).toHaveLength(1);
    expect(await send(TOLL_FREE)).toEqual([400, 21610]);
    await say('UNSTOP', TOLL_FREE);
    expect(answers()).toHaveLength(2);
    expect(await send(TOLL_FREE)).toBeUndefined();
  });
});

describe('A short code, or a number with the feature off', () => {
  it('When STOP comes, then the carrier neither answers nor blocks: that is up to us', async () => {
    await say('STOP', SHORT_CODE);
    simulator.addNumber({ phoneNumber: LONG_CODE, keywords: 'off', smsUrl: `${shop.url}/sms` });
    await say('STOP', LONG_CODE);
    expect(answers()).toEqual([]);
    expect([await send(SHORT_CODE), await send(LONG_CODE)]).toEqual([undefined, undefined]);
    expect(shop.seen.map(({ params }) => params.Body)).toEqual(['STOP', 'STOP']);
  });
});
