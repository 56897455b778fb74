import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createManualClock, type ManualClock } from '../../simulator/clock.js';
import { TwilioSimulator } from '../../simulator/twilio.js';
import { until } from '../support/until.js';
import { failureOf, sdkFor } from './_sdk.js';

const LINE = '+16045550100';
const PHONE = '+16045550123';
const BODY = 'Yes, the Civic is here.';

let clock: ManualClock;
let simulator: TwilioSimulator;

async function open(options: Parameters<typeof TwilioSimulator.create>[0] = {}): Promise<void> {
  simulator = TwilioSimulator.create({ clock, ...options });
  await simulator.start();
  simulator.addNumber({ phoneNumber: LINE });
}

beforeEach(async () => {
  clock = createManualClock();
  await open();
});

afterEach(() => simulator.stop());

const send = (changes: Record<string, unknown> = {}) =>
  sdkFor(simulator).messages.create({ from: LINE, to: PHONE, body: BODY, ...changes });

describe('A text through the SDK', () => {
  it('When it is sent, then its fields have the types of the real resource, and it is on the handset when delivered', async () => {
    const sent = await send();
    expect(sent).toMatchObject({
      status: 'queued',
      direction: 'outbound-api',
      numSegments: '1',
      numMedia: '0',
    });
    expect(sent).toMatchObject({ errorCode: null, price: null, dateSent: null, from: LINE });
    expect(sent.sid).toMatch(/^SM[0-9a-f]{32}$/);
    expect(simulator.handset(PHONE)).toEqual([]);
    clock.advance(1_000);
    expect(await sdkFor(simulator).messages(sent.sid).fetch()).toMatchObject({ status: 'delivered' });
    expect(simulator.handset(PHONE).map(({ body }) => body)).toEqual([BODY]);
  });

  it('When it has media, then it is an MM, and its bytes are recorded as they came', async () => {
    const sent = await send({
      mediaUrl: ['https://cdn.example.test/1.jpg', 'https://cdn.example.test/2.jpg'],
    });
    expect(sent.sid).toMatch(/^MM/);
    expect(sent.numMedia).toBe('2');
    expect(simulator.requests[0]?.rawBody.toString()).toContain(
      'MediaUrl=https%3A%2F%2Fcdn.example.test%2F2.jpg',
    );
  });

  it('When a service sends it, then it is accepted without a sender, and has one a moment later', async () => {
    simulator.addNumber({ phoneNumber: '+16045550101' });
    const service = simulator.addMessagingService({ numbers: [LINE, '+16045550101'] });
    const form = { from: undefined, messagingServiceSid: service };
    const first = await send(form);
    expect(first).toMatchObject({
      status: 'accepted',
      from: null,
      numSegments: '0',
      messagingServiceSid: service,
    });
    const second = await send(form);
    clock.advance(2_000);
    const client = sdkFor(simulator);
    const senders = await Promise.all(
      [first, second].map(async ({ sid }) => (await client.messages(sid).fetch()).from),
    );
    expect(senders[0]).toBe(LINE);
    // The same receiver keeps the sender.
    expect(senders[1]).toBe(senders[0]);
  });

  it('When it is scheduled, then it waits, and what is canceled never leaves', async () => {
    const messagingServiceSid = simulator.addMessagingService({ numbers: [LINE] });
    const form = { from: undefined, messagingServiceSid, scheduleType: 'fixed' };
    const sendAt = new Date(clock.now() + 3_600_000);
    const [kept, canceled] = [await send({ ...form, sendAt }), await send({ ...form, sendAt })];
    expect(kept.status).toBe('scheduled');
    expect(await sdkFor(simulator).messages(canceled.sid).update({ status: 'canceled' })).toMatchObject({
      status: 'canceled',
    });
    clock.advance(3_599_000);
    expect(simulator.handset(PHONE)).toEqual([]);
    clock.advance(10_000);
    expect(simulator.handset(PHONE).map(({ sid }) => sid)).toEqual([kept.sid]);
  });

  it('When it is complete, then it may be redacted and deleted, and not before', async () => {
    const sent = sdkFor(simulator).messages((await send()).sid);
    expect(await failureOf(sent.update({ body: '' }))).toEqual([409, 20009]);
    expect(await failureOf(sent.remove())).toEqual([409, 20009]);
    clock.advance(1_000);
    expect(await failureOf(sent.update({ status: 'canceled' }))).toEqual([409, 30409]);
    expect(await failureOf(sent.update({ body: 'other words' }))).toEqual([400, 30400]);
    expect(await sent.update({ body: '' })).toMatchObject({ body: '' });
    expect(await sent.remove()).toBe(true);
    expect(await failureOf(sent.fetch())).toEqual([404, 20404]);
  });
});

describe('Refusals', () => {
  it.each([
    ['no receiver', { to: '' }, 21604],
    ['no sender', { from: '' }, 21603],
    ['no words', { body: '' }, 21602],
    ['1601 characters', { body: 'x'.repeat(1_601) }, 21617],
    ['a sender of somebody else', { from: '+16045550109' }, 21606],
    ['an impossible receiver', { to: 'nonsense' }, 21211],
    ['an impossible sender', { from: 'nonsense' }, 21212],
    ['itself as receiver', { to: LINE }, 21266],
    ['an unknown service', { from: '', messagingServiceSid: `MG${'0'.repeat(32)}` }, 21701],
    ['a time without a service', { sendAt: new Date(), scheduleType: 'fixed' }, 35118],
    ['the magic receiver 1', { to: '+15005550001' }, 21211],
    ['the magic receiver 2', { to: '+15005550002' }, 21612],
    ['the magic receiver 3', { to: '+15005550003' }, 21408],
    ['the magic receiver 4', { to: '+15005550004' }, 21610],
    ['the magic receiver 9', { to: '+15005550009' }, 21614],
    ['the magic sender 1', { from: '+15005550001' }, 21212],
    ['the magic sender 7', { from: '+15005550007' }, 21606],
    ['the magic sender 8', { from: '+15005550008' }, 21611],
  ])(
    'When there is %s, then it is refused with its code and nothing is kept',
    async (_what, changes, code) => {
      expect(await failureOf(send(changes))).toEqual([400, code]);
      expect(simulator.texts).toEqual([]);
    },
  );

  it('When the magic sender 6 is used, then it is valid though nobody has it', async () => {
    expect(await send({ from: '+15005550006' })).toMatchObject({ status: 'queued' });
  });

  it('When credentials or paths are wrong, then 20003 or 20404 says so, and an API key opens its account', async () => {
    expect(await failureOf(sdkFor(simulator, 'wrong').messages.list())).toEqual([401, 20003]);
    const get = (path: string, user: string, secret: string) =>
      fetch(`${simulator.baseUrl}${path}`, {
        headers: { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` },
      });
    simulator.addApiKey(`SK${'1'.repeat(32)}`, 'key-secret');
    simulator.addAccount(`AC${'2'.repeat(32)}`, 'other-token');
    const mine = `/2010-04-01/Accounts/${simulator.accountSid}/Messages.json`;
    expect((await get(mine, `SK${'1'.repeat(32)}`, 'key-secret')).status).toBe(200);
    const others = await get(mine, `AC${'2'.repeat(32)}`, 'other-token');
    expect([others.status, ((await others.json()) as { code: number }).code]).toEqual([404, 20404]);
    expect((await get('/2010-04-01/Other.json', simulator.accountSid, simulator.authToken)).status).toBe(404);
    expect((await fetch(`${simulator.baseUrl}${mine}`)).status).toBe(401);
  });
});

describe('Lists', () => {
  it('When there are more than a page, then the SDK reads all, newest first, and each once though texts come meanwhile', async () => {
    for (let n = 0; n < 7; n += 1) simulator.seed({ from: LINE, to: PHONE, body: `text ${n}` });
    simulator.seed({ from: LINE, to: '+16045550124', body: 'to somebody else' });
    const bodies: string[] = [];
    type Page = {
      readonly instances: { readonly body: string }[];
      nextPage(): Promise<Page | undefined> | undefined;
    };
    let page: Page | undefined = await sdkFor(simulator).messages.page({
      to: PHONE,
      from: LINE,
      pageSize: 3,
    });
    while (page) {
      bodies.push(...page.instances.map(({ body }) => body));
      simulator.seed({ from: LINE, to: PHONE, body: 'newer' });
      page = await page.nextPage();
    }
    expect(bodies).toEqual([6, 5, 4, 3, 2, 1, 0].map((n) => `text ${n}`));
  });

  it('When a window of dates is asked for, then what waits in the queue is not in it', async () => {
    const at = (hours: number) => new Date(clock.now() + hours * 3_600_000);
    simulator.seed({ from: LINE, to: PHONE, body: 'early', createdAt: at(-30) });
    simulator.seed({ from: LINE, to: PHONE, body: 'late', createdAt: at(-1) });
    simulator.seed({ from: LINE, to: PHONE, body: 'queued', status: 'queued' });
    const bodies = async (options: object) =>
      (await sdkFor(simulator).messages.list(options)).map(({ body }) => body);
    expect(await bodies({})).toEqual(['queued', 'late', 'early']);
    expect(await bodies({ dateSentAfter: at(-2) })).toEqual(['late']);
    expect(await bodies({ dateSentBefore: at(-2) })).toEqual(['early']);
    expect(await bodies({ dateSent: at(-30) })).toEqual(['early']);
  });
});

describe('Faults', () => {
  it.each([
    ['429', [429, 20429], 0],
    ['500-before', [500, 20500], 0],
    ['500-after-accept', [500, 20500], 1],
  ] as const)(
    'When %s is wanted for one send, then the SDK sees it and the next send is fine',
    async (fault, seen, kept) => {
      simulator.failNext(fault);
      expect(await failureOf(send())).toEqual(seen);
      expect(simulator.texts).toHaveLength(kept);
      expect(await failureOf(send())).toBeUndefined();
    },
  );

  it.each([
    ['hang-before', 0],
    ['reset-before', 0],
    ['hang-after-accept', 1],
    ['reset-after-accept', 1],
    ['garbage-after-accept', 1],
    ['slow-body', 1],
  ] as const)('When %s is wanted, then no usable answer comes and %i texts are kept', async (fault, kept) => {
    simulator.failNext(fault);
    const path = `/2010-04-01/Accounts/${simulator.accountSid}/Messages.json`;
    const { accountSid, authToken } = simulator;
    const controller = new AbortController();
    const asked = fetch(`${simulator.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` },
      body: new URLSearchParams({ From: LINE, To: PHONE, Body: BODY }),
      signal: controller.signal,
    }).then((answer) => answer.json());
    const ended = expect(asked).rejects.toThrow();
    await until(() => simulator.requests.length === 1 && simulator.texts.length === kept, {
      what: 'the request',
    });
    // The carrier's clock stands still, so a slow body never ends.
    if (fault.startsWith('hang') || fault === 'slow-body') controller.abort();
    await ended;
    expect(simulator.texts).toHaveLength(kept);
  });

  it('When reads are to fail, then sends do not', async () => {
    simulator.failNext('500-before', 1, 'read');
    expect(await failureOf(send())).toBeUndefined();
    expect(await failureOf(sdkFor(simulator).messages.list())).toEqual([500, 20500]);
    expect(await failureOf(sdkFor(simulator).messages.list())).toBeUndefined();
  });

  it('When more requests come at once than the account may have, then the rest are 429', async () => {
    await simulator.stop();
    await open({ maxConcurrentRequests: 1 });
    simulator.failNext('hang-before');
    const path = `${simulator.baseUrl}/2010-04-01/Accounts/${simulator.accountSid}/Messages.json`;
    const { accountSid, authToken } = simulator;
    const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
    const controller = new AbortController();
    const hanging = fetch(path, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ From: LINE, To: PHONE, Body: BODY }),
      signal: controller.signal,
    }).catch(() => 'gone');
    await until(() => simulator.requests.length === 1, { what: 'the first request' });
    expect((await fetch(path, { headers: { authorization } })).status).toBe(429);
    controller.abort();
    expect(await hanging).toBe('gone');
  });
});

describe('Throughput', () => {
  it('When a long code has a burst, then one segment leaves a second, and other senders do not wait', async () => {
    simulator.addNumber({ phoneNumber: '+18005550100' });
    for (let n = 0; n < 3; n += 1) await send({ body: `text ${n}` });
    for (let n = 0; n < 3; n += 1) await send({ from: '+18005550100', to: '+16045550124' });
    const counts = () => [PHONE, '+16045550124'].map((phone) => simulator.handset(phone).length);
    clock.advance(300);
    expect(counts()).toEqual([1, 1]);
    clock.advance(700);
    // The toll-free number is three times as fast.
    expect(counts()).toEqual([1, 3]);
    clock.advance(1_300);
    expect(counts()).toEqual([3, 3]);
    expect(simulator.handset(PHONE).map(({ body }) => body)).toEqual(['text 0', 'text 1', 'text 2']);
  });

  it('When ten hours wait for a sender, then the next text is refused with 21611 until there is room', async () => {
    await simulator.stop();
    await open({ segmentsPerSecond: 1 / 18_000 });
    await send();
    await send();
    expect(await failureOf(send())).toEqual([400, 21611]);
    clock.advance(18_000_000);
    expect(await failureOf(send())).toBeUndefined();
  });

  it('When more than thirty texts follow each other to one phone, then the next fail with 14107 until there was a pause', async () => {
    await simulator.stop();
    await open({ segmentsPerSecond: 1_000 });
    const statuses = async (times: number) => {
      const sids: string[] = [];
      for (let n = 0; n < times; n += 1) {
        sids.push((await send({ body: `text ${n}` })).sid);
        clock.advance(1_000);
      }
      return sids.map((sid) => simulator.texts.find((text) => text.sid === sid));
    };
    const burst = await statuses(32);
    expect(burst.filter((text) => text?.status === 'delivered')).toHaveLength(30);
    expect(burst.slice(30).map((text) => [text?.status, text?.errorCode])).toEqual([
      ['failed', 14107],
      ['failed', 14107],
    ]);
    expect((await send({ to: '+16045550124' })).errorCode).toBeNull();
    clock.advance(30_000);
    expect((await statuses(1))[0]?.status).toBe('delivered');
  });
});
