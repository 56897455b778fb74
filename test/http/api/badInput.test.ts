/** P9: bad input gets a clear problem answer and changes nothing. */
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone } from '../../support/records.js';
import { type CallOptions, type Client, createClient, fingerprint } from './_client.js';

let jack: TestApp;
let client: Client;
let apiKey: string;
let leadId: string;
let organizationId: string;

beforeAll(async () => {
  jack = await buildApp();
  client = createClient(jack);
  const created = await jack.createOrganization();
  apiKey = created.apiKey;
  organizationId = created.organization.id;
  leadId = (await client.call('POST /api/leads', { body: { phone: newPhone() }, key: apiKey })).body.id;
});
afterAll(() => jack.close());

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const lead = (change: object): CallOptions => ({ body: { phone: newPhone(), ...change } });
const raw = (rawBody: string | Buffer, headers: Record<string, string> = {}): CallOptions => ({
  rawBody,
  headers,
});
const newOrganization = (change: object): CallOptions => ({
  body: { name: 'Example Motors', timezone: 'America/Vancouver', phoneNumbers: [newPhone()], ...change },
});
const cursorOf = (contents: unknown) => Buffer.from(JSON.stringify(contents)).toString('base64url');

type Case = readonly [what: string, route: string, options: CallOptions, status: number, pointer?: string];

/** A row shorter than the test's parameters would make jest wait for a callback. */
const whole = (cases: readonly Case[]) =>
  cases.map(([a, b, c, d, pointer]) => [a, b, c, d, pointer] as const);

const LEADS: readonly Case[] = [
  ['no body', 'POST /api/leads', raw('', { 'content-type': 'application/json' }), 400, '/body/phone'],
  ['a body that is no JSON', 'POST /api/leads', raw('{"phone": '), 400],
  ['a body that is a list', 'POST /api/leads', raw('[]'), 400, '/body'],
  ['a body that is a text', 'POST /api/leads', raw('"+16045550123"'), 400],
  ['another content type', 'POST /api/leads', raw('phone=1', { 'content-type': 'text/plain' }), 415],
  [
    'another character set',
    'POST /api/leads',
    raw('{}', { 'content-type': 'application/json; charset=x-nope' }),
    415,
  ],
  ['an unknown encoding', 'POST /api/leads', raw('{}', { 'content-encoding': 'lzma' }), 415],
  ['a body above the limit', 'POST /api/leads', lead({ attributes: { a: 'x'.repeat(300_000) } }), 413],
  [
    'a small body that unpacks above the limit',
    'POST /api/leads',
    raw(gzipSync(`{"phone":"${'1'.repeat(2_000_000)}"}`), { 'content-encoding': 'gzip' }),
    413,
  ],
  [
    'ten thousand levels',
    'POST /api/leads',
    raw(`{"phone":"+16045550123","attributes":{"a":${nested(10_000)}}}`),
    400,
    '/body',
  ],
  ['no phone', 'POST /api/leads', { body: {} }, 400, '/body/phone'],
  ['a phone of the wrong type', 'POST /api/leads', lead({ phone: 16045550123 }), 400, '/body/phone'],
  ['a phone without a country', 'POST /api/leads', lead({ phone: '604-555-0123' }), 400, '/body/phone'],
  [
    'a phone with an extension',
    'POST /api/leads',
    lead({ phone: '+16045550123 ext. 5' }),
    400,
    '/body/phone',
  ],
  ['a field nobody knows', 'POST /api/leads', lead({ nmae: 'Dana' }), 400, '/body/nmae'],
  ['a field with a slash and a tilde', 'POST /api/leads', lead({ 'a/b~c': 1 }), 400, '/body/a~1b~0c'],
  ['an overlong name', 'POST /api/leads', lead({ name: 'x'.repeat(201) }), 400, '/body/name'],
  ['a name of spaces', 'POST /api/leads', lead({ name: '   ' }), 400, '/body/name'],
  ['no e-mail address', 'POST /api/leads', lead({ email: 'dana at example' }), 400, '/body/email'],
  ['NUL in a name', 'POST /api/leads', lead({ name: 'Da\0na' }), 400, '/body/name'],
  [
    'half of a surrogate pair',
    'POST /api/leads',
    raw('{"phone":"+16045550123","name":"\\ud83d"}'),
    400,
    '/body/name',
  ],
  [
    'NUL deep in the attributes',
    'POST /api/leads',
    lead({ attributes: { a: [{ b: '\0' }] } }),
    400,
    '/body/attributes/a/0/b',
  ],
  [
    'NUL in the name of an attribute',
    'POST /api/leads',
    lead({ attributes: { 'a\0': 1 } }),
    400,
    '/body/attributes',
  ],
  ['attributes that are a list', 'POST /api/leads', lead({ attributes: [1] }), 400, '/body/attributes'],
  [
    'attributes above their bound',
    'POST /api/leads',
    lead({ attributes: { a: 'x'.repeat(20_000) } }),
    400,
    '/body/attributes',
  ],
  ['a status from outside', 'POST /api/leads', lead({ status: 'sold' }), 400, '/body/status'],
  ['nothing to change', 'PATCH /api/leads/{leadId}', { body: {} }, 400, '/body'],
  ['a phone to change', 'PATCH /api/leads/{leadId}', { body: { phone: '+16045550199' } }, 400, '/body/phone'],
];

const QUERIES: readonly Case[] = [
  ['a limit of 0', 'GET /api/leads', { query: { limit: '0' } }, 400, '/query/limit'],
  ['a limit of 101', 'GET /api/leads', { query: { limit: '101' } }, 400, '/query/limit'],
  ['a limit in words', 'GET /api/leads', { query: { limit: 'ten' } }, 400, '/query/limit'],
  ['a cursor of noise', 'GET /api/leads', { query: { cursor: '%%%' } }, 400, '/query/cursor'],
  ['an empty cursor', 'GET /api/leads', { query: { cursor: '' } }, 400, '/query/cursor'],
  [
    'a cursor with a bad id',
    'GET /api/leads',
    { query: { cursor: cursorOf(['leads', '2026-01-01T00:00:00.000Z', "' or 1=1"]) } },
    400,
    '/query/cursor',
  ],
  [
    'a cursor of no time',
    'GET /api/leads',
    {
      query: {
        cursor: cursorOf(['leads', '0000-01-01T00:00:00.000Z', '0d1c8f3e-2a44-4d1f-9a57-0f5b1c3f7d11']),
      },
    },
    400,
    '/query/cursor',
  ],
  [
    'a cursor of another list',
    'GET /api/leads',
    {
      query: {
        cursor: cursorOf([
          'conversations',
          '2026-01-01T00:00:00.000Z',
          '0d1c8f3e-2a44-4d1f-9a57-0f5b1c3f7d11',
        ]),
      },
    },
    400,
    '/query/cursor',
  ],
  ['a filter nobody knows', 'GET /api/conversations', { query: { ownr: 'human' } }, 400, '/query/ownr'],
  ['an owner nobody knows', 'GET /api/conversations', { query: { owner: 'boss' } }, 400, '/query/owner'],
  [
    'a filter that is no yes or no',
    'GET /api/conversations',
    { query: { optedOut: 'perhaps' } },
    400,
    '/query/optedOut',
  ],
  ['a negative seq', 'GET /api/conversations/{leadId}', { query: { before: '-1' } }, 400, '/query/before'],
  [
    'a huge seq',
    'GET /api/conversations/{leadId}',
    { query: { before: '99999999999' } },
    400,
    '/query/before',
  ],
];

const BAD_ID = { params: { leadId: '1' } };
const CONVERSATIONS: readonly Case[] = [
  ['an id that is none', 'GET /api/conversations/{leadId}', BAD_ID, 400, '/path/leadId'],
  ['an id with NUL', 'GET /api/leads/{leadId}', { params: { leadId: '%00' } }, 400, '/path/leadId'],
  ['a path that is not encoded', 'GET /api/leads/{leadId}', { params: { leadId: '%E0%A4%A' } }, 400],
  ['an empty text', 'POST /api/conversations/{leadId}/messages', { body: { body: '' } }, 400, '/body/body'],
  [
    'a text of spaces',
    'POST /api/conversations/{leadId}/messages',
    { body: { body: ' \n ' } },
    400,
    '/body/body',
  ],
  [
    'an overlong text',
    'POST /api/conversations/{leadId}/messages',
    { body: { body: 'x'.repeat(1601) } },
    400,
    '/body/body',
  ],
  [
    'a text with NUL',
    'POST /api/conversations/{leadId}/messages',
    { body: { body: 'a\0b' } },
    400,
    '/body/body',
  ],
  ['a takeover by nobody', 'POST /api/conversations/{leadId}/takeover', { body: {} }, 400, '/body/name'],
];

const SETTINGS: readonly Case[] = [
  [
    'a zone nobody knows',
    'PATCH /api/organization',
    { body: { timezone: 'Mars/Olympus' } },
    400,
    '/body/timezone',
  ],
  [
    'a zone that is an offset',
    'PATCH /api/organization',
    { body: { timezone: '+05:00' } },
    400,
    '/body/timezone',
  ],
  [
    'a setting nobody knows',
    'PATCH /api/organization',
    { body: { settings: { adress: 'x' } } },
    400,
    '/body/settings/adress',
  ],
  [
    'a day nobody knows',
    'PATCH /api/organization',
    { body: { settings: { hours: { 7: [] } } } },
    400,
    '/body/settings/hours/7',
  ],
  [
    'hours that end before they begin',
    'PATCH /api/organization',
    { body: { settings: { hours: { 1: [['18:00', '09:00']] } } } },
    400,
    '/body/settings/hours/1/0',
  ],
  [
    'a wait after a fragment that is shorter than the normal one',
    'PATCH /api/organization',
    { body: { settings: { replyWindow: { shortestMs: 500, normalMs: 3_000, longestMs: 1_000 } } } },
    400,
    '/body/settings/replyWindow',
  ],
  [
    'a web site that is a script',
    'PATCH /api/organization',
    { body: { settings: { website: 'javascript:alert(1)' } } },
    400,
    '/body/settings/website',
  ],
  ['an id that is to be changed', 'PATCH /api/organization', { body: { id: 'x' } }, 400, '/body/id'],
  ['nothing to change', 'PATCH /api/organization', { body: {} }, 400, '/body'],
];

const ADMIN: readonly Case[] = [
  ['an id with a colon', 'POST /api/admin/organizations', newOrganization({ id: 'a:b' }), 400, '/body/id'],
  ['an id with a star', 'POST /api/admin/organizations', newOrganization({ id: '*' }), 400, '/body/id'],
  [
    'an overlong id',
    'POST /api/admin/organizations',
    newOrganization({ id: 'x'.repeat(65) }),
    400,
    '/body/id',
  ],
  ['no name', 'POST /api/admin/organizations', newOrganization({ name: undefined }), 400, '/body/name'],
  [
    'no zone',
    'POST /api/admin/organizations',
    newOrganization({ timezone: undefined }),
    400,
    '/body/timezone',
  ],
  [
    'a number that is none',
    'POST /api/admin/organizations',
    newOrganization({ phoneNumbers: ['5'] }),
    400,
    '/body/phoneNumbers/0',
  ],
  [
    'a number twice',
    'POST /api/admin/organizations',
    newOrganization({ phoneNumbers: ['+16045550123', '+1 604 555 0123'] }),
    400,
    '/body/phoneNumbers',
  ],
  [
    'an account that is none',
    'POST /api/admin/organizations',
    newOrganization({ twilio: { accountSid: 'AC1', authToken: 't' } }),
    400,
    '/body/twilio/accountSid',
  ],
  [
    'an organization id that is none',
    'DELETE /api/admin/organizations/{organizationId}',
    { params: { organizationId: 'a%3Ab' } },
    400,
    '/path/organizationId',
  ],
  [
    'a key id that is none',
    'DELETE /api/admin/organizations/{organizationId}/api-keys/{keyId}',
    { params: { keyId: '1' } },
    400,
    '/path/keyId',
  ],
  ['a word for yes', 'POST /api/admin/cache/fallback', { body: { forced: 'yes' } }, 400, '/body/forced'],
];

describe.each([
  ['leads', LEADS],
  ['queries', QUERIES],
  ['conversations', CONVERSATIONS],
  ['settings', SETTINGS],
  ['administration', ADMIN],
] as const)('Bad input: %s (P9)', (_group, cases) => {
  it.each(whole(cases))(
    'When there is %s, then %s says so and nothing changes',
    async (_what, route, options, status, pointer) => {
      const before = await fingerprint(jack.ctx.database);
      const key = route.includes('/api/admin/') ? jack.adminKey : apiKey;
      const params = { leadId, organizationId, ...options.params };
      const answer = await client.call(route, { ...options, params, key });
      const code = { 400: 'E_INPUT_INVALID', 413: 'E_BODY_TOO_LARGE', 415: 'E_MEDIA_TYPE' }[status];
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      if (pointer !== undefined) {
        expect(answer.body.errors.map((problem: { pointer: string }) => problem.pointer)).toContain(pointer);
      }
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    },
  );
});

describe('Bad requests around the routes', () => {
  it('When several fields are wrong, then all are named at once', async () => {
    const { body } = await client.call('POST /api/leads', {
      body: { phone: '1', email: '2', x: 3 },
      key: apiKey,
    });
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers.sort()).toEqual(['/body/email', '/body/phone', '/body/x']);
  });

  it('When a value is wrong, then the answer does not repeat it', async () => {
    const { body } = await client.call('POST /api/leads', { body: { phone: 'call me maybe' }, key: apiKey });
    expect(JSON.stringify(body)).not.toContain('maybe');
  });

  it.each(['/api/nothing', '/api/leads/x/y', '/api', '/favicon.ico', '/api/conversations/a/b/c'])(
    'When %s is asked for, then it is a 404 problem',
    async (path) => {
      const response = await fetch(jack.url + path);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ status: 404, code: 'E_NOT_FOUND', instance: path });
    },
  );

  it.each([
    ['PUT', '/api/leads', 'GET, HEAD, POST'],
    ['DELETE', '/api/health', 'GET, HEAD'],
    ['GET', '/api/webhooks/twilio/sms/incoming', 'POST'],
    ['GET', '/api/admin/cache/fallback', 'POST'],
  ])('When %s %s is not offered, then 405 says what is', async (method, path, allow) => {
    const response = await fetch(jack.url + path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
    expect(await response.json()).toMatchObject({ code: 'E_METHOD_NOT_ALLOWED' });
  });

  it('When a request has a sane id, then it is kept; any other is replaced', async () => {
    const idFor = async (given: string) =>
      (await fetch(`${jack.url}/api/health/live`, { headers: { 'x-request-id': given } })).headers.get(
        'x-request-id',
      );
    expect(await idFor('trace-0123456789')).toBe('trace-0123456789');
    for (const bad of ['short', 'with a space in it', 'x'.repeat(101)]) {
      expect(await idFor(bad)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('When a body breaks off, then nothing hangs and the next request is served', async () => {
    const before = await fingerprint(jack.ctx.database);
    await new Promise<void>((resolve) => {
      const half = httpRequest(`${jack.url}/api/leads`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          'content-length': '1000',
        },
      });
      half.on('error', () => resolve());
      half.write('{"phone":', () => half.destroy());
      half.on('close', () => resolve());
    });
    expect((await client.call('GET /api/organization', { key: apiKey })).status).toBe(200);
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });

  it('When a problem names its type, then that address explains the code', async () => {
    const problem = (await (await fetch(`${jack.url}/api/nothing`)).json()) as { type: string };
    const page = await fetch(new URL(problem.type, jack.url));
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('E_NOT_FOUND');
    expect((await fetch(`${jack.url}/errors/E_NEVER`)).status).toBe(404);
  });
});
