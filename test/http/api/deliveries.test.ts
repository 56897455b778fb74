/** Delivery reports over HTTP: signed, of any order, and of nobody else's texts. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newShopper, PUBLIC_URL } from '../../support/shopper.js';
import { formBody, newSid, signTwilio } from '../../support/signTwilio.js';
import { type DoubleText, startTwilioDouble, type TwilioDouble } from '../../support/twilioDouble.js';
import { until } from '../../support/until.js';
import { createClient, fingerprint } from './_client.js';

const PATH = '/api/webhooks/twilio/sms/status';
const FORM = 'application/x-www-form-urlencoded';
const OWN_ACCOUNT = { accountSid: newSid('AC'), authToken: 'a-token-of-their-own' };

let twilio: TwilioDouble;
let jack: TestApp;
let number: string;

beforeAll(async () => {
  twilio = await startTwilioDouble();
  twilio.addAccount(OWN_ACCOUNT.accountSid, OWN_ACCOUNT.authToken);
  jack = await buildApp({
    env: {
      PUBLIC_URL,
      TWILIO_ACCOUNT_SID: twilio.accountSid,
      TWILIO_AUTH_TOKEN: twilio.authToken,
      TWILIO_API_BASE_URL: twilio.baseUrl,
    },
  });
  number = (await jack.createOrganization()).organization.phoneNumbers[0]!;
  await jack.createOrganization({ twilio: OWN_ACCOUNT });
});
afterAll(async () => {
  await jack.close();
  await twilio.stop();
});

interface Post {
  readonly params?: Record<string, string>;
  readonly authToken?: string;
  readonly signature?: string | null;
  readonly url?: string;
  readonly signedUrl?: string;
  readonly headers?: Record<string, string>;
}

/** A text that Jack has answered with, and whose acceptance is in the record. */
async function answered(from: string = number): Promise<DoubleText> {
  const shopper = newShopper(twilio, from);
  await shopper.text(jack.url, 'Is the Civic still there?');
  const [text] = await until(() => (shopper.received().length > 0 ? shopper.received() : undefined), {
    what: 'the answer',
    timeoutMs: 20_000,
  });
  await until(() => statusOf(text!), { what: 'the carrier’s id in the record', timeoutMs: 20_000 });
  return text!;
}

const report = (text: DoubleText, change: Record<string, string> = {}): Record<string, string> => ({
  SmsSid: text.sid,
  SmsStatus: 'delivered',
  MessageStatus: 'delivered',
  To: text.to,
  MessageSid: text.sid,
  AccountSid: twilio.accountSid,
  From: text.from,
  ApiVersion: '2010-04-01',
  ...change,
});

async function post(text: DoubleText, options: Post = {}) {
  const params = options.params ?? report(text);
  const url = options.url ?? text.statusCallback!;
  const authToken = options.authToken ?? twilio.authToken;
  const signature =
    options.signature === undefined
      ? signTwilio({ authToken, url: options.signedUrl ?? url, params })
      : options.signature;
  const response = await fetch(url.replace(PUBLIC_URL, jack.url), {
    method: 'POST',
    headers: {
      'content-type': FORM,
      ...(signature === null ? {} : { 'x-twilio-signature': signature }),
      ...options.headers,
    },
    body: formBody(params),
  });
  return { status: response.status, text: await response.text() };
}

const statusOf = async ({ sid }: DoubleText) => {
  const [row] = await jack.ctx.database.query<{ status: string; code: number | null; events: number }>(
    sql`select status, error_code as code,
        (select count(*)::int from delivery_events e where e.message_id = m.id) as events
      from messages m where message_sid = ${sid}`,
  );
  return row;
};

describe('A delivery report', () => {
  it('goes to a URL with our own id of the text, which the carrier is given with every text', async () => {
    const text = await answered();
    const url = new URL(text.statusCallback!);
    expect(`${url.origin}${url.pathname}`).toBe(`${PUBLIC_URL}${PATH}`);
    const [row] = await jack.ctx.database.query<{ id: string }>(
      sql`select id from messages where message_sid = ${text.sid}`,
    );
    expect(Object.fromEntries(url.searchParams)).toEqual({ message: row!.id });
  });

  it('When it is signed, then it is in the record, and staff see the status', async () => {
    const text = await answered();
    const params = report(text, { RawDlrDoneDate: '2611211530', NewParameter: 'of tomorrow' });
    expect(await post(text, { params })).toMatchObject({ status: 200 });
    expect(await statusOf(text)).toEqual({ status: 'delivered', code: null, events: 1 });
    expect(await post(text, { params: report(text, { MessageStatus: 'sent' }) })).toMatchObject({
      status: 200,
    });
    expect(await statusOf(text)).toEqual({ status: 'delivered', code: null, events: 2 });
  });

  it('When it tells of a failure, then its code is kept', async () => {
    const text = await answered();
    await post(text, { params: report(text, { MessageStatus: 'undelivered', ErrorCode: '30004' }) });
    expect(await statusOf(text)).toMatchObject({ status: 'undelivered', code: 30004 });
  });

  it.each([
    ['no signature', { signature: null }, 403],
    ['another token', { authToken: 'another-token' }, 403],
    ['the URL of another text', { signedUrl: `${PUBLIC_URL}${PATH}?message=other` }, 403],
    ['JSON', { headers: { 'content-type': 'application/json' } }, 415],
  ])('When it has %s, then it is refused and changes nothing', async (_what, options, status) => {
    const text = await answered();
    const before = await fingerprint(jack.ctx.database);
    expect(await post(text, options)).toMatchObject({ status });
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });

  it.each([
    ['no status', { MessageStatus: '', SmsStatus: '' }],
    ['no message', { MessageSid: '', SmsSid: '' }],
    ['no person', { To: 'somebody' }],
  ])('When it names %s, then it is not valid and changes nothing', async (_what, change) => {
    const text = await answered();
    const before = await fingerprint(jack.ctx.database);
    expect(await post(text, { params: report(text, change) })).toMatchObject({ status: 400 });
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });

  it('When the text is not known, then it is 200, changes nothing and is counted', async () => {
    const text = await answered();
    const url = `${PUBLIC_URL}${PATH}?message=00000000-0000-4000-8000-000000000000`;
    const before = await fingerprint(jack.ctx.database);
    expect(await post(text, { url })).toMatchObject({ status: 200 });
    expect(await post(text, { url: `${PUBLIC_URL}${PATH}?message=x'` })).toMatchObject({ status: 200 });
    expect(await fingerprint(jack.ctx.database)).toBe(before);
    const metrics = await (await fetch(`${jack.url}/metrics`)).text();
    expect(metrics).toMatch(/jack_delivery_reports_total\{outcome="unknown"\} 2/);
  });

  it('When another organization’s account signs it, then it changes nothing of the text that it names (P3)', async () => {
    const text = await answered();
    const before = await fingerprint(jack.ctx.database);
    const params = report(text, {
      AccountSid: OWN_ACCOUNT.accountSid,
      MessageStatus: 'failed',
      ErrorCode: '21610',
    });
    expect(await post(text, { params, authToken: OWN_ACCOUNT.authToken })).toMatchObject({ status: 200 });
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });
});

describe('What the carrier holds back', () => {
  it('When a registration is missing, then an administrator sees it, and says when it is mended', async () => {
    const { call } = createClient(jack);
    const { organization } = await jack.createOrganization();
    const text = await answered(organization.phoneNumbers[0]);
    await post(text, { params: report(text, { MessageStatus: 'undelivered', ErrorCode: '30034' }) });
    const params = { organizationId: organization.id };
    const key = jack.adminKey;
    const name = '/api/admin/organizations/{organizationId}/sending';
    expect((await call(`GET ${name}`, { params, key })).body).toMatchObject({
      holds: [{ kind: 'registration', scope: 'us', code: 30034, heldUntil: null }],
    });
    expect((await call(`POST ${name}/resume`, { params, key })).body).toEqual({ lifted: ['registration'] });
    expect((await call(`GET ${name}`, { params, key })).body).toEqual({ holds: [] });
  });

  it('When there is no such organization, then it is not found', async () => {
    const { call } = createClient(jack);
    const params = { organizationId: 'nobody' };
    const name = '/api/admin/organizations/{organizationId}/sending';
    for (const route of [`GET ${name}`, `POST ${name}/resume`]) {
      expect((await call(route, { params, key: jack.adminKey })).status).toBe(404);
    }
  });
});
