/** Fetching from the carrier: who gets credentials, where redirects may lead, what is too much. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDownloader, type DownloaderOptions } from '../../../services/media/download.js';
import { pictureOf } from '../../support/mediaSamples.js';
import { newSid } from '../../support/signTwilio.js';

type Resolve = NonNullable<DownloaderOptions['resolve']>;

interface Server {
  readonly url: string;
  readonly requests: http.IncomingMessage[];
  handle: http.RequestListener;
  stop(): Promise<void>;
}

const account = { accountSid: newSid('AC'), authToken: 'a-token' };
const PICTURE = pictureOf('a trade-in');
let carrier: Server;
let content: Server;

async function startServer(): Promise<Server> {
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((req, res) => {
    requests.push(req);
    self.handle(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: Server = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    handle: (_req, res) => res.end(PICTURE),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

beforeEach(async () => {
  [carrier, content] = [await startServer(), await startServer()];
});
afterEach(async () => {
  await Promise.all([carrier.stop(), content.stop()]);
});

const mediaUrl = (change: { accountSid?: string; base?: string } = {}) =>
  `${change.base ?? carrier.url}/2010-04-01/Accounts/${change.accountSid ?? account.accountSid}` +
  `/Messages/${newSid('MM')}/Media/${newSid('ME')}`;

interface Options {
  readonly isLoopbackAllowed?: boolean;
  readonly resolve?: Resolve;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

async function download(url: string, options: Options = {}) {
  const { isLoopbackAllowed = true, maxBytes = 1_000, timeoutMs = 20_000, resolve } = options;
  const downloader = createDownloader({
    apiBaseUrl: carrier.url,
    limits: { isLoopbackAllowed, maxBytes, timeoutMs },
    ...(resolve ? { resolve } : {}),
  });
  return await downloader.download(url, account, options.signal ?? new AbortController().signal);
}

const redirectTo =
  (location: string | undefined, status = 307): http.RequestListener =>
  (_req, res) =>
    res.writeHead(status, location === undefined ? {} : { location }).end();

describe('Media of the carrier', () => {
  it('is fetched with the credentials of the account', async () => {
    const result = await download(mediaUrl());
    expect(result).toEqual({ outcome: 'fetched', bytes: PICTURE });
    const expected = Buffer.from(`${account.accountSid}:${account.authToken}`).toString('base64');
    expect(carrier.requests[0]?.headers.authorization).toBe(`Basic ${expected}`);
  });

  it('is fetched where a redirect leads, which gets no credentials', async () => {
    carrier.handle = redirectTo(`${content.url}/bytes?signature=x`);
    expect(await download(mediaUrl())).toEqual({ outcome: 'fetched', bytes: PICTURE });
    expect(content.requests).toHaveLength(1);
    expect(content.requests[0]?.headers.authorization).toBeUndefined();
    expect(content.requests[0]?.headers.cookie).toBeUndefined();
  });

  it('is fetched where a relative redirect leads, without credentials even at the carrier', async () => {
    let seen = 0;
    carrier.handle = (_req, res) => {
      seen += 1;
      if (seen === 1) res.writeHead(302, { location: '/elsewhere' }).end();
      else res.end(PICTURE);
    };
    expect((await download(mediaUrl())).outcome).toBe('fetched');
    expect(carrier.requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, false]);
  });

  it.each([
    ['another host', () => mediaUrl({ base: content.url })],
    ['another account', () => mediaUrl({ accountSid: newSid('AC') })],
    ['a path that leaves the account', () => `${mediaUrl()}/../../../../../${newSid('AC')}/Messages`],
    ['another path', () => `${carrier.url}/anything`],
    ['another scheme', () => mediaUrl().replace('http:', 'ftp:')],
    ['a name and password', () => mediaUrl().replace('http://', 'http://user:word@')],
    ['no URL', () => 'nonsense'],
  ])('is not fetched from %s, which nobody asks anything', async (_what, url) => {
    expect(await download(url())).toEqual({ outcome: 'refused', reason: 'not_at_the_carrier' });
    expect([carrier.requests.length, content.requests.length]).toEqual([0, 0]);
  });

  it.each([
    ['this machine', 'http://127.0.0.1:9/'],
    ['this machine in one number', 'http://2130706433/'],
    ['this machine in hexadecimal', 'http://0x7f.1/'],
    ['this machine over IPv6', 'http://[::1]:9/'],
    ['this machine mapped into IPv6', 'http://[::ffff:127.0.0.1]:9/'],
    ['the metadata service', 'http://169.254.169.254/latest/meta-data/'],
    ['the metadata service, mapped', 'http://[::ffff:a9fe:a9fe]/'],
    ['a neighbour', 'http://10.0.0.8/'],
    ['a neighbour over IPv6', 'http://[fd00::8]/'],
    ['no address', 'http://0.0.0.0/'],
  ])('is not fetched when a redirect leads to %s', async (_what, location) => {
    carrier.handle = redirectTo(location);
    expect(await download(mediaUrl(), { isLoopbackAllowed: false })).toEqual({
      outcome: 'refused',
      reason: 'private_address',
    });
  });

  it.each([
    ['a name of this machine', [{ address: '127.0.0.1', family: 4 }]],
    [
      'a name with a private address among public ones',
      [
        { address: '8.8.8.8', family: 4 },
        { address: '192.168.0.1', family: 4 },
      ],
    ],
    ['a name with a mapped address', [{ address: '::ffff:10.0.0.1', family: 6 }]],
  ])('is not fetched when a redirect leads to %s, after a public hop too', async (_what, addresses) => {
    carrier.handle = redirectTo('http://content.example.test/bytes');
    const resolve: Resolve = () => Promise.resolve(addresses);
    expect(await download(mediaUrl(), { isLoopbackAllowed: false, resolve })).toEqual({
      outcome: 'refused',
      reason: 'private_address',
    });
  });

  it('connects to the address that was checked, and asks for the name once', async () => {
    const asked: string[] = [];
    const port = new URL(content.url).port;
    carrier.handle = redirectTo(`http://content.example.test:${port}/bytes`);
    const resolve: Resolve = (name) => {
      asked.push(name);
      return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    };
    expect((await download(mediaUrl(), { resolve })).outcome).toBe('fetched');
    expect(asked).toEqual(['content.example.test']);
    expect(content.requests[0]?.headers.host).toBe(`content.example.test:${port}`);
  });

  it('may be on this machine only where that was allowed', async () => {
    carrier.handle = redirectTo(`${content.url}/bytes`);
    expect((await download(mediaUrl(), { isLoopbackAllowed: true })).outcome).toBe('fetched');
    expect((await download(mediaUrl(), { isLoopbackAllowed: false })).outcome).toBe('refused');
    expect(content.requests).toHaveLength(1);
  });

  it.each([
    ['a file', 'file:///etc/passwd'],
    ['another protocol', 'gopher://example.test/'],
    ['a name and password', 'http://user:word@example.test/'],
    ['nowhere', undefined],
    ['nonsense', 'http://['],
  ])('is not fetched when a redirect leads to %s', async (_what, location) => {
    carrier.handle = redirectTo(location);
    expect(await download(mediaUrl())).toEqual({ outcome: 'refused', reason: 'bad_redirect' });
  });

  it('is given up after three redirects', async () => {
    carrier.handle = redirectTo(`${content.url}/1`);
    content.handle = redirectTo('/again');
    expect(await download(mediaUrl())).toEqual({ outcome: 'refused', reason: 'too_many_redirects' });
    expect(content.requests).toHaveLength(3);
  });

  it('is refused when it announces too much, and its body is not read', async () => {
    carrier.handle = (_req, res) => {
      res.writeHead(200, { 'content-length': '1001' });
      res.flushHeaders();
    };
    expect(await download(mediaUrl())).toEqual({ outcome: 'refused', reason: 'too_large' });
  });

  it('is refused when it sends too much without having said so', async () => {
    carrier.handle = (_req, res) => {
      res.write(Buffer.alloc(600));
      res.write(Buffer.alloc(600));
    };
    expect(await download(mediaUrl())).toEqual({ outcome: 'refused', reason: 'too_large' });
  });

  it('is taken when it has exactly what is allowed', async () => {
    carrier.handle = (_req, res) => res.end(Buffer.alloc(1_000));
    expect((await download(mediaUrl())).outcome).toBe('fetched');
  });

  it.each([401, 404, 429, 500, 503])('is tried again after a %s', async (status) => {
    carrier.handle = (_req, res) => res.writeHead(status).end('no');
    expect(await download(mediaUrl())).toEqual({ outcome: 'failed', reason: `http_${status}` });
  });

  it('is tried again when the connection breaks in the middle', async () => {
    carrier.handle = (_req, res) => {
      res.writeHead(200, { 'content-length': '500' });
      res.write(Buffer.alloc(100), () => res.destroy());
    };
    expect((await download(mediaUrl())).outcome).toBe('failed');
  });

  it('is tried again when nobody answers in time', async () => {
    carrier.handle = () => undefined;
    expect(await download(mediaUrl(), { timeoutMs: 50 })).toEqual({ outcome: 'failed', reason: 'timeout' });
  });

  it('is tried again when the body comes too slowly', async () => {
    carrier.handle = (_req, res) => res.write(Buffer.alloc(10));
    expect(await download(mediaUrl(), { timeoutMs: 100 })).toEqual({ outcome: 'failed', reason: 'timeout' });
  });

  it('is broken off when the process stops', async () => {
    const stop = new AbortController();
    carrier.handle = () => stop.abort();
    expect(await download(mediaUrl(), { signal: stop.signal })).toEqual({
      outcome: 'failed',
      reason: 'stopped',
    });
  });
});
