/** Staff sessions over HTTP: log-in, who may use one for what, and its end. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { apiRoutes } from '../../../routes/index.js';
import type { Access } from '../../../routes/openapi/route.js';
import { sha256Hex } from '../../../services/secrets.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone } from '../../support/records.js';
import { guest } from '../../support/sessions.js';
import { BODIES } from './_bodies.js';
import { type CallResult, type Client, createClient, fingerprint, nameOf } from './_client.js';

let jack: TestApp;
let client: Client;
let own: Awaited<ReturnType<TestApp['createOrganization']>>;
let other: Awaited<ReturnType<TestApp['createOrganization']>>;
let foreignLeadId: string;

beforeAll(async () => {
  jack = await buildApp();
  client = createClient(jack);
  own = await jack.createOrganization();
  other = await jack.createOrganization();
  const { body } = await client.call('POST /api/leads', { body: { phone: newPhone() }, key: other.apiKey });
  foreignLeadId = body.id;
});
afterAll(() => jack.close());

const setCookieOf = ({ headers }: CallResult): string => headers.get('set-cookie') ?? '';
const cookieOf = (result: CallResult): string => setCookieOf(result).split(';')[0] ?? '';
const logIn = (
  { name = 'Pat', apiKey = own.apiKey }: { name?: string; apiKey?: string } = {},
  headers: Record<string, string> = {},
) => client.call('POST /api/session', { body: { name, apiKey }, headers });
const loggedIn = async (who?: Parameters<typeof logIn>[0]) => {
  const result = await logIn(who);
  const cookie = cookieOf(result);
  const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
    client.call(name, { ...options, headers: { cookie, ...options.headers } });
  return { cookie, call, session: result.body };
};

describe('Log-in', () => {
  it('When name and key are right, then a cookie that no script can read is set, and the token is nowhere else', async () => {
    const result = await logIn({ name: '  Pat O’Neil ' });
    expect(result.status).toBe(201);
    expect(result.body).toMatchObject({
      organizationId: own.organization.id,
      name: 'Pat O’Neil',
      isCurrent: true,
    });
    expect(setCookieOf(result)).toMatch(
      /^jack=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/,
    );
    const token = cookieOf(result).slice('jack='.length);
    expect(JSON.stringify(result.body)).not.toContain(token);
    const [row] = await jack.ctx.database.query<{ hash: string; text: string }>(
      sql`select token_hash as hash, to_jsonb(s)::text as text from sessions s where id = ${result.body.id}`,
    );
    expect(row?.hash).toBe(sha256Hex(token));
    expect(row?.text).not.toContain(token);
    const trail = await jack.ctx.database.query<{ actor: string; details: object }>(
      sql`select actor, details from audit where action = 'session.open' and subject = ${result.body.id}`,
    );
    expect(trail).toEqual([{ actor: `key:${own.apiKey.slice(3, 11)}`, details: { name: 'Pat O’Neil' } }]);
  });

  it.each<[string, () => object, number]>([
    ['a key of another form', () => ({ name: 'Pat', apiKey: 'open-sesame' }), 401],
    ['an unknown key', () => ({ name: 'Pat', apiKey: `jk_abcdefgh_${'A'.repeat(43)}` }), 401],
    [
      'half a key',
      () => ({ name: 'Pat', apiKey: own.apiKey.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')) }),
      401,
    ],
    ['the administrator key', () => ({ name: 'Pat', apiKey: jack.adminKey }), 401],
    ['no name', () => ({ name: ' ', apiKey: own.apiKey }), 400],
    ['no key', () => ({ name: 'Pat' }), 400],
    ['more than is asked for', () => ({ name: 'Pat', apiKey: own.apiKey, organizationId: 'x' }), 400],
  ])('When there is %s, then nobody is logged in', async (_what, body, status) => {
    const count = async () => (await jack.ctx.database.query(sql`select id from sessions`)).length;
    const before = await count();
    const result = await client.call('POST /api/session', { body: body() });
    expect([result.status, setCookieOf(result)]).toEqual([status, '']);
    expect(await count()).toBe(before);
  });

  it('When a token was planted before, then the log-in makes another and ends the planted one', async () => {
    const attacker = await loggedIn({ name: 'Attacker' });
    const victim = await logIn({ name: 'Victim' }, { cookie: attacker.cookie });
    expect(cookieOf(victim)).not.toBe(attacker.cookie);
    expect((await attacker.call('GET /api/session')).status).toBe(401);
    const unknown = `jack=${randomBytes(32).toString('base64url')}`;
    expect(cookieOf(await logIn({}, { cookie: unknown }))).not.toBe(unknown);
    expect((await client.call('GET /api/session', { headers: { cookie: unknown } })).status).toBe(401);
  });

  it('When PUBLIC_URL is https, then the cookie is bound to this host and to https, and only that one counts', async () => {
    const secure = await buildApp({ env: { PUBLIC_URL: 'https://jack.example.com' } });
    try {
      const { apiKey } = await secure.createOrganization();
      const at = createClient(secure);
      const result = await at.call('POST /api/session', { body: { name: 'Pat', apiKey } });
      expect(setCookieOf(result)).toMatch(/^__Host-jack=.*; Path=\/; .*HttpOnly; SameSite=Lax; Secure$/);
      const cookie = cookieOf(result);
      expect((await at.call('GET /api/session', { headers: { cookie } })).status).toBe(200);
      const plain = cookie.replace('__Host-', '');
      expect((await at.call('GET /api/session', { headers: { cookie: plain } })).status).toBe(401);
      const text = await (await fetch(`${secure.url}/openapi.json`)).text();
      expect(text).toContain('"name":"__Host-jack"');
    } finally {
      await secure.close();
    }
  });

  it('When an address tries too often, then it has to wait, right key or not', async () => {
    const limited = await buildApp({ limits: { logIn: { points: 2, windowMs: 60_000 } } });
    try {
      const { apiKey } = await limited.createOrganization();
      const at = createClient(limited);
      const attempt = async (key: string) =>
        (await at.call('POST /api/session', { body: { name: 'Pat', apiKey: key } })).status;
      expect([await attempt('x'), await attempt(apiKey), await attempt(apiKey)]).toEqual([401, 201, 429]);
    } finally {
      await limited.close();
    }
  });
});

describe('Pages of other sites', () => {
  const foreign: readonly (readonly [string, Record<string, string>])[] = [
    ['says so', { 'sec-fetch-site': 'cross-site' }],
    ['is of a sister site', { 'sec-fetch-site': 'same-site' }],
    ['has another origin', { origin: 'https://evil.example' }],
    ['has an origin that only begins like ours', { origin: 'http://127.0.0.1.evil.example' }],
    ['has no origin to tell', { origin: 'null' }],
  ];

  it.each(foreign)(
    'When the page %s, then it changes nothing with a session, nor logs in',
    async (_what, headers) => {
      const { call, cookie } = await loggedIn();
      const before = await fingerprint(jack.ctx.database);
      const attempts = [
        await call('POST /api/leads', { body: { phone: newPhone() }, headers }),
        await call('PATCH /api/organization', { body: { name: 'Evil Motors' }, headers }),
        await call('DELETE /api/session', { headers }),
        await call('DELETE /api/sessions', { headers }),
        await logIn({}, { ...headers, cookie }),
      ];
      expect(attempts.map(({ status, body }) => [status, body.code])).toEqual(
        attempts.map(() => [403, 'E_CROSS_SITE']),
      );
      expect(await fingerprint(jack.ctx.database)).toBe(before);
      expect((await call('GET /api/session')).status).toBe(200);
    },
  );

  it('When a page of this server calls, or a program, then it may', async () => {
    const { call } = await loggedIn();
    const host = new URL(jack.url).host;
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: `http://${host}` }, {}]) {
      expect((await call('POST /api/leads', { body: { phone: newPhone() }, headers })).status).toBe(201);
    }
  });

  it('When a call brings an API key, then where it comes from does not matter', async () => {
    const result = await client.call('POST /api/leads', {
      body: { phone: newPhone() },
      key: own.apiKey,
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(result.status).toBe(201);
  });
});

/** Only handlers use the context, so the list of routes is there before any application runs. */
const REGISTRY = apiRoutes({ clock: { monotonicMs: () => 0 } } as TestApp['ctx'], { rejected: 0 });
const namesOf = (...access: Access[]) =>
  REGISTRY.filter((route) => access.includes(route.access)).map(nameOf);

describe('Who may call what', () => {
  let ended: string;
  let visitor: string;
  beforeAll(async () => {
    const gone = await loggedIn();
    await gone.call('DELETE /api/session');
    ended = gone.cookie;
    visitor = `jack=${(await jack.ctx.sessions.create(own.organization.id, guest())).token}`;
  });

  const credentials: readonly (readonly [string, () => Record<string, string>])[] = [
    ['a session that is over', () => ({ cookie: ended })],
    ["a guest's session", () => ({ cookie: visitor })],
    ['a token of no session', () => ({ cookie: `jack=${randomBytes(32).toString('base64url')}` })],
    ['the hash of a token', () => ({ cookie: `jack=${sha256Hex(ended.slice(5))}` })],
    ['an empty cookie', () => ({ cookie: 'jack=' })],
  ];
  it.each(
    credentials.flatMap(([who, headersOf]) =>
      namesOf('organization', 'session').map((name) => [name, who, headersOf] as const),
    ),
  )('When %s is called with %s, then it is 401 and nothing changes', async (name, _who, headersOf) => {
    const before = await fingerprint(jack.ctx.database);
    const { status, body } = await client.call(name, {
      headers: headersOf(),
      body: BODIES[name]?.(),
      params: { leadId: foreignLeadId },
    });
    expect([status, body.code]).toEqual([401, 'E_UNAUTHENTICATED']);
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });

  it.each(namesOf('administrator'))('When %s is called with a session, then it is 401', async (name) => {
    const { call } = await loggedIn();
    expect((await call(name, { params: { organizationId: own.organization.id } })).status).toBe(401);
  });

  it.each(namesOf('session'))(
    'When %s is called with a key, then it is 401: a key is no session',
    async (name) => {
      expect((await client.call(name, { key: own.apiKey })).status).toBe(401);
    },
  );

  it.each(namesOf('organization').filter((name) => name.includes('{leadId}')))(
    "When %s is called with a session and names another organization's lead, then it is 404 and nothing changes",
    async (name) => {
      const { call } = await loggedIn();
      const before = await fingerprint(jack.ctx.database);
      const { status } = await call(name, { body: BODIES[name]?.(), params: { leadId: foreignLeadId } });
      expect(status).toBe(404);
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    },
  );

  it('When staff call, then they see their own organization, and the trail names their session', async () => {
    const { call, session } = await loggedIn();
    expect((await call('GET /api/organization')).body.id).toBe(own.organization.id);
    await call('PATCH /api/organization', { body: { settings: { website: 'https://pat.example' } } });
    const trail = await jack.ctx.database.query(
      sql`select 1 from audit where actor = ${`session:${session.id}`} and action = 'organization.change'`,
    );
    expect(trail).toHaveLength(1);
  });

  it('When a call brings a key and a session, then the key counts', async () => {
    const { call } = await loggedIn();
    expect((await call('GET /api/organization', { key: other.apiKey })).body.id).toBe(other.organization.id);
    expect((await call('GET /api/organization', { key: 'wrong' })).status).toBe(401);
  });
});

describe('The end of a session', () => {
  it('When one logs out, then the cookie is taken back and opens nothing any more', async () => {
    const { call } = await loggedIn();
    const stays = await loggedIn();
    const out = await call('DELETE /api/session');
    expect([out.status, setCookieOf(out)]).toEqual([204, 'jack=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax']);
    expect((await call('GET /api/session')).status).toBe(401);
    expect((await call('POST /api/leads', { body: { phone: newPhone() } })).status).toBe(401);
    expect((await stays.call('GET /api/session')).status).toBe(200);
  });

  it('When one ends all of theirs, then those of others stay', async () => {
    const { apiKey } = await jack.createOrganization();
    const [one, two] = [await loggedIn({ apiKey }), await loggedIn({ apiKey })];
    const sam = await loggedIn({ apiKey, name: 'Sam' });
    const elsewhere = await loggedIn({ apiKey: other.apiKey });
    const { body } = await one.call('GET /api/sessions');
    expect(
      body.items.map(({ id, isCurrent }: { id: string; isCurrent: boolean }) => [id, isCurrent]),
    ).toEqual(
      expect.arrayContaining([
        [one.session.id, true],
        [two.session.id, false],
      ]),
    );
    expect(body.items).toHaveLength(2);
    expect((await two.call('DELETE /api/sessions')).body).toEqual({ ended: 2 });
    expect((await one.call('GET /api/session')).status).toBe(401);
    for (const { call } of [sam, elsewhere]) expect((await call('GET /api/session')).status).toBe(200);
  });

  it('When the key that it was opened with is revoked, then it is over at once', async () => {
    const byOrganization = { organizationId: own.organization.id };
    const { body: key } = await client.call('POST /api/admin/organizations/{organizationId}/api-keys', {
      params: byOrganization,
      key: jack.adminKey,
    });
    const [revoked, stays] = [await loggedIn({ apiKey: key.apiKey }), await loggedIn()];
    for (const { call } of [revoked, stays]) expect((await call('GET /api/session')).status).toBe(200);
    await client.call('DELETE /api/admin/organizations/{organizationId}/api-keys/{keyId}', {
      params: { ...byOrganization, keyId: key.id },
      key: jack.adminKey,
    });
    expect((await revoked.call('GET /api/session')).status).toBe(401);
    expect((await stays.call('GET /api/session')).status).toBe(200);
  });

  it('When the organization is erased, then its sessions open nothing', async () => {
    const { apiKey, organization } = await jack.createOrganization();
    const { call } = await loggedIn({ apiKey });
    await call('GET /api/session');
    await client.call('DELETE /api/admin/organizations/{organizationId}', {
      params: { organizationId: organization.id },
      key: jack.adminKey,
    });
    expect((await call('GET /api/session')).status).toBe(401);
    expect((await call('GET /api/organization')).status).toBe(401);
  });
});
