import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import twilio from 'twilio';
import { JackError } from '../../services/errors.js';
import { createLogger } from '../../services/logger.js';
import { createTwilioTransport } from '../../services/outbound/transports/twilioTransport.js';
import type { OutboundText, Transport } from '../../services/outbound/transports/types.js';
import { parseForm } from '../../services/twilio/form.js';
import { isValidTwilioSignature } from '../../services/twilio/signature.js';
import { type E164, newMessageId, newOrganizationId } from '../../services/types.js';
import { startTwilioDouble, type TwilioDouble } from '../support/twilioDouble.js';
import { until } from '../support/until.js';

const FROM = '+17785550100' as E164;
const TO = '+16045550123' as E164;
const BODY = 'Yes, the Civic is here.';

let double: TwilioDouble;
let transports: Transport[];
let stoppers: (() => Promise<void>)[];
let logged: string;

beforeEach(async () => {
  double = await startTwilioDouble();
  transports = [];
  stoppers = [];
  logged = '';
});

afterEach(async () => {
  for (const transport of transports) await transport.stop?.();
  for (const stop of stoppers) await stop();
  await double.stop();
});

interface Settings {
  readonly baseUrl?: string;
  readonly authToken?: string;
  readonly accountSid?: string;
  readonly timeoutMs?: number;
  readonly connectTimeoutMs?: number;
}

function transport({ authToken, accountSid, ...settings }: Settings = {}): Transport {
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      logged += chunk.toString();
      done();
    },
  });
  const made = createTwilioTransport({
    baseUrl: double.baseUrl,
    logger: createLogger({ level: 'debug', format: 'json', stream }),
    credentialsFor: async () => ({
      accountSid: accountSid ?? double.accountSid,
      authToken: authToken ?? double.authToken,
    }),
    ...settings,
  });
  transports.push(made);
  return made;
}

const text = (changes: Partial<OutboundText> = {}): OutboundText => ({
  id: newMessageId(),
  organizationId: newOrganizationId(),
  account: 'default',
  from: FROM,
  to: TO,
  body: BODY,
  mediaUrls: [],
  createdAt: new Date(),
  ...changes,
});

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('A text that Twilio takes', () => {
  it('When it is sent, then it is accepted with its SID, status and segments, and reaches the handset once', async () => {
    const result = await transport().send(text());
    const [onHandset, ...more] = double.handset(TO);
    expect(more).toEqual([]);
    expect(onHandset).toMatchObject({ from: FROM, to: TO, body: BODY });
    expect(result).toEqual({
      outcome: 'accepted',
      providerSid: onHandset?.sid,
      status: 'queued',
      segments: 1,
    });
  });

  it('When the body has accents, emoji and signs of a form, then it arrives as it was written', async () => {
    const body = 'Café & co = 100% + 5? ☕👍🏽\nSecond line';
    await transport().send(text({ body }));
    expect(double.handset(TO)[0]?.body).toBe(body);
  });

  it('When it has media and no words, then it is sent as an MMS', async () => {
    const mediaUrls = ['https://cdn.example.test/1.jpg', 'https://cdn.example.test/2.jpg'];
    const result = await transport().send(text({ body: '', mediaUrls }));
    expect(result).toMatchObject({ outcome: 'accepted', providerSid: expect.stringMatching(/^MM/) });
    expect(double.handset(TO)[0]?.mediaUrls).toEqual(mediaUrls);
  });

  it('When two are sent one after the other, then they share a connection', async () => {
    const carrier = transport();
    await carrier.send(text());
    await carrier.send(text());
    const ports = double.requests.map(({ remotePort }) => remotePort);
    expect(ports).toHaveLength(2);
    expect(new Set(ports).size).toBe(1);
  });

  it("When an organization has an account of its own, then that account's credentials are used", async () => {
    const accountSid = `AC${'9'.repeat(32)}`;
    double.addAccount(accountSid, 'its-own-token');
    const result = await transport({ accountSid, authToken: 'its-own-token' }).send(
      text({ account: accountSid }),
    );
    expect(result.outcome).toBe('accepted');
    expect(double.texts[0]?.accountSid).toBe(accountSid);
  });

  it('When a status callback is wanted, then it carries our id and its signature is good', async () => {
    const seen: boolean[] = [];
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const rawBody = Buffer.concat(chunks);
        const url = `${origin}${request.url}`;
        const signature = String(request.headers['x-twilio-signature']);
        const contentType = request.headers['content-type'];
        const params = parseForm(rawBody);
        seen.push(
          isValidTwilioSignature({
            authTokens: [double.authToken],
            signature,
            url,
            rawBody,
            contentType,
            params,
          }),
        );
        response.writeHead(params.MessageStatus === 'delivered' ? 204 : 500).end();
      });
    });
    const origin = `http://127.0.0.1:${await listen(server)}`;
    stoppers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const outbound = text({ statusCallbackUrl: `${origin}/status?tenant=a%20b` });
    const result = await transport().send(outbound);
    const callback = new URL(double.texts[0]?.statusCallback ?? '');
    expect(Object.fromEntries(callback.searchParams)).toEqual({ tenant: 'a b', message: outbound.id });
    const sid = result.outcome === 'accepted' ? result.providerSid : '';
    expect(await double.deliver(sid, 'delivered')).toBe(204);
    expect(seen).toEqual([true]);
    server.closeAllConnections();
  });
});

describe('A text that is certainly not sent', () => {
  const refusals: [string, Partial<OutboundText>, number, boolean][] = [
    ['an invalid receiver', { to: '+15005550001' as E164 }, 21211, false],
    ['a receiver without a route', { to: '+15005550002' as E164 }, 21612, false],
    ['a country that is not allowed', { to: '+15005550003' as E164 }, 21408, false],
    ['a receiver who opted out', { to: '+15005550004' as E164 }, 21610, false],
    ['a landline', { to: '+15005550009' as E164 }, 21614, false],
    ['a sender that is not ours', { from: '+15005550007' as E164 }, 21606, false],
    ['a sender whose queue is full', { from: '+15005550008' as E164 }, 21611, true],
    ['a body that is too long', { body: 'x'.repeat(1601) }, 21617, false],
    ['neither body nor media', { body: '' }, 21602, false],
  ];
  it.each(refusals)(
    'When there is %s, then it is refused with the code of Twilio',
    async (_what, changes, code, retryable) => {
      const result = await transport().send(text(changes));
      expect(result).toEqual({
        outcome: 'refused',
        code,
        retryable,
        reason: `HTTP 400, Twilio error ${code}`,
      });
      expect(double.texts).toEqual([]);
    },
  );

  it('When the person texted STOP to this number, then it is refused with 21610 until START', async () => {
    double.block(FROM, TO);
    expect(await transport().send(text())).toMatchObject({
      outcome: 'refused',
      code: 21610,
      retryable: false,
    });
    double.unblock(FROM, TO);
    expect(await transport().send(text())).toMatchObject({ outcome: 'accepted' });
  });

  it('When the token is wrong, then it is refused with 20003 and not tried again', async () => {
    const result = await transport({ authToken: 'wrong' }).send(text());
    expect(result).toMatchObject({ outcome: 'refused', code: 20003, retryable: false });
  });

  it('When Twilio has too many requests, then it may be tried again after the time Twilio says', async () => {
    double.failNext('429');
    const result = await transport().send(text());
    expect(result).toMatchObject({ outcome: 'refused', code: 20429, retryable: true, retryAfterMs: 2000 });
  });

  it('When nothing listens, then the connection was never made and it may be tried again', async () => {
    const server = net.createServer();
    const port = await listen(server);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    const result = await transport({ baseUrl: `http://127.0.0.1:${port}` }).send(text());
    expect(result).toMatchObject({ outcome: 'refused', code: null, retryable: true });
    expect(result).toMatchObject({ reason: expect.stringContaining('ECONNREFUSED') });
  });

  it('When the name does not resolve, then it may be tried again', async () => {
    const result = await transport({ baseUrl: 'http://twilio.invalid' }).send(text());
    expect(result).toMatchObject({ outcome: 'refused', code: null, retryable: true });
  });

  it('When the TLS handshake never ends, then nothing left and it may be tried again', async () => {
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => void sockets.push(socket));
    const baseUrl = `https://127.0.0.1:${await listen(server)}`;
    const result = await transport({ baseUrl, connectTimeoutMs: 500 }).send(text());
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(sockets).toHaveLength(1);
    expect(result).toEqual({
      outcome: 'refused',
      code: null,
      retryable: true,
      reason: 'not connected: connect timeout',
    });
  });

  it('When the server does not speak TLS, then nothing left and it may be tried again', async () => {
    const result = await transport({ baseUrl: double.baseUrl.replace('http:', 'https:') }).send(text());
    expect(result).toMatchObject({ outcome: 'refused', retryable: true });
    expect(double.requests).toEqual([]);
  });

  it('When the caller has given up already, then nothing is sent', async () => {
    const result = await transport().send(text(), AbortSignal.abort());
    expect(result).toMatchObject({ outcome: 'refused', retryable: true });
    expect(double.requests).toEqual([]);
  });

  it('When the credentials cannot be read, then it is refused; the record being away is worth another try', async () => {
    const failing = (error: Error) => {
      const made = createTwilioTransport({
        baseUrl: double.baseUrl,
        logger: createLogger({ level: 'error', format: 'json', silent: true }),
        credentialsFor: async () => {
          throw error;
        },
      });
      transports.push(made);
      return made;
    };
    const away = await failing(new JackError('E_DB_UNAVAILABLE', 'away')).send(text());
    const missing = await failing(new JackError('E_NOT_FOUND', 'none')).send(text());
    expect(away).toMatchObject({ outcome: 'refused', code: null, retryable: true });
    expect(missing).toMatchObject({ outcome: 'refused', code: null, retryable: false });
  });
});

describe('A text whose fate is not known', () => {
  const afterAccept = [
    '500-after-accept',
    'reset-after-accept',
    'hang-after-accept',
    'garbage-after-accept',
  ] as const;
  it.each(afterAccept)('When Twilio took it and then %s, then it is unknown, and found', async (fault) => {
    const carrier = transport({ timeoutMs: 1000 });
    const outbound = text();
    double.failNext(fault);
    expect(await carrier.send(outbound)).toMatchObject({ outcome: 'unknown' });
    expect(double.handset(TO)).toHaveLength(1);
    const providerSid = double.handset(TO)[0]?.sid;
    expect(await carrier.find(outbound)).toEqual({ providerSid, status: 'queued', errorCode: null });
  });

  it.each(['500-before', 'hang-before'] as const)(
    'When Twilio did not take it (%s), then it is unknown, and not found',
    async (fault) => {
      const carrier = transport({ timeoutMs: 1000 });
      const outbound = text();
      double.failNext(fault);
      expect(await carrier.send(outbound)).toMatchObject({ outcome: 'unknown' });
      expect(await carrier.find(outbound)).toBeUndefined();
      expect(double.handset(TO)).toEqual([]);
    },
  );

  it('When the caller gives up while Twilio is silent, then it is unknown at once', async () => {
    const controller = new AbortController();
    double.failNext('hang-after-accept');
    const sending = transport().send(text(), controller.signal);
    await until(() => double.texts.length === 1, { what: 'the text to be taken' });
    controller.abort();
    expect(await sending).toEqual({ outcome: 'unknown', reason: 'aborted' });
  });

  it.each([
    [201, '{"sid":"SM1","status":"queued"}'],
    [201, ''],
    [204, ''],
    [302, ''],
    [408, ''],
    [503, '<html>'],
  ])('When the answer is %i with the body %j, then it is unknown', async (status, body) => {
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(status, { location: double.baseUrl }).end(body));
    });
    const baseUrl = `http://127.0.0.1:${await listen(server)}`;
    const result = await transport({ baseUrl }).send(text());
    server.closeAllConnections();
    server.close();
    expect(result).toMatchObject({ outcome: 'unknown' });
    expect(double.requests).toEqual([]);
  });
});

describe('Looking a text up', () => {
  it('When it climbed or failed meanwhile, then its status and error code are told', async () => {
    const outbound = text({ statusCallbackUrl: 'http://127.0.0.1:9/status' });
    const result = await transport().send(outbound);
    const sid = result.outcome === 'accepted' ? result.providerSid : '';
    await expect(double.deliver(sid, 'undelivered', { errorCode: 30003 })).rejects.toThrow();
    expect(await transport().find(outbound)).toEqual({
      providerSid: sid,
      status: 'undelivered',
      errorCode: 30003,
    });
  });

  it('When other texts differ in words, numbers, origin or time, then none of them is it', async () => {
    const createdAt = new Date();
    double.seed({ from: FROM, to: TO, body: `${BODY} Really.` });
    double.seed({ from: FROM, to: '+16045550124', body: BODY });
    double.seed({ from: '+17785550101', to: TO, body: BODY });
    double.seed({ from: FROM, to: TO, body: BODY, direction: 'outbound-reply' });
    double.seed({ from: FROM, to: TO, body: BODY, createdAt: new Date(createdAt.getTime() - 62_000) });
    expect(await transport().find(text({ createdAt }))).toBeUndefined();
  });

  it('When the same words were sent more than once, then the earliest in the window that is nobody else’s is it', async () => {
    const at = (offsetMs: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + offsetMs);
    const first = double.seed({ from: FROM, to: TO, body: BODY, createdAt: at(-30_000) });
    const second = double.seed({ from: FROM, to: TO, body: BODY, createdAt: at(0) });
    const third = double.seed({ from: FROM, to: TO, body: BODY, createdAt: at(0) });
    const carrier = transport();
    const outbound = text();
    const find = async (...exclude: string[]) =>
      (await carrier.find(outbound, { exclude: new Set(exclude) }))?.providerSid;
    expect(await find()).toBe(first.sid);
    expect(await find(first.sid)).toBe(second.sid);
    expect(await find(first.sid, second.sid)).toBe(third.sid);
  });

  it('When it lies behind a page of newer texts, then the pages are followed', async () => {
    const outbound = text();
    const mine = double.seed({ from: FROM, to: TO, body: BODY });
    for (let n = 0; n < 250; n += 1) double.seed({ from: FROM, to: TO, body: `newer ${n}` });
    expect(await transport().find(outbound)).toMatchObject({ providerSid: mine.sid });
    expect(double.requests.map(({ path }) => path).join()).toContain('&Page=1');
  });

  it('When everything in the list is older, then one page settles it', async () => {
    const createdAt = new Date(Date.now() - 600_000);
    for (let n = 0; n < 450; n += 1) double.seed({ from: FROM, to: TO, body: `older ${n}`, createdAt });
    expect(await transport().find(text())).toBeUndefined();
    expect(double.requests).toHaveLength(1);
  });

  it('When five pages do not settle it, then it is an error and never "not there"', async () => {
    for (let n = 0; n < 1001; n += 1) double.seed({ from: FROM, to: TO, body: `newer ${n}` });
    await expect(transport().find(text())).rejects.toThrow(JackError);
    expect(double.requests).toHaveLength(5);
  });

  it('When the account is in trial, then its prefix does not hide the text', async () => {
    await double.stop();
    double = await startTwilioDouble({ isTrial: true });
    const outbound = text();
    await transport().send(outbound);
    expect(double.handset(TO)[0]?.body).not.toBe(BODY);
    expect(await transport().find(outbound)).toMatchObject({ providerSid: double.texts[0]?.sid });
  });

  it('When Twilio cannot be asked, then it is an error and never "not there"', async () => {
    const { baseUrl } = double;
    await expect(transport({ authToken: 'wrong' }).find(text())).rejects.toThrow('HTTP 401');
    await double.stop();
    await expect(transport({ baseUrl }).find(text())).rejects.toThrow(JackError);
    double = await startTwilioDouble();
  });

  it('When a next page leads out of the account, then it is not followed with our credentials', async () => {
    const message = {
      sid: `SM${'1'.repeat(32)}`,
      status: 'sent',
      num_segments: '1',
      error_code: null,
      body: 'other',
      to: TO,
      from: FROM,
      direction: 'outbound-api',
      date_created: new Date().toUTCString(),
    };
    const paths: (string | undefined)[] = [];
    const server = http.createServer((request, response) => {
      paths.push(request.url);
      response.end(JSON.stringify({ messages: [message], next_page_uri: '@evil.example.test/2010-04-01/' }));
    });
    const baseUrl = `http://127.0.0.1:${await listen(server)}`;
    await expect(transport({ baseUrl }).find(text())).rejects.toThrow('outside of the account');
    server.closeAllConnections();
    server.close();
    expect(paths).toHaveLength(1);
  });
});

it('When texts are sent, refused and lost, then no body, phone or token is in the log', async () => {
  const carrier = transport({ timeoutMs: 1000 });
  await carrier.send(text());
  await carrier.send(text({ to: '+15005550001' as E164 }));
  double.failNext('hang-after-accept');
  await carrier.send(text());
  expect(logged.trim().split('\n')).toHaveLength(3);
  expect(logged).not.toMatch(/Civic|5550123|5550100|5005550001|double-auth-token/);
});

describe('The double, seen by the client that Twilio publishes', () => {
  /** Sends what the SDK would send to api.twilio.com to the double. */
  const client = (authToken = double.authToken) =>
    twilio(double.accountSid, authToken, {
      httpClient: {
        request: async (options: {
          method: string;
          uri: string;
          username?: string;
          password?: string;
          data?: Record<string, string>;
          params?: Record<string, string>;
        }) => {
          const url = new URL(options.uri.replace('https://api.twilio.com', double.baseUrl));
          for (const [name, value] of Object.entries(options.params ?? {}))
            url.searchParams.set(name, String(value));
          const answer = await fetch(url, {
            method: options.method,
            headers: {
              authorization: `Basic ${Buffer.from(`${options.username}:${options.password}`).toString('base64')}`,
              'content-type': 'application/x-www-form-urlencoded',
            },
            ...(options.data ? { body: new URLSearchParams(options.data) } : {}),
          });
          return { statusCode: answer.status, body: await answer.json(), headers: answer.headers };
        },
      } as never,
    });

  it('When the SDK sends, fetches and lists, then it understands every answer', async () => {
    const sent = await client().messages.create({ from: FROM, to: TO, body: BODY });
    expect(sent).toMatchObject({
      status: 'queued',
      direction: 'outbound-api',
      numSegments: '1',
      errorCode: null,
    });
    expect(sent.dateCreated).toBeInstanceOf(Date);
    expect(sent.dateSent).toBeNull();
    expect(await client().messages(sent.sid).fetch()).toMatchObject({ sid: sent.sid, body: BODY, to: TO });
    for (let n = 0; n < 4; n += 1) double.seed({ from: FROM, to: TO, body: `text ${n}` });
    double.seed({ from: FROM, to: '+16045550124', body: 'to somebody else' });
    const listed = await client().messages.list({ to: TO, from: FROM, pageSize: 2 });
    expect(listed.map(({ body }) => body)).toEqual(['text 3', 'text 2', 'text 1', 'text 0', BODY]);
    const later = new Date(Date.now() + 60_000);
    expect(await client().messages.list({ to: TO, dateSentAfter: later })).toEqual([]);
  });

  it('When the SDK is refused, then it sees the status and code of the real thing', async () => {
    const failure = async (work: Promise<unknown>) =>
      await work.then(
        () => undefined,
        (error: { status: number; code: number }) => [error.status, error.code],
      );
    const send = (to: string, token?: string) =>
      client(token).messages.create({ from: FROM, to, body: BODY });
    expect(await failure(send(TO, 'wrong'))).toEqual([401, 20003]);
    expect(await failure(send('nonsense'))).toEqual([400, 21211]);
    expect(
      await failure(
        client()
          .messages(`SM${'0'.repeat(32)}`)
          .fetch(),
      ),
    ).toEqual([404, 20404]);
    double.failNext('429');
    expect(await failure(send(TO))).toEqual([429, 20429]);
    double.failNext('500-after-accept');
    expect(await failure(send(TO))).toEqual([500, 20500]);
    expect(double.handset(TO)).toHaveLength(1);
  });
});
