/** The carrier's media as it really is: behind Basic auth, redirecting to a second host that gets no credentials. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { newSid } from './signTwilio.js';

export interface MediaHost {
  /** What `TWILIO_API_BASE_URL` is set to. */
  readonly baseUrl: string;
  readonly accountSid: string;
  readonly authToken: string;
  /** Requests at the carrier, and at the second host. */
  readonly asked: { carrier: number; content: number };
  /** Requests at the second host that came with credentials. */
  readonly leaks: number;
  /** @returns the MediaUrl of what is to be had there. */
  put(bytes: Buffer, accountSid?: string): string;
  /** The carrier answers with this status for the next `times` requests. */
  fail(status: number, times?: number): void;
  /** Answers wait until it is called with false. */
  hold(isHeld: boolean): void;
  stop(): Promise<void>;
}

export async function startMediaHost(): Promise<MediaHost> {
  const accountSid = newSid('AC');
  const authToken = 'a-token-of-the-carrier';
  const files = new Map<string, Buffer>();
  const failures: number[] = [];
  const asked = { carrier: 0, content: 0 };
  let leaks = 0;
  let held: (() => void)[] | undefined;

  const content = await listen((req, res) => {
    asked.content += 1;
    if (req.headers.authorization !== undefined) leaks += 1;
    res.end(files.get(req.url ?? ''));
  });
  const carrier = await listen((req, res) => {
    asked.carrier += 1;
    const answer = () => {
      const expected = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
      const failure = failures.shift();
      if (failure !== undefined) res.writeHead(failure).end();
      else if (req.headers.authorization !== expected) res.writeHead(401).end();
      else if (!files.has(req.url ?? '')) res.writeHead(404).end();
      else res.writeHead(307, { location: `${content.url}${req.url}` }).end();
    };
    if (held) held.push(answer);
    else answer();
  });
  return {
    baseUrl: carrier.url,
    accountSid,
    authToken,
    asked,
    get leaks() {
      return leaks;
    },
    put: (bytes, account = accountSid) => {
      const path = `/2010-04-01/Accounts/${account}/Messages/${newSid('MM')}/Media/${newSid('ME')}`;
      files.set(path, bytes);
      return `${carrier.url}${path}`;
    },
    fail: (status, times = 1) => {
      for (let n = 0; n < times; n += 1) failures.push(status);
    },
    hold: (isHeld) => {
      const waiting = held ?? [];
      held = isHeld ? waiting : undefined;
      if (!isHeld) for (const answer of waiting) answer();
    },
    stop: async () => {
      await Promise.all([carrier.stop(), content.stop()]);
    },
  };
}

async function listen(handle: http.RequestListener) {
  const server = http.createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
