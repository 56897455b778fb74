import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPoster, type PosterOptions } from '../../../services/alerts/post.js';

const message = { headers: { 'content-type': 'application/json', 'webhook-id': 'a' }, body: '{"a":1}' };
const never = new AbortController().signal;

describe('Posting to an address that an organization chose', () => {
  const heard: { url: string; headers: http.IncomingHttpHeaders; body: string }[] = [];
  const hanging: http.ServerResponse[] = [];
  let server: http.Server;
  let base: string;
  beforeAll(async () => {
    server = http.createServer((req, res) => {
      let body = '';
      req.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      req.on('end', () => {
        heard.push({ url: req.url ?? '', headers: req.headers, body });
        if (req.url === '/redirect') res.writeHead(302, { location: '/target' }).end();
        else if (req.url === '/hang') hanging.push(res);
        else if (req.url === '/endless') res.writeHead(200).write('x'.repeat(1_000));
        else res.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const post = (url: string, options: Partial<PosterOptions> = {}, signal = never) =>
    createPoster({ isHttpAllowed: true, isLoopbackAllowed: true, timeoutMs: 5_000, ...options })(
      url,
      message,
      signal,
    );

  it('sends headers and body as they are, and gives the status', async () => {
    expect(await post(`${base}/here?token=1`)).toEqual({ outcome: 'answered', status: 204 });
    expect(heard.at(-1)).toMatchObject({
      url: '/here?token=1',
      headers: { 'webhook-id': 'a', 'content-length': '7', 'content-type': 'application/json' },
      body: '{"a":1}',
    });
  });

  it('follows no redirect', async () => {
    expect(await post(`${base}/redirect`)).toEqual({ outcome: 'answered', status: 302 });
    expect(heard.map(({ url }) => url)).not.toContain('/target');
  });

  it('does not wait for the end of an answer', async () => {
    expect(await post(`${base}/endless`)).toEqual({ outcome: 'answered', status: 200 });
  });

  it('waits no longer than it may, and ends when it is told to', async () => {
    expect(await post(`${base}/hang`, { timeoutMs: 50 })).toEqual({ outcome: 'failed', reason: 'timeout' });
    const stop = new AbortController();
    const posted = post(`${base}/hang`, {}, stop.signal);
    stop.abort();
    expect(await posted).toEqual({ outcome: 'failed', reason: 'stopped' });
  });

  it('says when nobody listens', async () => {
    expect(await post('http://127.0.0.1:1/')).toMatchObject({ outcome: 'failed' });
  });

  it.each([
    ['http://203.0.113.7/'],
    ['http://127.0.0.1:1/'],
    ['https://127.0.0.1/'],
    ['https://10.1.2.3/'],
    ['https://169.254.169.254/latest/meta-data'],
    ['https://[::1]/'],
    ['https://[::ffff:127.0.0.1]/'],
    ['https://[fd00::1]/'],
    ['https://2130706433/'],
    ['https://0x7f.1/'],
  ])('refuses %s: it is no public address', async (url) => {
    expect(await post(url, { isLoopbackAllowed: false })).toEqual({
      outcome: 'refused',
      reason: 'private_address',
    });
  });

  it('refuses a name when any of its addresses is private, and does not connect', async () => {
    const before = heard.length;
    const { port } = new URL(base);
    const posted = await post(`http://hooks.dealership.example:${port}/`, {
      isLoopbackAllowed: false,
      resolve: async () => [
        { address: '8.8.8.8', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    });
    expect(posted).toEqual({ outcome: 'refused', reason: 'private_address' });
    expect(heard).toHaveLength(before);
  });

  it('connects to the address that was checked, whatever the name means a moment later', async () => {
    const { port } = new URL(base);
    let asked = 0;
    const posted = await post(`http://hooks.dealership.example:${port}/checked`, {
      resolve: async () => {
        asked += 1;
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    expect([posted, asked]).toEqual([{ outcome: 'answered', status: 204 }, 1]);
  });

  it('refuses http where only https is allowed, and what is no URL', async () => {
    expect(await post(base, { isHttpAllowed: false })).toEqual({
      outcome: 'refused',
      reason: 'https_needed',
    });
    expect(await post('ftp://hooks.dealership.example/')).toEqual({
      outcome: 'refused',
      reason: 'https_needed',
    });
    expect(await post('nonsense')).toEqual({ outcome: 'refused', reason: 'bad_url' });
  });
});
