import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import twilio from 'twilio';
import { TwilioSimulator } from '../../simulator/twilio.js';
import { answerWith, EMPTY_TWIML, hang, openShop, reset, type Shop } from './_shop.js';

const LINE = '+16045550100';
const PHONE = '+16045550123';
const TOKEN = 'token-of-the-account';

let simulator: TwilioSimulator;
let shop: Shop;

beforeEach(async () => {
  simulator = TwilioSimulator.create({ authToken: TOKEN });
  shop = await openShop(TOKEN);
  await simulator.start();
});

afterEach(async () => {
  await simulator.stop();
  await shop.stop();
});

function line(overrides = '', settings: Parameters<TwilioSimulator['addNumber']>[0] | object = {}): void {
  simulator.addNumber({ phoneNumber: LINE, smsUrl: `${shop.url}/sms${overrides}`, ...settings });
}

const text = (changes: object = {}) =>
  simulator.text({ from: PHONE, to: LINE, body: 'Is the Civic there? café ☕ & more', ...changes });
const alerts = () => simulator.alerts.map(({ code }) => code);
const paths = () => shop.seen.map(({ path }) => path);

describe('An inbound text', () => {
  it("When it is posted, then Twilio's own library finds its signature good, and the parameters are all there", async () => {
    line();
    const { messageSid, statuses } = await text();
    expect(statuses).toEqual([200]);
    const [seen] = shop.seen;
    expect(seen?.hasGoodSignature).toBe(true);
    expect(seen?.params).toMatchObject({
      MessageSid: messageSid,
      SmsSid: messageSid,
      SmsMessageSid: messageSid,
      AccountSid: simulator.accountSid,
      From: PHONE,
      To: LINE,
      Body: 'Is the Civic there? café ☕ & more',
      NumMedia: '0',
      NumSegments: '1',
      SmsStatus: 'received',
      ApiVersion: '2010-04-01',
      FromState: 'BC',
      FromCountry: 'CA',
      FromZip: '',
    });
    expect(seen?.headers['i-twilio-idempotency-token']).toMatch(/^RQ/);
    expect(alerts()).toEqual([]);
  });

  it('When the URL has a query, credentials and overrides, then all but the overrides is signed', async () => {
    const address = shop.url.replace('http://', 'http://user:pass%20word@');
    simulator.addNumber({ phoneNumber: LINE, smsUrl: `${address}/sms?tenant=a%20b#rc=2&rp=all` });
    await text();
    const { url, signature, params } = simulator.webhooks[0]!;
    expect(url).toBe(`${address}/sms?tenant=a%20b`);
    expect(twilio.validateRequest(TOKEN, signature, url, params)).toBe(true);
    expect(twilio.validateRequest('another', signature, url, params)).toBe(false);
    expect(shop.seen[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('user:pass word').toString('base64')}`,
    );
  });

  it('When the public URL is served elsewhere, then the public one is signed and in the Host header', async () => {
    await shop.stop();
    await simulator.stop();
    shop = await openShop(TOKEN, 'https://jack.example.test');
    simulator = TwilioSimulator.create({
      authToken: TOKEN,
      resolve: (url) => new URL(url.pathname + url.search, shop.url),
    });
    await simulator.start();
    simulator.addNumber({ phoneNumber: LINE, smsUrl: 'https://jack.example.test/sms?a=1' });
    await text();
    expect(shop.seen[0]).toMatchObject({ path: '/sms?a=1', hasGoodSignature: true });
    expect(shop.seen[0]?.headers.host).toBe('jack.example.test');
  });

  it('When the same text is posted again, in copies, then it is one text of the account', async () => {
    line();
    const { messageSid } = await text({ copies: 3 });
    await text({ messageSid });
    expect(shop.seen.map(({ params }) => params.MessageSid)).toEqual(Array(4).fill(messageSid));
    expect(simulator.texts).toHaveLength(1);
    expect(simulator.texts[0]).toMatchObject({ direction: 'inbound', status: 'received' });
  });

  it('When a number has no webhook or nobody has the number, then nothing is posted', async () => {
    simulator.addNumber({ phoneNumber: LINE });
    expect(await text()).toMatchObject({ statuses: [], replies: [] });
    await expect(text({ to: '+16045550109' })).rejects.toThrow('no number of this carrier');
  });
});

describe('Retries', () => {
  /** A port on which nothing listens. */
  async function closedPort(): Promise<number> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    return port;
  }

  it.each([
    ['an error of the server', answerWith(500), '', 1, [500]],
    ['an error of the server, with rp=5xx', answerWith(500), '#rp=5xx', 2, [200]],
    ['an error of the server, with rc=2 and rp=all', answerWith(503), '#rc=2&rp=all', 2, [200]],
    ['a refusal, with rp=5xx', answerWith(403), '#rp=5xx,ct,rt', 1, [403]],
    ['a refusal, with rp=4xx', answerWith(429), '#rp=4xx', 2, [200]],
    ['silence', hang, '#rt=1000', 1, [0]],
    ['silence, with rp=rt', hang, '#rt=1000&rp=rt', 2, [200]],
    ['a connection that breaks', reset, '#rp=ct', 1, [0]],
    ['a connection that breaks, with rp=rt', reset, '#rp=rt', 2, [200]],
  ])(
    'When the webhook answers with %s, then it is tried as often as the URL says',
    async (_what, first, overrides, tries, statuses) => {
      line(overrides);
      shop.answers.push(first);
      expect((await text()).statuses).toEqual(statuses);
      expect(shop.seen).toHaveLength(tries);
      const tokens = shop.seen.map(({ headers }) => headers['i-twilio-idempotency-token']);
      expect(new Set(tokens).size).toBe(1);
      expect(alerts()).toEqual(tries === 1 ? [11200] : []);
    },
  );

  it('When nothing listens, then by default it is tried twice, and with rc=0 once', async () => {
    const address = `http://127.0.0.1:${await closedPort()}/sms`;
    simulator.addNumber({ phoneNumber: LINE, smsUrl: address });
    expect((await text()).statuses).toEqual([0]);
    expect(simulator.webhooks.map(({ result }) => result.kind)).toEqual(['ct', 'ct']);
    simulator.addNumber({ phoneNumber: LINE, smsUrl: `${address}#rc=0` });
    await text();
    expect(simulator.webhooks).toHaveLength(3);
    expect(alerts()).toEqual([11200, 11200]);
  });

  it('When the total time is over, then there is no further retry', async () => {
    line('#rt=600&tt=700&rc=5&rp=rt');
    shop.answers.push(hang, hang, hang, hang);
    expect((await text()).statuses).toEqual([0]);
    // Five retries of 600 ms would fit into the default of 15 s; into 700 ms goes one at most.
    expect([1, 2]).toContain(simulator.webhooks.length);
  });

  it('When retries are used up, then the fallback URL gets the same text with ErrorCode and ErrorUrl, signed', async () => {
    line('#rc=1&rp=5xx', { smsFallbackUrl: `${shop.url}/fallback?a=1#rc=0` });
    shop.answers.push(answerWith(500), answerWith(500), answerWith(200, EMPTY_TWIML));
    const { messageSid, statuses } = await text();
    expect(statuses).toEqual([200]);
    expect(paths()).toEqual(['/sms', '/sms', '/fallback?a=1']);
    expect(shop.seen[2]).toMatchObject({ hasGoodSignature: true });
    expect(shop.seen[2]?.params).toMatchObject({
      MessageSid: messageSid,
      ErrorCode: '11200',
      ErrorUrl: `${shop.url}/sms`,
    });
    expect(alerts()).toEqual([11200]);
  });

  it('When the fallback fails too, then both are in the debugger and nothing else happens', async () => {
    line('', { smsFallbackUrl: `${shop.url}/fallback` });
    shop.answers.push(answerWith(500), answerWith(500));
    expect((await text()).statuses).toEqual([500]);
    expect(simulator.alerts.map(({ code, url }) => [code, url])).toEqual([
      [11200, `${shop.url}/sms`],
      [11200, `${shop.url}/fallback`],
    ]);
  });
});

describe('What a webhook answers', () => {
  // Two messages, in the two ways of writing them.
  const TWIML = `<?xml version="1.0" encoding="UTF-8"?>
    <Response>
      <!-- A comment -->
      <Message>Fish &amp; chips, 5 &lt; 6</Message>
      <Message><Body>A picture</Body><Media>https://cdn.example.test/1.jpg</Media></Message>
    </Response>`;

  it.each([
    ['text/xml', EMPTY_TWIML, undefined],
    ['application/xml; charset=utf-8', EMPTY_TWIML, undefined],
    ['', '', undefined],
    ['application/json', '{"ok":true}', 12300],
    ['text/html', '<h1>Error</h1>', 12300],
    ['', 'something', 12300],
    ['text/xml', '<Response>', 12100],
    ['text/xml', '<Response><Message>Fish & chips</Message></Response>', 12100],
    ['text/xml', '<Other/>', 12100],
    ['text/xml', 'hello', 12100],
    ['text/xml', '<Response><Dial>+16045550123</Dial></Response>', 12200],
  ])('When it is %j with %j, then the debugger says %j', async (type, body, code) => {
    line();
    shop.answers.push(answerWith(200, body, type));
    expect((await text()).replies).toEqual([]);
    expect(alerts()).toEqual(code === undefined ? [] : [code]);
  });

  it('When it is no TwiML and there is a fallback URL, then that is asked with the code', async () => {
    line('', { smsFallbackUrl: `${shop.url}/fallback` });
    shop.answers.push(answerWith(200, '{}', 'application/json'));
    await text();
    expect(shop.seen[1]?.params.ErrorCode).toBe('12300');
  });

  it('When it has messages, then they are sent as replies of the number', async () => {
    line();
    shop.answers.push(answerWith(200, TWIML));
    const { replies } = await text();
    expect(
      replies.map(({ body, mediaUrls, direction, from, to }) => [
        body,
        mediaUrls.length,
        direction,
        from,
        to,
      ]),
    ).toEqual([
      ['Fish & chips, 5 < 6', 0, 'outbound-reply', LINE, PHONE],
      ['A picture', 1, 'outbound-reply', LINE, PHONE],
    ]);
  });

  it('When it is plain text, then the shopper gets it as a text', async () => {
    line();
    shop.answers.push(answerWith(200, 'Internal error', 'text/plain'));
    expect((await text()).replies.map(({ body }) => body)).toEqual(['Internal error']);
  });

  it('When it has a message without words, then that is 14103 and no text', async () => {
    line();
    shop.answers.push(answerWith(200, '<Response><Message></Message></Response>'));
    expect((await text()).replies).toEqual([]);
    expect(alerts()).toEqual([14103]);
  });
});

describe('Media', () => {
  const bytes = Buffer.from('not really a picture');
  const fetchMedium = (url: string, headers = {}) => fetch(url, { headers, redirect: 'manual' });
  const credentials = () => ({
    authorization: `Basic ${Buffer.from(`${simulator.accountSid}:${TOKEN}`).toString('base64')}`,
  });

  it('When a text has a picture, then its URL wants credentials, and a second host that must not see them has the bytes', async () => {
    line();
    const { messageSid } = await text({ body: '', media: [{ contentType: 'image/jpeg', bytes }] });
    expect(messageSid).toMatch(/^MM/);
    const { MediaUrl0: url = '', MediaContentType0: type, NumMedia: count } = shop.seen[0]?.params ?? {};
    expect([type, count]).toEqual(['image/jpeg', '1']);
    expect((await fetchMedium(url)).status).toBe(401);
    const redirect = await fetchMedium(url, credentials());
    expect(redirect.status).toBe(307);
    const location = redirect.headers.get('location') ?? '';
    expect(new URL(location).host).not.toBe(new URL(url).host);
    expect((await fetchMedium(location, credentials())).status).toBe(400);
    const served = await fetchMedium(location);
    expect(served.headers.get('content-type')).toBe('image/jpeg');
    expect(Buffer.from(await served.arrayBuffer())).toEqual(bytes);
    expect(simulator.cdnRequests.map(({ headers }) => headers.authorization !== undefined)).toEqual([
      true,
      false,
    ]);
  });

  it('When a medium lies about its type or leads elsewhere, then the host does what was asked', async () => {
    line();
    await text({
      media: [
        { contentType: 'image/jpeg', bytes, servedType: 'text/html' },
        { contentType: 'image/png', bytes, redirectTo: 'http://169.254.169.254/latest' },
      ],
    });
    const { MediaUrl0 = '', MediaUrl1 = '' } = shop.seen[0]?.params ?? {};
    const first = await fetchMedium(MediaUrl0, credentials());
    const served = await fetchMedium(first.headers.get('location') ?? '');
    expect(served.headers.get('content-type')).toBe('text/html');
    const second = await fetchMedium(MediaUrl1, credentials());
    expect(second.headers.get('location')).toBe('http://169.254.169.254/latest');
  });

  it('When media are deleted at the carrier, then they are gone', async () => {
    line();
    await text({ media: [{ contentType: 'image/jpeg', bytes }] });
    const url = shop.seen[0]?.params.MediaUrl0 ?? '';
    expect(await (await fetchMedium(`${url}.json`, credentials())).json()).toMatchObject({
      content_type: 'image/jpeg',
    });
    const gone = await fetch(url, { method: 'DELETE', headers: credentials() });
    expect(gone.status).toBe(204);
    expect((await fetchMedium(url, credentials())).status).toBe(404);
  });
});
