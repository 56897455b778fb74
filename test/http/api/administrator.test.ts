import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { newLeadId, type OrganizationId } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { type Client, createClient, fingerprint } from './_client.js';

describeEachEngine('The administrator over HTTP', (engine) => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    jack = await buildApp({ engine });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  const admin = (name: string, options: Parameters<Client['call']>[1] = {}) =>
    client.call(`${name.split(' ')[0]} /api/admin/${name.split(' ')[1]}`, { ...options, key: jack.adminKey });
  const create = (change: object = {}) =>
    admin('POST organizations', {
      body: { name: 'Example Motors', timezone: 'America/Vancouver', phoneNumbers: [newPhone()], ...change },
    });
  const auditOf = (organizationId: string) =>
    jack.ctx.database.query<{ actor: string; action: string; subject: string }>(
      sql`select actor, action, subject from audit where organization_id = ${organizationId} order by id`,
    );

  describe('Creating an organization', () => {
    it('When it is created, then the answer is what is stored, and the key opens it', async () => {
      const phoneNumbers = [newPhone(), newPhone(), newPhone()].reverse();
      const id = `north.shore_${newLeadId().slice(0, 8)}`;
      const settings = {
        address: '1 Example Way',
        hours: {
          1: [
            ['09:00', '12:00'],
            ['13:00', '18:00'],
          ],
        },
      };
      const { status, body } = await create({ id, phoneNumbers, settings });
      expect(status).toBe(201);
      const organization = {
        id,
        name: 'Example Motors',
        timezone: 'America/Vancouver',
        phoneNumbers,
        settings,
      };
      expect(body).toEqual({ organization, apiKey: expect.stringMatching(/^jk_[a-z0-9]{8}_[\w-]{43}$/) });
      expect((await client.call('GET /api/organization', { key: body.apiKey })).body).toEqual(organization);
      expect(await auditOf(id)).toEqual([
        { actor: 'administrator', action: 'organization.create', subject: id },
      ]);
    });

    it('When the numbers are written in another way, then they are stored in E.164', async () => {
      const number = newPhone();
      const written = `${number.slice(0, 2)} (${number.slice(2, 5)}) ${number.slice(5, 8)}-${number.slice(8)}`;
      const { body } = await create({ phoneNumbers: [written] });
      expect(body.organization.phoneNumbers).toEqual([number]);
    });

    it('When the id or one of the numbers is taken, then it is 409 and nothing is stored', async () => {
      const taken = (await create()).body.organization;
      const before = await fingerprint(jack.ctx.database);
      for (const change of [{ id: taken.id }, { phoneNumbers: [newPhone(), taken.phoneNumbers[0]] }]) {
        const { status, body } = await create(change);
        expect([status, body.code]).toEqual([409, 'E_CONFLICT']);
      }
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    });

    it('When fifty ask for one id at once, then one gets it', async () => {
      const id = `race-${newLeadId()}`;
      const answers = await Promise.all(Array.from({ length: 50 }, () => create({ id })));
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
        201,
        ...Array.from({ length: 49 }, () => 409),
      ]);
    });

    it('When it brings its own Twilio account, then the token is sealed, shown nowhere and can be used', async () => {
      const twilio = { accountSid: `AC${'5'.repeat(32)}`, authToken: 'a-token-of-their-own' };
      const { body } = await create({ twilio });
      expect(JSON.stringify(body)).not.toContain(twilio.authToken);
      const [row] = await jack.ctx.database.query<{ sealed: string; account: string }>(
        sql`select o.twilio_auth_token_sealed as sealed, p.account from organizations o
        join phone_numbers p on p.organization_id = o.id where o.id = ${body.organization.id}`,
      );
      expect(row?.sealed).not.toContain(twilio.authToken);
      expect(row?.account).toBe(twilio.accountSid);
      expect(await jack.ctx.accounts.authTokensFor(twilio.accountSid)).toEqual([twilio.authToken]);
      const listed = await admin('GET organizations', { query: { limit: '100' } });
      expect(JSON.stringify(listed.body)).not.toContain('token');
    });

    it('When a key is stored, then its secret is not', async () => {
      const { apiKey } = (await create()).body;
      const rows = await jack.ctx.database.query(sql`select to_jsonb(k) from api_keys k`);
      expect(JSON.stringify(rows)).toContain(apiKey.slice(3, 11));
      expect(JSON.stringify(rows)).not.toContain(apiKey.slice(12));
    });
  });

  describe('The list of organizations', () => {
    it('When it is read page by page, then every one is in it once, newest first', async () => {
      for (let n = 0; n < 5; n += 1) await create();
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const { body } = await admin('GET organizations', {
          query: { limit: '2', ...(cursor ? { cursor } : {}) },
        });
        ids.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor ?? undefined;
      } while (cursor);
      const stored = await jack.ctx.database.query<{ id: string }>(
        sql`select id from organizations order by created_at desc, id desc`,
      );
      expect(ids).toEqual(stored.map(({ id }) => id));
    });
  });

  describe('Numbers and keys of an organization', () => {
    it('When a number is added, then texts to it arrive, and nobody else can have it', async () => {
      const { organization, apiKey } = (await create()).body;
      const phoneNumber = newPhone();
      // Asked for before it is anybody's, so that a wrong answer may be cached.
      expect(await jack.ctx.state.getOrganizationIdByNumber('default', phoneNumber)).toBeUndefined();
      const params = { organizationId: organization.id };
      const added = await admin('POST organizations/{organizationId}/phone-numbers', {
        params,
        body: { phoneNumber },
      });
      expect(added.body.organization.phoneNumbers).toEqual([...organization.phoneNumbers, phoneNumber]);
      expect(await jack.ctx.state.getOrganizationIdByNumber('default', phoneNumber)).toBe(organization.id);
      const { outcome } = await jack.ctx.receiver.receive(inboundText(phoneNumber, newPhone()));
      expect(outcome).toBe('stored');
      expect((await client.call('GET /api/leads', { key: apiKey })).body.items).toHaveLength(1);
      expect((await create({ phoneNumbers: [phoneNumber] })).status).toBe(409);
    });

    it.each([
      'POST organizations/{organizationId}/phone-numbers',
      'POST organizations/{organizationId}/api-keys',
      'POST organizations/{organizationId}/cache/clear',
      'DELETE organizations/{organizationId}',
      'DELETE organizations/{organizationId}/api-keys/{keyId}',
    ])('When %s names no organization, then it is 404', async (name) => {
      const body = name.endsWith('phone-numbers') ? { phoneNumber: newPhone() } : undefined;
      const answer = await admin(name, { params: { organizationId: 'nobody' }, body });
      expect([answer.status, answer.body.code]).toEqual([404, 'E_NOT_FOUND']);
    });

    it("When a key is revoked under another organization's id, then it is 404 and stays", async () => {
      const [a, b] = [(await create()).body, (await create()).body];
      const made = await admin('POST organizations/{organizationId}/api-keys', {
        params: { organizationId: a.organization.id },
      });
      const { status } = await admin('DELETE organizations/{organizationId}/api-keys/{keyId}', {
        params: { organizationId: b.organization.id, keyId: made.body.id },
      });
      expect(status).toBe(404);
      expect((await client.call('GET /api/organization', { key: made.body.apiKey })).status).toBe(200);
    });
  });

  describe('Erasing an organization', () => {
    it('When its shoppers are being answered meanwhile, then it is erased all the same', async () => {
      const statuses: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const { organization } = (await create()).body;
        const [number] = organization.phoneNumbers;
        const hear = () => jack.ctx.receiver.receive(inboundText(number, newPhone()));
        await Promise.all(Array.from({ length: 12 }, hear));
        const hearing = Promise.allSettled(Array.from({ length: 12 }, hear));
        const params = { organizationId: organization.id };
        statuses.push((await admin('DELETE organizations/{organizationId}', { params })).status);
        await hearing;
      }
      expect(statuses).toEqual([204, 204, 204, 204, 204]);
    });

    it('When it is erased, then nothing of it is left in record or cache but the audit trail', async () => {
      const { organization, apiKey } = (await create()).body;
      const kept = (await create()).body;
      const [number, otherNumber] = [organization.phoneNumbers[0], kept.organization.phoneNumbers[0]];
      const phone = newPhone();
      for (const to of [number, otherNumber]) {
        await jack.ctx.receiver.receive(inboundText(to, phone));
        expect(await jack.ctx.state.getOrganizationIdByNumber('default', to)).toBeDefined();
      }
      const id = organization.id as OrganizationId;
      await jack.ctx.state.getLeadIdByPhone(id, phone);

      expect(
        (await admin('DELETE organizations/{organizationId}', { params: { organizationId: id } })).status,
      ).toBe(204);

      for (const table of [
        'organizations',
        'phone_numbers',
        'api_keys',
        'leads',
        'conversations',
        'messages',
        'outbox',
        'consent_events',
        'gate_decisions',
        'simulated_texts',
      ]) {
        const column = table === 'organizations' ? 'id' : 'organization_id';
        const rows = await jack.ctx.database.query(
          sql.raw(`select 1 from ${table} where ${column} = '${id}'`),
        );
        expect([table, rows.length]).toEqual([table, 0]);
      }
      expect(await jack.ctx.state.getOrganizationIdByNumber('default', number)).toBeUndefined();
      expect(await jack.ctx.state.getLeadIdByPhone(id, phone)).toBeUndefined();
      expect((await client.call('GET /api/organization', { key: apiKey })).status).toBe(401);
      expect((await client.call('GET /api/leads', { key: kept.apiKey })).body.items).toHaveLength(1);
      expect((await auditOf(id)).map(({ action }) => action)).toEqual([
        'organization.create',
        'organization.erase',
      ]);
      expect(
        (await admin('DELETE organizations/{organizationId}', { params: { organizationId: id } })).status,
      ).toBe(404);
    });

    it('When texts arrive while it is erased, then both end and the text is stored or in quarantine', async () => {
      const { organization } = (await create()).body;
      const texts = Array.from({ length: 30 }, () => inboundText(organization.phoneNumbers[0], newPhone()));
      const [erased, ...outcomes] = await Promise.all([
        admin('DELETE organizations/{organizationId}', { params: { organizationId: organization.id } }),
        ...texts.map((text) => jack.ctx.receiver.receive(text)),
      ]);
      expect(erased?.status).toBe(204);
      for (const { outcome } of outcomes) expect(['stored', 'quarantined']).toContain(outcome);
    });
  });

  describe("The administrator's hand on the cache", () => {
    it('When one organization is cleared, then its values are counted and the others keep theirs', async () => {
      const [a, b] = [(await create()).body.organization, (await create()).body.organization];
      const phone = newPhone();
      for (const { id, phoneNumbers } of [a, b]) {
        await jack.ctx.receiver.receive(inboundText(phoneNumbers[0], phone));
        await jack.ctx.state.getLeadIdByPhone(id, phone);
      }
      const reads = () => jack.ctx.state.report().reads.phoneToLead?.record ?? 0;
      const { body } = await admin('POST organizations/{organizationId}/cache/clear', {
        params: { organizationId: a.id },
      });
      expect(body.cleared).toBeGreaterThanOrEqual(1);
      const before = reads();
      await jack.ctx.state.getLeadIdByPhone(b.id, phone);
      expect(reads()).toBe(before);
      await jack.ctx.state.getLeadIdByPhone(a.id, phone);
      expect(reads()).toBe(before + 1);
    });

    it('When the content of the Map is saved, then it can be taken in again, and nothing of another deployment', async () => {
      const saved = await admin('GET cache/fallback/values', {});
      expect(saved.status).toBe(200);
      const item = { name: 'jack:test:snapshot:{saved}', value: 'AQ==', ttlMs: 60_000, tags: ['saved'] };
      const take = (items: unknown) => admin('POST cache/fallback/values', { body: { items } });
      expect((await take([item])).body).toEqual({ taken: 1 });
      expect((await take([item, { ...item, name: 'elsewhere:{x}' }])).body.code).toBe('E_INPUT_INVALID');
      expect((await take([{ ...item, value: 'not base64!' }])).status).toBe(400);
      expect((await auditOf('*')).map(({ action }) => action)).toContain('cache.import');
    });

    it('When the fallback is forced, then the answer is the mode in force and it is in the audit trail', async () => {
      const { body } = await admin('POST cache/fallback', { body: { forced: true } });
      expect(body).toEqual({ mode: 'memory' });
      expect((await admin('POST cache/fallback', { body: { forced: false } })).body).toEqual({
        mode: 'memory',
      });
      expect((await auditOf('*')).map(({ action }) => action).slice(-2)).toEqual([
        'cache.fallback',
        'cache.fallback',
      ]);
    });
  });
});
