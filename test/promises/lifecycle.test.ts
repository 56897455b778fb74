/** Starting and stopping, as an operator meets them. */

import { request } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import { preparedDataDirectory, spawnJack, startJack } from '../support/jackProcess.js';
import { formBody, inboundForm } from '../support/signTwilio.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const ACCOUNT = `AC${'0'.repeat(32)}`;
const WEBHOOK = '/api/webhooks/twilio/sms/incoming';

describe('A start', () => {
  it('with bad settings names all of them and exits with 78', async () => {
    const jack = spawnJack({ PORT: 'eleven', DATABASE_URL: 'mysql://x', REPLY_WINDOW_MS: 'soon' });
    expect(await jack.ended()).toBe(78);
    for (const name of ['PORT', 'DATABASE_URL', 'REPLY_WINDOW_MS']) expect(jack.output()).toContain(name);
  });

  it('in production without secrets is refused with their names', async () => {
    const jack = spawnJack({ NODE_ENV: 'production' });
    expect(await jack.ended()).toBe(78);
    for (const name of ['ADMIN_API_KEY', 'SESSION_SECRET', 'TWILIO_AUTH_TOKEN'])
      expect(jack.output()).toContain(name);
  });

  it('on a data directory that another process has open is refused with a clear message, and the first goes on', async () => {
    const DATA_DIR = preparedDataDirectory();
    const first = await startJack({ DATA_DIR });
    const second = spawnJack({ DATA_DIR });
    expect(await second.ended()).toBe(1);
    expect(second.output()).toContain(`in use by process ${first.pid}`);
    expect((await fetch(`${first.url}/api/health/ready`)).status).toBe(200);
    await first.kill();

    const third = await startJack({ DATA_DIR });
    expect((await fetch(`${third.url}/api/health/ready`)).status).toBe(200);
    expect(await third.terminate()).toBe(0);
  });

  it('on a port that is taken says so', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const address = blocker.address();
    const jack = spawnJack({ PORT: String(typeof address === 'object' ? address?.port : 0) });
    expect(await jack.ended()).toBe(1);
    expect(jack.output()).toContain('EADDRINUSE');
    blocker.close();
  });

  it('with nothing configured prints the two addresses and no warning', async () => {
    const jack = await startJack({ USE_REDIS: undefined, REDIS_PORT: '1' });
    await until(() => jack.output().includes('/api/docs'), { what: 'the addresses' });
    expect(jack.output()).toContain(`${jack.url}/simulator`);
    expect(jack.logs().filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    expect((await fetch(`${jack.url}/simulator`)).status).toBe(200);
    expect((await fetch(`${jack.url}/api/docs`)).status).toBe(200);
    await jack.kill();
  });
});

describe('A stop', () => {
  /** A webhook whose body arrives in two halves, the second when `finish` is called. */
  function slowWebhook(url: string) {
    const body = formBody(
      inboundForm({
        from: '+16045550177',
        to: '+16045550100',
        body: 'Are you open today?',
        accountSid: ACCOUNT,
      }),
    );
    const half = Math.floor(body.length / 2);
    let finish: () => void = () => undefined;
    const status = new Promise<number>((resolve, reject) => {
      const call = request(
        `${url}${WEBHOOK}`,
        {
          method: 'POST',
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': Buffer.byteLength(body),
          },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      call.once('error', reject);
      call.write(body.slice(0, half));
      finish = () => call.end(body.slice(half));
    });
    return { status, finish: () => finish() };
  }

  it('by SIGTERM during a slow request finishes it, loses nothing, and ends with 0', async () => {
    const DATA_DIR = preparedDataDirectory();
    const jack = await startJack({ DATA_DIR, REPLY_WINDOW_MS: '300' });
    const slow = slowWebhook(jack.url);
    await until(async () => (await fetch(`${jack.url}/api/health/live`)).status === 200, {
      what: 'the request',
    });
    jack.signal('SIGTERM');
    await until(() => jack.logs().some(({ message }) => message === 'stopping'), {
      what: 'the stop to begin',
    });
    slow.finish();
    expect(await slow.status).toBe(200);
    expect(await jack.ended()).toBe(0);

    const again = await startJack({ DATA_DIR, REPLY_WINDOW_MS: '300' });
    const conversation = await until(
      async () => {
        const response = await fetch(
          `${again.url}/api/simulator/conversation?organizationId=demo-motors&phone=%2B16045550177`,
        );
        const { texts } = (await response.json()) as { texts: { direction: string }[] };
        return texts.length === 2 ? texts : undefined;
      },
      { timeoutMs: 10_000, what: 'the text and its reply' },
    );
    expect(conversation.map(({ direction }) => direction)).toEqual(['inbound', 'outbound']);
    expect(await again.terminate()).toBe(0);
  });

  it('by a second signal ends at once', async () => {
    const jack = await startJack({ DATA_DIR: preparedDataDirectory() });
    const slow = slowWebhook(jack.url);
    slow.status.catch(() => undefined);
    await until(async () => (await fetch(`${jack.url}/api/health/live`)).status === 200, {
      what: 'the request',
    });
    jack.signal('SIGTERM');
    await until(() => jack.logs().some(({ message }) => message === 'stopping'), {
      what: 'the stop to begin',
    });
    const startedAt = Date.now();
    jack.signal('SIGTERM');
    expect(await jack.ended()).not.toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(3_000);
  });
});
