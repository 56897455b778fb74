/** The fallback URL, and the flood that stays outside: what a carrier does when the first webhook fails. */
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../../services/logger.js';
import type { E164, OrganizationId } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone, textsOf } from '../../support/records.js';
import { PUBLIC_URL } from '../../support/shopper.js';
import { formBody, inboundForm, newSid, signTwilio } from '../../support/signTwilio.js';

const INCOMING = '/api/webhooks/twilio/sms/incoming';
const FALLBACK = '/api/webhooks/twilio/sms/fallback';
const account = { accountSid: newSid('AC').toLowerCase().replace('ac', 'AC'), authToken: 'the-token' };
const SECONDARY = 'the-secondary-token';

let jack: TestApp;
let at: { id: OrganizationId; number: E164 };
let logged: string[] = [];

beforeAll(async () => {
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      logged.push(chunk.toString());
      done();
    },
  });
  jack = await buildApp({
    logger: createLogger({ level: 'debug', format: 'json', stream }),
    limits: { unsignedWebhook: { points: 20, windowMs: 60_000 } },
    env: {
      PUBLIC_URL,
      TWILIO_ACCOUNT_SID: account.accountSid,
      TWILIO_AUTH_TOKEN: account.authToken,
      TWILIO_AUTH_TOKEN_SECONDARY: SECONDARY,
      TWILIO_API_BASE_URL: 'http://127.0.0.1:9',
      REPLY_WINDOW_MS: '60000',
      REPLY_MAX_WAIT_MS: '60000',
    },
  });
  const { organization } = await jack.createOrganization();
  at = { id: organization.id as OrganizationId, number: organization.phoneNumbers[0] as E164 };
});
afterAll(() => jack.close());

interface Post {
  readonly path?: string;
  readonly query?: string;
  readonly authToken?: string;
  readonly signedPath?: string;
}

async function post(params: Record<string, string>, options: Post = {}) {
  const { path = FALLBACK, query = '', authToken = account.authToken } = options;
  const url = `${PUBLIC_URL}${options.signedPath ?? path}${query}`;
  const response = await fetch(`${jack.url}${path}${query}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signTwilio({ authToken, url, params }),
    },
    body: formBody(params),
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

const form = (extra: Record<string, string> = {}, change: { body?: string; messageSid?: string } = {}) =>
  inboundForm({ from: newPhone(), to: at.number, body: 'My secret words', ...account, ...change, extra });
const FAILED = { ErrorCode: '11200', ErrorUrl: `${PUBLIC_URL}${INCOMING}?key=hidden` };
const textsFrom = (params: Record<string, string>) => textsOf(jack.ctx.database, at.id, params.From as E164);
const counted = async (code: string): Promise<number> => {
  const text = await (await fetch(`${jack.url}/metrics`)).text();
  return Number(new RegExp(`jack_webhook_fallbacks_total\\{code="${code}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
};

describe('A text over the fallback URL', () => {
  it('is stored like any other, counted, and logged without its words', async () => {
    const before = await counted('11200');
    logged = [];
    const params = form(FAILED);
    expect(await post(params)).toEqual({
      status: 200,
      type: 'text/xml; charset=utf-8',
      text: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
    });
    expect(await textsFrom(params)).toMatchObject([{ body: 'My secret words', status: 'received' }]);
    expect((await counted('11200')) - before).toBe(1);
    const line = logged.find((entry) => entry.includes('fallback URL'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      level: 'warn',
      organizationId: at.id,
      outcome: 'stored',
      errorCode: '11200',
      errorUrl: `${PUBLIC_URL}${INCOMING}`,
    });
    expect(logged.join('')).not.toMatch(/secret words|hidden/);
    expect(logged.join('')).not.toContain(params.From);
  });

  it.each([
    ['first the one, then the other', [INCOMING, FALLBACK]],
    ['first the fallback, then the late first one', [FALLBACK, INCOMING]],
    ['the fallback repeatedly', [FALLBACK, FALLBACK, FALLBACK]],
  ])('is one text when it comes %s', async (_what, paths) => {
    const params = form();
    for (const path of paths) {
      const sent = path === FALLBACK ? { ...params, ...FAILED } : params;
      expect((await post(sent, { path })).status).toBe(200);
    }
    expect(await textsFrom(params)).toHaveLength(1);
  });

  it('is one text when both come at the same time, many times', async () => {
    const params = form();
    const calls = Array.from({ length: 20 }, (_, n) => post(params, { path: n % 2 ? FALLBACK : INCOMING }));
    expect((await Promise.all(calls)).every(({ status }) => status === 200)).toBe(true);
    expect(await textsFrom(params)).toHaveLength(1);
  });

  it.each([
    ['no reason', {}],
    ['a reason that is none', { ErrorCode: 'x'.repeat(100), ErrorUrl: 'nonsense' }],
    ['several numbers in the reason', { ErrorCode: '112001' }],
  ])('is stored when it gives %s', async (_what, extra) => {
    const before = await counted('unknown');
    const params = form(extra as Record<string, string>);
    expect((await post(params)).status).toBe(200);
    expect(await textsFrom(params)).toHaveLength(1);
    expect((await counted('unknown')) - before).toBe(1);
  });

  it.each([
    ['the first token', account.authToken, ''],
    ['the second token', SECONDARY, ''],
    ['a query in its URL', account.authToken, '?place=eu'],
  ])('is taken with %s', async (_what, authToken, query) => {
    expect((await post(form(FAILED), { authToken, query })).status).toBe(200);
  });

  it.each([
    ['a wrong token', { authToken: 'wrong' }],
    ['a signature made for the first URL', { signedPath: INCOMING }],
  ])('is refused with %s, and nothing is stored', async (_what, options) => {
    const params = form(FAILED);
    expect((await post(params, options)).status).toBe(403);
    await expect(textsFrom(params)).resolves.toEqual([]);
  });

  it('is posted and nothing else', async () => {
    const response = await fetch(`${jack.url}${FALLBACK}`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('A flood of forged webhooks', () => {
  it('uses up its own budget, and signed texts from the same address still come through', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 40; n += 1) statuses.push((await post(form(), { authToken: `guess ${n}` })).status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(20);
    const params = form();
    expect((await post(params, { path: INCOMING })).status).toBe(200);
    expect((await post(form(FAILED))).status).toBe(200);
    expect(await textsFrom(params)).toHaveLength(1);
  });

  it.each([
    ['more than 64 kB', { Padding: 'x'.repeat(65 * 1024) }, 413],
    [
      'more than 200 parameters',
      Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`P${n}`, ''])),
      400,
    ],
    ['more characters than a text can have', { Body: 'x'.repeat(4_001) }, 400],
  ])('costs little: %s are refused', async (_what, extra, status) => {
    expect((await post(form(extra as Record<string, string>))).status).toBe(status);
  });
});
