/** The way in, over HTTP: what is accepted, what is refused, and that refusals change nothing. */
import { request as httpRequest } from 'node:http';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLogger } from '../../../services/logger.js';
import type { E164 } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone, textsOf } from '../../support/records.js';
import { PUBLIC_URL } from '../../support/shopper.js';
import { formBody, inboundForm, newSid, type Params, signTwilio } from '../../support/signTwilio.js';
import { startTwilioDouble, type TwilioDouble } from '../../support/twilioDouble.js';
import { until } from '../../support/until.js';
import { fingerprint } from './_client.js';

const PATH = '/api/webhooks/twilio/sms/incoming';
const FORM = 'application/x-www-form-urlencoded';
const SECONDARY = 'the-secondary-token-0123456789';
const OWN_ACCOUNT = { accountSid: newSid('AC'), authToken: 'a-token-of-their-own' };

let twilio: TwilioDouble;
let jack: TestApp;
let number: E164;
let ownNumber: E164;
const logged: string[] = [];

beforeAll(async () => {
  twilio = await startTwilioDouble();
  twilio.addAccount(OWN_ACCOUNT.accountSid, OWN_ACCOUNT.authToken);
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      logged.push(chunk.toString());
      done();
    },
  });
  jack = await buildApp({
    logger: createLogger({ level: 'debug', format: 'json', stream }),
    env: {
      PUBLIC_URL,
      TWILIO_ACCOUNT_SID: twilio.accountSid,
      TWILIO_AUTH_TOKEN: twilio.authToken,
      TWILIO_AUTH_TOKEN_SECONDARY: SECONDARY,
      TWILIO_API_BASE_URL: twilio.baseUrl,
      // No reply within a test, so that a fingerprint changes only by what the test does.
      REPLY_WINDOW_MS: '60000',
      REPLY_MAX_WAIT_MS: '60000',
    },
  });
  number = (await jack.createOrganization()).organization.phoneNumbers[0] as E164;
  const own = await jack.createOrganization({ twilio: OWN_ACCOUNT });
  ownNumber = own.organization.phoneNumbers[0] as E164;
});
afterAll(async () => {
  await jack.close();
  await twilio.stop();
});

interface Post {
  readonly params?: Params;
  readonly authToken?: string;
  readonly signature?: string | null;
  readonly signedUrl?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

const form = (change: Partial<Parameters<typeof inboundForm>[0]> = {}) =>
  inboundForm({ from: newPhone(), to: number, body: 'Hello', accountSid: twilio.accountSid, ...change });

async function post({ query = '', ...options }: Post = {}) {
  const params = options.params ?? form();
  const url = options.signedUrl ?? `${PUBLIC_URL}${PATH}${query}`;
  const signature =
    options.signature === undefined
      ? signTwilio({ authToken: options.authToken ?? twilio.authToken, url, params })
      : options.signature;
  const response = await fetch(`${jack.url}${PATH}${query}`, {
    method: 'POST',
    headers: {
      'content-type': FORM,
      ...(signature === null ? {} : { 'x-twilio-signature': signature }),
      ...options.headers,
    },
    body: options.body ?? formBody(params),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}

const codeOf = (text: string): string => (JSON.parse(text) as { code: string }).code;
const organizationOf = async (phoneNumber: E164) =>
  (await jack.ctx.state.getOrganizationIdByNumber(
    phoneNumber === ownNumber ? OWN_ACCOUNT.accountSid : 'default',
    phoneNumber,
  ))!;

describe('A webhook that is signed', () => {
  it.each([
    ['the primary token', () => ({})],
    ['the secondary token', () => ({ authToken: SECONDARY })],
    ['a query in its URL', () => ({ query: '?source=a%20b&x=' })],
    [
      'another account of an organization',
      () => ({
        authToken: OWN_ACCOUNT.authToken,
        params: form({ to: ownNumber, accountSid: OWN_ACCOUNT.accountSid }),
      }),
    ],
    [
      'a Host header that lies',
      () => ({ headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' } }),
    ],
  ] as const)('When it comes with %s, then it gets an empty TwiML response', async (_what, options) => {
    expect(await post(options())).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/xml/),
      text: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
    });
  });

  it('When it is answered with 200, then the text is in the record', async () => {
    const params = form({ body: 'Is the 2021 Civic there? café ☕ 👍' });
    expect((await post({ params })).status).toBe(200);
    const texts = await textsOf(jack.ctx.database, await organizationOf(number), params.From as E164);
    expect(texts).toEqual([
      { seq: 1, direction: 'inbound', sender: 'lead', status: 'received', body: params.Body },
    ]);
  });

  it('When it comes again, then the answer is the same and nothing changes', async () => {
    const params = form();
    const first = await post({ params });
    const before = await fingerprint(jack.ctx.database);
    expect(await post({ params })).toEqual(first);
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });

  it('When it is a keyword, an MMS without words, a text of a short code or one to nobody, then it is 200', async () => {
    const media = [{ url: 'https://api.twilio.com/media/1', contentType: 'image/jpeg' }];
    for (const change of [{ body: 'STOP' }, { body: '', media }, { from: '72345' }, { to: newPhone() }]) {
      expect((await post({ params: form(change) })).text).toContain('<Response/>');
    }
    const quarantined = await jack.ctx.database.query<{ reason: string }>(
      sql`select reason from quarantine order by id`,
    );
    expect(quarantined.map(({ reason }) => reason)).toEqual(['sender_is_not_a_phone', 'unknown_number']);
  });

  it('When the process is stopping, then it is still stored', async () => {
    const stopping = await buildApp({ env: { USE_REDIS: 'false' } });
    try {
      const { organization } = await stopping.createOrganization();
      stopping.ctx.beginStop();
      const params = inboundForm({
        from: newPhone(),
        to: organization.phoneNumbers[0]!,
        body: 'Hi',
        accountSid: newSid('AC'),
      });
      const response = await fetch(`${stopping.url}${PATH}`, {
        method: 'POST',
        headers: { 'content-type': FORM },
        body: formBody(params),
      });
      expect(response.status).toBe(200);
    } finally {
      await stopping.close();
    }
  });
});

describe('A webhook that is refused changes nothing and is never 200', () => {
  const manyParams = (count: number): Params => ({
    ...form(),
    ...Object.fromEntries(Array.from({ length: count }, (_, n) => [`Extra${n}`, 'x'])),
  });

  it.each([
    ['no signature', () => ({ signature: null }), 403, 'E_SIGNATURE_INVALID'],
    ['an empty signature', () => ({ signature: '' }), 403, 'E_SIGNATURE_INVALID'],
    ['a signature of noise', () => ({ signature: 'bm9pc2U=' }), 403, 'E_SIGNATURE_INVALID'],
    ['a signature with another token', () => ({ authToken: 'another-token' }), 403, 'E_SIGNATURE_INVALID'],
    [
      'a signature over another host',
      () => ({ signedUrl: `https://evil.example${PATH}` }),
      403,
      'E_SIGNATURE_INVALID',
    ],
    [
      'a query that was not signed',
      () => ({ query: '?a=1', signedUrl: `${PUBLIC_URL}${PATH}` }),
      403,
      'E_SIGNATURE_INVALID',
    ],
    [
      'an account nobody has',
      () => ({ params: form({ accountSid: newSid('AC') }) }),
      403,
      'E_SIGNATURE_INVALID',
    ],
    ["another account's token", () => ({ authToken: OWN_ACCOUNT.authToken }), 403, 'E_SIGNATURE_INVALID'],
    ['no account', () => ({ params: form({ extra: { AccountSid: '' } }) }), 403, 'E_SIGNATURE_INVALID'],
    [
      'two accounts',
      () => ({ params: { ...form(), AccountSid: [twilio.accountSid, OWN_ACCOUNT.accountSid] } }),
      403,
      'E_SIGNATURE_INVALID',
    ],
    ['an account with NUL', () => ({ params: form({ accountSid: 'AC\0' }) }), 403, 'E_SIGNATURE_INVALID'],
    [
      'a body changed on the way',
      () => ({ body: formBody(form()).replace('Hello', 'Hallo') }),
      403,
      'E_SIGNATURE_INVALID',
    ],
    ['no sender', () => ({ params: form({ from: '' }) }), 400, 'E_INPUT_INVALID'],
    ['a message id that is none', () => ({ params: form({ messageSid: 'SM1' }) }), 400, 'E_INPUT_INVALID'],
    ['more parameters than a text has', () => ({ params: manyParams(200) }), 400, 'E_INPUT_INVALID'],
    [
      'a body above the limit',
      () => ({ params: form({ extra: { X: 'x'.repeat(70_000) } }) }),
      413,
      'E_BODY_TOO_LARGE',
    ],
    ['JSON', () => ({ headers: { 'content-type': 'application/json' }, body: '{}' }), 415, 'E_MEDIA_TYPE'],
    ['no content type', () => ({ headers: { 'content-type': '' } }), 415, 'E_MEDIA_TYPE'],
    [
      'a packed body',
      () => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(formBody(form())) }),
      415,
      'E_MEDIA_TYPE',
    ],
  ] as const)('When it has %s', async (_what, optionsOf, status, code) => {
    const before = await fingerprint(jack.ctx.database);
    const answer = await post(optionsOf());
    expect([answer.status, answer.type, codeOf(answer.text)]).toEqual([
      status,
      'application/problem+json',
      code,
    ]);
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });

  it('When the signature is wrong, then the answer names the URL that should be signed, and no secret', async () => {
    const { text } = await post({ authToken: 'another-token', query: '?a=1' });
    expect(text).toContain(`${PUBLIC_URL}${PATH}?a=1`);
    for (const secret of [twilio.authToken, SECONDARY, OWN_ACCOUNT.authToken])
      expect(text).not.toContain(secret);
  });

  it('When webhooks are refused, then that is counted in health and logged without phones or words (P10)', async () => {
    const rejected = async () => {
      const report = (await (await fetch(`${jack.url}/api/health`)).json()) as {
        checks: Record<string, { observedValue: number }[]>;
      };
      return report.checks['webhooks:rejected']?.[0]?.observedValue ?? -1;
    };
    const before = await rejected();
    const params = form({ body: 'a very private matter' });
    await post({ params, signature: 'bm9pc2U=' });
    await post({ params: { ...params, MessageSid: 'SM1', SmsSid: 'SM1', SmsMessageSid: 'SM1' } });
    await post({ params });
    expect(await rejected()).toBe(before + 2);
    const log = await until(() =>
      logged.join('').includes('a webhook was rejected') ? logged.join('') : undefined,
    );
    expect(log).not.toContain('private matter');
    expect(log).not.toContain(params.From);
    expect(log).not.toContain(twilio.authToken);
  });

  it('When a body breaks off, then it is not stored', async () => {
    const before = await fingerprint(jack.ctx.database);
    const params = form();
    await new Promise<void>((resolve) => {
      const half = httpRequest(`${jack.url}${PATH}`, {
        method: 'POST',
        headers: { 'content-type': FORM, 'content-length': '5000', 'x-twilio-signature': 'x' },
      });
      half.on('error', () => resolve());
      half.write(formBody(params), () => half.destroy());
    });
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });
});

describe('Without PUBLIC_URL, in development', () => {
  it('When the URL of the request itself was signed, then it is accepted', async () => {
    const open = await buildApp({
      env: {
        TWILIO_ACCOUNT_SID: twilio.accountSid,
        TWILIO_AUTH_TOKEN: twilio.authToken,
        TWILIO_API_BASE_URL: twilio.baseUrl,
      },
    });
    try {
      const params = form({ to: newPhone() });
      const signature = signTwilio({ authToken: twilio.authToken, url: `${open.url}${PATH}`, params });
      const response = await fetch(`${open.url}${PATH}`, {
        method: 'POST',
        headers: { 'content-type': FORM, 'x-twilio-signature': signature },
        body: formBody(params),
      });
      expect(response.status).toBe(200);
    } finally {
      await open.close();
    }
  });
});
