/** Rate limits over HTTP: who is refused, what the answer says, and what is never refused. */
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../../services/logger.js';
import type { E164 } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone, textsOf } from '../../support/records.js';
import { formBody, inboundForm, newSid, signTwilio } from '../../support/signTwilio.js';
import { startTwilioDouble, type TwilioDouble } from '../../support/twilioDouble.js';
import { until } from '../../support/until.js';

const PUBLIC_URL = 'https://jack.example.test';
const WEBHOOK = '/api/webhooks/twilio/sms/incoming';
const windowMs = 60_000;

let twilio: TwilioDouble;
let jack: TestApp;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  twilio = await startTwilioDouble();
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  jack = await buildApp({
    logger: createLogger({ level: 'info', format: 'json', stream }),
    limits: {
      key: { points: 4, windowMs },
      organization: { points: 6, windowMs },
      failedCredential: { points: 3, windowMs },
      unsignedWebhook: { points: 2, windowMs },
      inboundText: { points: 3, windowMs },
    },
    env: {
      PUBLIC_URL,
      TWILIO_ACCOUNT_SID: twilio.accountSid,
      TWILIO_AUTH_TOKEN: twilio.authToken,
      TWILIO_API_BASE_URL: twilio.baseUrl,
      REPLY_WINDOW_MS: '300',
    },
  });
});
afterAll(async () => {
  await jack.close();
  await twilio.stop();
});

let nextAddress = 1;
/** As a proxy on this machine would name its client. */
const newAddress = () => ({ 'x-forwarded-for': `198.51.100.${nextAddress++}` });

const get = (path: string, apiKey: string, headers: Record<string, string> = {}) =>
  fetch(`${jack.url}${path}`, { headers: { authorization: `Bearer ${apiKey}`, ...headers } });

const statuses = async (count: number, ask: () => Promise<Response>): Promise<number[]> => {
  const found: number[] = [];
  for (let n = 0; n < count; n += 1) found.push((await ask()).status);
  return found;
};

describe('An organization that calls the API', () => {
  it('When a key is used up, then the answer is a 429 that says when to come back, and another key goes on', async () => {
    const { organization, apiKey } = await jack.createOrganization();
    const first = await get('/api/leads', apiKey);
    expect(first.headers.get('ratelimit-policy')).toBe('"key";q=4;w=60, "organization";q=6;w=60');
    expect(first.headers.get('ratelimit')).toBe('"key";r=3;t=60, "organization";r=5;t=60');
    expect(await statuses(3, () => get('/api/leads', apiKey))).toEqual([200, 200, 200]);

    const refused = await get('/api/leads', apiKey);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(refused.headers.get('ratelimit')).toMatch(/^"key";r=0;t=\d+, "organization";r=1;t=\d+$/);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(50);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(await refused.json()).toMatchObject({
      code: 'E_RATE_LIMITED',
      detail: `More than 4 in 60 s; wait ${retryAfter} s.`,
    });

    const made = await fetch(`${jack.url}/api/admin/organizations/${organization.id}/api-keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${jack.adminKey}` },
    });
    const { apiKey: other } = (await made.json()) as { apiKey: string };
    expect(await statuses(2, () => get('/api/leads', other))).toEqual([200, 429]);
    const told = lines.filter(({ message }) => message === 'a rate limit was reached');
    expect(told.map(({ limit, organizationId }) => [limit, organizationId])).toEqual([
      ['key', organization.id],
      ['organization', organization.id],
    ]);
  });

  it('When one organization is used up, then another is not', async () => {
    const [a, b] = [await jack.createOrganization(), await jack.createOrganization()];
    expect((await statuses(5, () => get('/api/leads', a.apiKey))).at(-1)).toBe(429);
    expect((await get('/api/leads', b.apiKey)).status).toBe(200);
  });
});

describe('A caller without a valid credential', () => {
  it('When it tries too often, then 401 becomes 429 for its address, and a valid key from there still works', async () => {
    const headers = newAddress();
    const { apiKey } = await jack.createOrganization();
    const guess = () => get('/api/leads', `jk_abcdefgh_${'A'.repeat(43)}`, headers);
    expect(await statuses(4, guess)).toEqual([401, 401, 401, 429]);
    const nobody = () => fetch(`${jack.url}/api/admin/organizations`, { headers });
    expect((await nobody()).status).toBe(429);
    expect((await get('/api/leads', apiKey, headers)).status).toBe(200);
    expect((await get('/api/leads', 'open-sesame', newAddress())).status).toBe(401);
  });

  it('When the peer is no proxy that is trusted, then it cannot choose its address', async () => {
    const plain = await buildApp({
      env: { TRUST_PROXY: '0' },
      limits: { failedCredential: { points: 1, windowMs } },
    });
    try {
      const guess = () => fetch(`${plain.url}/api/leads`, { headers: newAddress() });
      expect(await statuses(2, guess)).toEqual([401, 429]);
    } finally {
      await plain.close();
    }
  });
});

describe('Health', () => {
  it('is never limited', async () => {
    const headers = newAddress();
    for (const path of ['/api/health/live', '/api/health', '/api/health/ready', '/api/cache/stats']) {
      const found = await statuses(20, () => fetch(`${jack.url}${path}`, { headers }));
      expect(new Set(found)).toEqual(new Set([200]));
    }
  });
});

describe('A webhook', () => {
  const post = (
    params: Record<string, string>,
    headers: Record<string, string>,
    authToken = twilio.authToken,
  ) =>
    fetch(`${jack.url}${WEBHOOK}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': signTwilio({ authToken, url: `${PUBLIC_URL}${WEBHOOK}`, params }),
        ...headers,
      },
      body: formBody(params),
    });
  const form = (from: E164, to: E164) =>
    inboundForm({ from, to, body: 'Hello', accountSid: twilio.accountSid, messageSid: newSid('SM') });

  it('When it is not signed, then its address is limited, and signed ones from there are not', async () => {
    const headers = newAddress();
    const { organization } = await jack.createOrganization();
    const params = () => form(newPhone(), organization.phoneNumbers[0] as E164);
    expect(await statuses(3, () => post(params(), headers, 'a wrong token'))).toEqual([403, 403, 429]);
    expect(await statuses(5, () => post(params(), headers))).toEqual([200, 200, 200, 200, 200]);
  });

  it('When a phone texts faster than its limit, then every text is stored, acknowledged and answered, and people are told', async () => {
    const { organization } = await jack.createOrganization();
    const phone = newPhone();
    const params = () => form(phone, organization.phoneNumbers[0] as E164);
    expect(await statuses(8, () => post(params(), {}))).toEqual(Array.from({ length: 8 }, () => 200));
    const texts = () => textsOf(jack.ctx.database, organization.id, phone);
    await until(async () => (await texts()).at(-1)?.direction === 'outbound', { what: 'the answer' });
    expect((await texts()).filter(({ direction }) => direction === 'inbound')).toHaveLength(8);
    const told = lines.filter(({ message }) => message === 'a phone sends texts faster than its limit');
    expect(told).toMatchObject([{ level: 'warn', organizationId: organization.id, quota: 3 }]);
    expect(JSON.stringify(told)).not.toContain(phone.slice(1));
  });
});

describe('The phone page', () => {
  it('When an address sends too much, then it is refused, and reading goes on', async () => {
    const plain = await buildApp({ limits: { phonePage: { points: 2, windowMs } } });
    try {
      const { organization } = await plain.createOrganization();
      const send = () =>
        fetch(`${plain.url}/api/simulator/texts`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ organizationId: organization.id, from: newPhone(), body: 'Hi' }),
        });
      const found = await statuses(3, send);
      expect(found.at(-1)).toBe(429);
      expect(found.slice(0, 2)).not.toContain(429);
      expect((await fetch(`${plain.url}/api/simulator/organizations`)).status).toBe(200);
    } finally {
      await plain.close();
    }
  });
});
