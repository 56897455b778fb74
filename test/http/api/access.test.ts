/** Who may call what, for every route of the registry: a new route is in these tables by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { apiRoutes } from '../../../routes/index.js';
import type { Access } from '../../../routes/openapi/route.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { storePicture } from '../../support/mediaSamples.js';
import { inboundText, newPhone } from '../../support/records.js';
import { until } from '../../support/until.js';
import { BODIES } from './_bodies.js';
import { type Client, createClient, fingerprint, nameOf } from './_client.js';

let jack: TestApp;
let client: Client;
let own: Awaited<ReturnType<TestApp['createOrganization']>>;
let other: Awaited<ReturnType<TestApp['createOrganization']>>;
/** A lead of the other organization, with a conversation and a picture in it. */
let foreignLeadId: string;
let foreignMediaId: string;
const dataDir = mkdtempSync(path.join(tmpdir(), 'jack-access-'));

beforeAll(async () => {
  jack = await buildApp({ env: { DATA_DIR: dataDir } });
  client = createClient(jack);
  own = await jack.createOrganization();
  other = await jack.createOrganization();
  const phone = newPhone();
  const [number] = other.organization.phoneNumbers;
  if (!number) throw new Error('the other organization has no number');
  await jack.ctx.receiver.receive(inboundText(number, phone));
  const { body } = await client.call('GET /api/leads', { key: other.apiKey });
  foreignLeadId = body.items[0].id;
  foreignMediaId = await storePicture(jack, other.organization.id, foreignLeadId);
  await until(
    async () =>
      (await client.call('GET /api/conversations', { key: other.apiKey })).body.items[0].lastMessage
        ?.direction === 'outbound',
    { what: 'the reply, after which nothing changes by itself' },
  );
  await until(
    async () =>
      (
        await jack.ctx.database.query(
          sql`select 1 from messages where status not in ('received', 'delivered')`,
        )
      ).length === 0,
    { what: 'its delivery' },
  );
});
afterAll(async () => {
  await jack.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Only handlers use the context, so the list of routes is there before any application runs. */
const REGISTRY = apiRoutes({ clock: { monotonicMs: () => 0 } } as TestApp['ctx'], { rejected: 0 });
const namesOf = (access: Access) => REGISTRY.filter((route) => route.access === access).map(nameOf);

const bodyOf = (name: string) => ({ body: BODIES[name]?.() });
const params = (name: string) =>
  name.includes('/api/admin/')
    ? { organizationId: other.organization.id }
    : ({ leadId: foreignLeadId, mediaId: foreignMediaId } as Record<string, string>);

describe('Without the right credential', () => {
  const refused: ReadonlyArray<readonly [who: string, access: Access, keyOf: () => string | undefined]> = [
    ['nobody', 'organization', () => undefined],
    ['somebody with a word of their own', 'organization', () => 'open-sesame'],
    ['somebody with a key of the right form', 'organization', () => `jk_abcdefgh_${'A'.repeat(43)}`],
    [
      'somebody who knows the visible half of a key',
      'organization',
      () => own.apiKey.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')),
    ],
    ['the administrator', 'organization', () => jack.adminKey],
    ['nobody', 'administrator', () => undefined],
    ['somebody with a wrong key', 'administrator', () => `${jack.adminKey}x`],
    ['an organization', 'administrator', () => own.apiKey],
  ];
  const cases = refused.flatMap(([who, access, keyOf]) =>
    namesOf(access).map((name) => [name, who, keyOf] as const),
  );

  it.each(cases)('When %s is called by %s, then it is 401 and nothing changes', async (name, _who, keyOf) => {
    const before = await fingerprint(jack.ctx.database);
    const { status, body } = await client.call(name, { ...bodyOf(name), params: params(name), key: keyOf() });
    expect([status, body.code]).toEqual([401, 'E_UNAUTHENTICATED']);
    expect(await fingerprint(jack.ctx.database)).toBe(before);
  });

  it('When a key is revoked, then it opens nothing from then on', async () => {
    const byOrganization = { organizationId: own.organization.id };
    const made = await client.call('POST /api/admin/organizations/{organizationId}/api-keys', {
      params: byOrganization,
      key: jack.adminKey,
    });
    const get = () => client.call('GET /api/organization', { key: made.body.apiKey });
    expect((await get()).body.id).toBe(own.organization.id);
    await client.call('DELETE /api/admin/organizations/{organizationId}/api-keys/{keyId}', {
      params: { ...byOrganization, keyId: made.body.id },
      key: jack.adminKey,
    });
    expect((await get()).status).toBe(401);
  });

  it('When a key is used, then that is noted', async () => {
    const { apiKey } = await jack.createOrganization();
    await client.call('GET /api/organization', { key: apiKey });
    const used = () =>
      jack.ctx.database.query(
        sql`select 1 from api_keys where prefix = ${apiKey.slice(3, 11)} and last_used_at is not null`,
      );
    await until(async () => (await used()).length === 1, { what: 'the noted use' });
  });

  it('When a credential is in the query or the body, then it does not count', async () => {
    const response = await fetch(
      `${jack.url}/api/leads?apiKey=${own.apiKey}&organizationId=${own.organization.id}`,
    );
    expect(response.status).toBe(401);
  });
});

describe("Another organization's lead (P3)", () => {
  const withLead = namesOf('organization').filter((name) => name.includes('{leadId}'));

  it('is named by at least six routes', () => {
    expect(withLead.length).toBeGreaterThanOrEqual(6);
  });

  it.each(withLead)('When %s names it, then it is 404 and nothing changes', async (name) => {
    const before = await fingerprint(jack.ctx.database);
    const options = { ...bodyOf(name), params: { leadId: foreignLeadId, mediaId: foreignMediaId } };
    const { status, body } = await client.call(name, { ...options, key: own.apiKey });
    expect([status, body.code]).toEqual([404, 'E_NOT_FOUND']);
    expect(await fingerprint(jack.ctx.database)).toBe(before);
    // The same request of its owner is no 404, so it was the tenant that made the difference.
    if (name.startsWith('GET'))
      expect((await client.call(name, { ...options, key: other.apiKey })).status).toBe(200);
  });

  it('When lists are asked for, then it is in none of them', async () => {
    for (const name of ['GET /api/leads', 'GET /api/conversations']) {
      const { body } = await client.call(name, { key: own.apiKey });
      expect(body.items).toEqual([]);
    }
  });

  it('When the same phone is added here, then it is another lead', async () => {
    const { body: theirs } = await client.call('GET /api/leads/{leadId}', {
      params: { leadId: foreignLeadId },
      key: other.apiKey,
    });
    const { status, body } = await client.call('POST /api/leads', {
      body: { phone: theirs.phone, attributes: { mine: true } },
      key: own.apiKey,
    });
    expect(status).toBe(201);
    expect(body.id).not.toBe(foreignLeadId);
    const { body: after } = await client.call('GET /api/leads/{leadId}', {
      params: { leadId: foreignLeadId },
      key: other.apiKey,
    });
    expect(after).toEqual(theirs);
  });

  it("When a cursor comes from another organization's list, then the list stays one's own", async () => {
    for (let n = 0; n < 2; n += 1) {
      await client.call('POST /api/leads', { body: { phone: newPhone() }, key: other.apiKey });
    }
    const theirs = await client.call('GET /api/leads', { query: { limit: '1' }, key: other.apiKey });
    expect(theirs.body.nextCursor).toEqual(expect.any(String));
    const { body } = await client.call('GET /api/leads', {
      query: { cursor: theirs.body.nextCursor },
      key: own.apiKey,
    });
    const mine = await client.call('GET /api/leads', { query: { limit: '100' }, key: own.apiKey });
    expect(mine.body.items.map(({ id }: { id: string }) => id)).toEqual(
      expect.arrayContaining(body.items.map(({ id }: { id: string }) => id)),
    );
  });
});

describe('With no ADMIN_API_KEY', () => {
  it('When the administrator calls, then the answer says what is missing', async () => {
    const closed = await buildApp({ env: { ADMIN_API_KEY: '' } });
    try {
      const { status, body } = await createClient(closed).call('GET /api/admin/organizations', {
        key: 'anything',
      });
      expect(status).toBe(401);
      expect(body.detail).toContain('ADMIN_API_KEY is not set');
    } finally {
      await closed.close();
    }
  });
});
