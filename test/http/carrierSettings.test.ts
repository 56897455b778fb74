/** What docs/CARRIER.md recommends, with a carrier that behaves as Twilio does: which texts survive which failure. */
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { E164, OrganizationId } from '../../services/types.js';
import type { NewMedium } from '../../simulator/media.js';
import { TwilioSimulator } from '../../simulator/twilio.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { pictureOf } from '../support/mediaSamples.js';
import { newPhone, textsOf } from '../support/records.js';
import { until } from '../support/until.js';

const PUBLIC_URL = 'https://jack.example.test';
const INCOMING = `${PUBLIC_URL}/api/webhooks/twilio/sms/incoming`;
const FALLBACK = `${PUBLIC_URL}/api/webhooks/twilio/sms/fallback`;
const OVERRIDES = '#rc=2&rp=ct,rt,5xx';

/** What stands before Jack: passes what it is not told to fail. */
interface Proxy {
  readonly port: number;
  /** What becomes of the next requests to its path; `pass` from then on. */
  next(url: string, ...fates: Fate[]): void;
  stop(): Promise<void>;
}
/** `lost`: Jack has it, and its answer does not arrive. */
type Fate = 'pass' | '503' | '404' | 'hang up' | 'lost';

async function startProxy(target: () => string): Promise<Proxy> {
  const fates = new Map<string, Fate[]>();
  const server = http.createServer((req, res) => {
    const fate = fates.get(req.url?.split('?')[0] ?? '')?.shift() ?? 'pass';
    if (fate === 'hang up') return void req.socket.destroy();
    if (fate === '503' || fate === '404') return void res.writeHead(Number(fate)).end();
    const onward = http.request(`${target()}${req.url}`, { method: req.method, headers: req.headers });
    onward.on('response', (answer) => {
      if (fate === 'lost') return void req.socket.destroy();
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    next: (url, ...list) => void fates.set(new URL(url).pathname, list),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const directory = mkdtempSync(path.join(tmpdir(), 'jack-carrier-'));
let carrier: TwilioSimulator;
let proxy: Proxy;
let jack: TestApp;
beforeAll(async () => {
  proxy = await startProxy(() => jack.url);
  carrier = TwilioSimulator.create({
    resolve: (url) => new URL(`${url.pathname}${url.search}`, `http://127.0.0.1:${proxy.port}`),
  });
  await carrier.start();
  jack = await buildApp({
    mediaLimits: { isLoopbackAllowed: true, sweepMs: 50 },
    env: {
      PUBLIC_URL,
      DATA_DIR: directory,
      TWILIO_ACCOUNT_SID: carrier.accountSid,
      TWILIO_AUTH_TOKEN: carrier.authToken,
      TWILIO_API_BASE_URL: carrier.baseUrl,
      REPLY_WINDOW_MS: '60000',
      REPLY_MAX_WAIT_MS: '60000',
    },
  });
});
afterEach(() => {
  proxy.next(INCOMING);
  proxy.next(FALLBACK);
});
afterAll(async () => {
  await jack.close();
  await carrier.stop();
  await proxy.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function send(urls: { smsUrl: string; smsFallbackUrl?: string }, media: readonly NewMedium[] = []) {
  const { organization } = await jack.createOrganization();
  const phoneNumber = organization.phoneNumbers[0] as E164;
  carrier.addNumber({ phoneNumber, ...urls });
  const phone = newPhone();
  const { statuses } = await carrier.text({ from: phone, to: phoneNumber, body: 'Hello', media });
  const id = organization.id as OrganizationId;
  const texts = await textsOf(jack.ctx.database, id, phone);
  return { id, statuses, stored: texts.length };
}

const RECOMMENDED = { smsUrl: `${INCOMING}${OVERRIDES}`, smsFallbackUrl: `${FALLBACK}${OVERRIDES}` };

describe('With the recommended addresses', () => {
  it.each([
    ['nothing fails', [], []],
    ['the first attempt gets a 503', ['503'], []],
    ['two attempts get a 503', ['503', '503'], []],
    ['a connection breaks', ['hang up', '503'], []],
    ['Jack has the text and its answer is lost', ['lost', 'pass'], []],
    ['the first address fails for good', ['503', '503', '503'], []],
    ['the first address is misconfigured', ['404', '404', '404'], []],
    ['the first address fails for good, and the fallback at first', ['503', '503', '503'], ['503', 'pass']],
    ['Jack has it, all answers are lost, and the fallback brings it again', ['lost', 'lost', 'lost'], []],
  ] as [string, Fate[], Fate[]][])(
    'When %s, then the text is in the record once',
    async (_what, first, second) => {
      proxy.next(INCOMING, ...first);
      proxy.next(FALLBACK, ...second);
      expect(await send(RECOMMENDED)).toMatchObject({ statuses: [200], stored: 1 });
    },
  );
});

describe('Without them', () => {
  it('When one attempt gets a 503, then the text is lost: this is what the fragment is for', async () => {
    proxy.next(INCOMING, '503');
    expect(await send({ smsUrl: INCOMING })).toMatchObject({ statuses: [503], stored: 0 });
  });

  it('When the first address fails and there is a fallback, then the text is in the record once', async () => {
    proxy.next(INCOMING, '503');
    expect(await send({ smsUrl: INCOMING, smsFallbackUrl: FALLBACK })).toMatchObject({
      statuses: [200],
      stored: 1,
    });
  });
});

describe('A picture of the carrier', () => {
  it('When it lies behind credentials and a redirect, then it is stored, and the second host saw no credentials', async () => {
    const bytes = pictureOf('from the simulator');
    const { id } = await send(RECOMMENDED, [{ contentType: 'image/jpeg', bytes }]);
    const state = async () =>
      (
        await jack.ctx.database.query<{ state: string; bytes: number }>(
          sql`select state, bytes from media where organization_id = ${id}`,
        )
      )[0];
    await until(async () => (await state())?.state === 'stored', { what: 'the picture', timeoutMs: 15_000 });
    expect((await state())?.bytes).toBe(bytes.length);
    expect(carrier.cdnRequests.length).toBeGreaterThan(0);
    expect(carrier.cdnRequests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('When the redirect leads to the metadata service, then it is refused', async () => {
    const redirectTo = 'http://169.254.169.254/latest/meta-data/';
    const medium = { contentType: 'image/jpeg', bytes: pictureOf('x'), redirectTo };
    const { id } = await send(RECOMMENDED, [medium]);
    const rows = () =>
      jack.ctx.database.query(sql`select state, reason from media where organization_id = ${id}`);
    await until(async () => JSON.stringify(await rows()).includes('refused'), {
      what: 'the refusal',
      timeoutMs: 15_000,
    });
    expect(await rows()).toEqual([{ state: 'refused', reason: 'private_address' }]);
  });
});
