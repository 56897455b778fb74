import type http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createTwilioRestClient, type TwilioRestClient } from '../../../services/twilio/restClient.js';
import { until } from '../../support/until.js';

/** TLS by a shared key: an encrypted connection without a certificate in the repository. */
const psk = Buffer.from('a key that only this test knows.');
const shared = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

let server: https.Server;
let client: TwilioRestClient;

async function start(
  listener: http.RequestListener,
  timeouts: { timeoutMs: number; connectTimeoutMs: number; idleMs?: number } = {
    timeoutMs: 1000,
    connectTimeoutMs: 5000,
  },
): Promise<void> {
  server = https.createServer({ ...shared, pskCallback: () => psk }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = createTwilioRestClient({
    baseUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...timeouts,
    tls: { ...shared, pskCallback: () => ({ psk, identity: 'jack' }), checkServerIdentity: () => undefined },
  });
}

afterEach(async () => {
  client.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const post = () =>
  client.exchange({
    method: 'POST',
    path: '/send',
    form: new URLSearchParams({ To: '+16045550123' }),
    credentials: { accountSid: 'AC1', authToken: 'token' },
  });

describe('Over TLS', () => {
  it('When the answer comes, then it is handed over with its status', async () => {
    await start((_request, response) => response.writeHead(201, { 'retry-after': '7' }).end('{}'));
    expect(await post()).toEqual({ outcome: 'answered', status: 201, retryAfter: '7', body: '{}' });
  });

  it('When the server took the request and stays silent, then the request may have arrived', async () => {
    await start((request) => request.resume());
    expect(await post()).toEqual({ outcome: 'no_answer', reason: 'timeout' });
  });

  it('When a connection was without work for long, then the next request does not try it: the server may be closing it', async () => {
    const sockets = new Set<unknown>();
    await start(
      (request, response) => {
        sockets.add(request.socket);
        response.end('{}');
      },
      { timeoutMs: 5_000, connectTimeoutMs: 5_000, idleMs: 50 },
    );
    await post();
    expect(sockets.size).toBe(1);
    const [first] = sockets;
    await until(() => (first as Socket).destroyed, { what: 'the end of the first connection' });
    expect(await post()).toMatchObject({ outcome: 'answered' });
    expect(sockets.size).toBe(2);
  });

  it('When the connection breaks on its second use, then the request may have arrived', async () => {
    let requests = 0;
    await start((request, response) => {
      requests += 1;
      if (requests === 1) response.end('{}');
      else request.socket.destroy();
    });
    await post();
    expect(await post()).toEqual({ outcome: 'no_answer', reason: 'ECONNRESET' });
    expect(requests).toBe(2);
  });

  it('When the body breaks off, then the status is known still', async () => {
    await start((_request, response) => {
      response.writeHead(400, { 'content-length': '100' });
      response.write('{"code":', () => response.socket?.destroy());
    });
    expect(await post()).toEqual({
      outcome: 'answered',
      status: 400,
      retryAfter: undefined,
      body: undefined,
    });
  });

  it('When the body is without end, then it is cut off', async () => {
    await start((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      const more = () => void (response.destroyed || response.write(chunk, more));
      more();
    });
    expect(await post()).toMatchObject({ outcome: 'answered', status: 200, body: undefined });
  });
});

it('When the connection stands, then the time to connect no longer counts', async () => {
  const slow: http.RequestListener = (_request, response) => void setTimeout(() => response.end('{}'), 700);
  await start(slow, { timeoutMs: 10_000, connectTimeoutMs: 500 });
  expect(await post()).toMatchObject({ outcome: 'answered', status: 200 });
});
