import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createManualClock, type ManualClock } from '../../simulator/clock.js';
import { type Schedule, schedules } from '../../simulator/schedules.js';
import { TwilioSimulator } from '../../simulator/twilio.js';
import { sdkFor } from './_sdk.js';
import { answerWith, type Behaviour, openShop, type Shop } from './_shop.js';

const LINE = '+16045550100';
const PHONE = '+16045550123';
const TOKEN = 'token-of-the-account';

let clock: ManualClock;
let simulator: TwilioSimulator;
let shop: Shop;

beforeEach(async () => {
  clock = createManualClock(Date.UTC(2026, 2, 4, 17, 5));
  simulator = TwilioSimulator.create({ authToken: TOKEN, clock });
  shop = await openShop(TOKEN);
  await simulator.start();
  simulator.addNumber({ phoneNumber: LINE });
});

afterEach(async () => {
  await simulator.stop();
  await shop.stop();
});

const send = (changes: object = {}) =>
  sdkFor(simulator).messages.create({
    from: LINE,
    to: PHONE,
    body: 'Hello',
    statusCallback: `${shop.url}/status?message=1#rc=0`,
    ...changes,
  });
const told = () => shop.seen.map(({ params }) => params.MessageStatus);
const statusOf = (sid: string) => simulator.texts.find((text) => text.sid === sid)?.status;

/** Sends a text under a schedule, and lets the carrier's time pass until nothing more happens. */
async function play(schedule: Schedule, ms = 1_000): Promise<string> {
  simulator.scheduleNext(schedule);
  const { sid } = await send();
  for (let step = 0; step < 20; step += 1) {
    clock.advance(ms / 20);
    await simulator.idle();
  }
  return sid;
}

describe('Status callbacks', () => {
  it('When all goes well, then sent and delivered are told with the real parameters, and no initial status', async () => {
    const sid = await play(schedules.normal);
    expect(told()).toEqual(['sent', 'delivered']);
    for (const { hasGoodSignature, path, params } of shop.seen) {
      expect(hasGoodSignature).toBe(true);
      expect(path).toBe('/status?message=1');
      expect(params).toMatchObject({
        MessageSid: sid,
        SmsSid: sid,
        From: LINE,
        To: PHONE,
        ApiVersion: '2010-04-01',
      });
      expect(params.SmsStatus).toBe(params.MessageStatus);
      expect(params.AccountSid).toBe(simulator.accountSid);
      expect(params).not.toHaveProperty('ErrorCode');
    }
    expect(shop.seen[0]?.params).not.toHaveProperty('RawDlrDoneDate');
    expect(shop.seen[1]?.params.RawDlrDoneDate).toBe('2603041705');
  });

  it.each([
    ['reversed', schedules.reversed, ['delivered', 'sent'], 'delivered', 1],
    ['doubled', schedules.doubled, ['sent', 'sent', 'delivered', 'delivered'], 'delivered', 1],
    ['missing', schedules.missing, [], 'delivered', 1],
    ['never confirmed', schedules.unconfirmed, ['sent'], 'sent', 1],
    ['a failure that is forgotten', schedules.failedThenSent(30_007), ['failed', 'sent'], 'failed', 0],
  ])(
    'When they are %s, then so they come, and the resource tells the truth',
    async (_what, schedule, expected, status, reached) => {
      const sid = await play(schedule);
      expect(told()).toEqual(expected);
      expect(statusOf(sid)).toBe(status);
      expect(simulator.handset(PHONE)).toHaveLength(reached);
    },
  );

  it('When they are late by hours, then the clock decides', async () => {
    const lateMs = 11 * 3_600_000;
    simulator.scheduleNext(schedules.late(lateMs));
    await send();
    clock.advance(lateMs - 1);
    await simulator.idle();
    expect(told()).toEqual(['sent']);
    clock.advance(1);
    await simulator.idle();
    expect(told()).toEqual(['sent', 'delivered']);
  });

  it('When they come before the 201, then the client learns the SID last', async () => {
    simulator.scheduleNext(schedules.beforeAnswer);
    const order: string[] = [];
    const noting =
      (word: string): Behaviour =>
      (request, response) => {
        order.push(word);
        answerWith(204)(request, response);
      };
    shop.answers.push(noting('sent'), noting('delivered'));
    const { sid, status } = await send();
    order.push('201');
    expect(order).toEqual(['sent', 'delivered', '201']);
    expect(shop.seen.map(({ params }) => params.MessageSid)).toEqual([sid, sid]);
    expect(status).toBe('delivered');
  });

  it.each([30_003, 30_004, 30_005, 30_006, 30_007, 30_008, 30_022, 30_023, 30_034])(
    'When the carrier answers with %i, then the text is undelivered or failed with it, and on no handset',
    async (code) => {
      const undelivered = await play(schedules.undelivered(code));
      const failed = await play(schedules.failed(code));
      expect(told()).toEqual(['sent', 'undelivered', 'failed']);
      expect(shop.seen.map(({ params }) => params.ErrorCode)).toEqual([
        undefined,
        String(code),
        String(code),
      ]);
      expect([statusOf(undelivered), statusOf(failed)]).toEqual(['undelivered', 'failed']);
      const fetched = await sdkFor(simulator).messages(undelivered).fetch();
      expect(fetched.errorCode).toBe(code);
      expect(fetched.errorMessage).toMatch(/\w/);
      expect(simulator.handset(PHONE)).toEqual([]);
    },
  );

  it('When Twilio adds parameters, then they are signed with the rest', async () => {
    await play(schedules.withExtra(schedules.normal, { ChannelToAddress: '+1604555XXXX', NewThing: '' }));
    expect(shop.seen[0]).toMatchObject({ hasGoodSignature: true, params: { NewThing: '' } });
  });

  it('When a service sends, then queued is told too, with the service', async () => {
    const messagingServiceSid = simulator.addMessagingService({ numbers: [LINE] });
    await send({ from: undefined, messagingServiceSid });
    for (let step = 0; step < 10; step += 1) {
      clock.advance(100);
      await simulator.idle();
    }
    expect(told()).toEqual(['queued', 'sent', 'delivered']);
    expect(shop.seen.every(({ params }) => params.MessagingServiceSid === messagingServiceSid)).toBe(true);
  });

  it('When the callback is refused, then it is in the debugger, and retried only where the URL asks for it', async () => {
    shop.answers.push(answerWith(500), answerWith(500));
    await play(schedules.unconfirmed);
    expect(simulator.alerts).toMatchObject([{ code: 11200 }]);
    expect(shop.seen).toHaveLength(1);
    simulator.scheduleNext(schedules.unconfirmed);
    await send({ statusCallback: `${shop.url}/status#rp=5xx` });
    clock.advance(5_000);
    await simulator.idle();
    expect(shop.seen).toHaveLength(3);
  });

  it('When a text is canceled while it waits, then nothing more is told of it', async () => {
    await send();
    const second = await send();
    await sdkFor(simulator).messages(second.sid).update({ status: 'canceled' });
    clock.advance(5_000);
    await simulator.idle();
    expect(shop.seen.filter(({ params }) => params.MessageSid === second.sid)).toEqual([]);
    expect(simulator.handset(PHONE)).toHaveLength(1);
  });
});

describe('A test that moves texts itself', () => {
  it('When delivery is manual, then a text is there at once, and deliver posts what it is told', async () => {
    const manual = TwilioSimulator.create({ authToken: TOKEN, delivery: 'manual', unknownSenders: 'accept' });
    await manual.start();
    const form = { from: '+16045550109', to: PHONE, body: 'Hi', statusCallback: `${shop.url}/status` };
    const { sid } = await sdkFor(manual).messages.create(form);
    expect(manual.handset(PHONE)).toHaveLength(1);
    shop.answers.push(answerWith(204));
    expect(await manual.deliver(sid, 'undelivered', { errorCode: 30_003, extra: { More: '1' } })).toBe(204);
    expect(shop.seen[0]).toMatchObject({ hasGoodSignature: true, params: { ErrorCode: '30003', More: '1' } });
    await expect(manual.deliver(`SM${'0'.repeat(32)}`, 'sent')).rejects.toThrow('no status callback');
    await manual.stop();
  });
});
