/** What an administrator, an organization and its staff can tell the outbound door. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../../services/clock.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone } from '../../support/records.js';
import { type Client, createClient } from './_client.js';

/** Ten in the evening in Vancouver, where dealerships of tests are and numbers of nobody's area codes are taken to be. */
const NIGHT = Date.parse('2026-11-20T22:00-08:00');

let jack: TestApp;
let client: Client;
beforeAll(async () => {
  jack = await buildApp({ clock: { ...systemClock, now: () => NIGHT } });
  client = createClient(jack);
});
afterAll(() => jack.close());

async function dealership() {
  const { organization, apiKey } = await jack.createOrganization();
  const lead = await client.call('POST /api/leads', { body: { phone: newPhone() }, key: apiKey });
  const say = (body: object) =>
    client.call('POST /api/conversations/{leadId}/messages', {
      params: { leadId: lead.body.id },
      body,
      key: apiKey,
    });
  const set = (settings: object) =>
    client.call('PATCH /api/organization', { body: { settings }, key: apiKey });
  return { organization, apiKey, say, set, leadId: lead.body.id as string };
}

describe('Staff in quiet hours', () => {
  it('When staff start a text at night, then it is 409 and says from when on it may be sent', async () => {
    const { say } = await dealership();
    const { status, body } = await say({ body: 'Still interested?' });
    expect([status, body.code]).toEqual([409, 'E_QUIET_HOURS']);
    expect(body.detail).toContain('2026-11-21T16:00:00.000Z');
  });

  it('When they answer for it, then it leaves, and the decision says so', async () => {
    const { say, leadId } = await dealership();
    expect((await say({ body: 'Your car is in the lot, come and get it.', override: true })).status).toBe(
      202,
    );
    const rows = await jack.ctx.database.query(
      sql`select d.allowed, d.details -> 'ignoresQuietHours' as override, d.details -> 'placesFrom' as "placesFrom"
        from gate_decisions d join conversations c on c.id = d.conversation_id where c.lead_id = ${leadId}`,
    );
    expect(rows).toEqual([{ allowed: true, override: true, placesFrom: ['organization_zone'] }]);
  });
});

describe('Settings of the door', () => {
  it('When sending is switched off, then nothing leaves until it is on again', async () => {
    const { say, set } = await dealership();
    expect((await set({ sending: 'off' })).body.settings).toMatchObject({ sending: 'off' });
    expect((await say({ body: 'Hello', override: true })).body.code).toBe('E_SENDING_OFF');
    await set({ sending: 'on' });
    expect((await say({ body: 'Hello', override: true })).status).toBe(202);
  });

  it('When the segments of a text are limited, then a longer one is 409', async () => {
    const { say, set } = await dealership();
    await set({ limits: { segmentsPerText: 1 } });
    expect((await say({ body: 'x'.repeat(161), override: true })).body.code).toBe('E_TEXT_TOO_LONG');
  });

  it.each([
    { sending: 'maybe' },
    { quietHours: { holdReplies: 'yes' } },
    { limits: { startedPerPersonAndDay: 4 } },
    { limits: { segmentsPerText: 0 } },
    { limits: { textsPerDay: -1 } },
    { limits: { more: 1 } },
  ])('When a setting is %j, then it is 400 and nothing changes', async (settings) => {
    const { set, apiKey } = await dealership();
    expect((await set(settings)).status).toBe(400);
    expect((await client.call('GET /api/organization', { key: apiKey })).body.settings).toEqual({});
  });
});

describe("An organization's numbers", () => {
  const LIST = 'GET /api/admin/organizations/{organizationId}/phone-numbers';
  const CHANGE = 'PATCH /api/admin/organizations/{organizationId}/phone-numbers/{phoneNumber}';
  const asAdministrator = (name: string, params: Record<string, string>, body?: object) =>
    client.call(name, { params, body, key: jack.adminKey });

  it('When a number is registered, then the list says so, the others stay, and it is in the audit trail', async () => {
    const [first, second] = [newPhone(), newPhone()];
    const { organization } = await jack.createOrganization({ phoneNumbers: [first, second] });
    const organizationId = organization.id;
    const changed = await asAdministrator(
      CHANGE,
      { organizationId, phoneNumber: encodeURIComponent(second) },
      { registration: 'approved', keywordAnswers: 'us' },
    );
    expect(changed.body).toEqual({ phoneNumber: second, registration: 'approved', keywordAnswers: 'us' });
    expect((await asAdministrator(LIST, { organizationId })).body).toEqual({
      items: [
        { phoneNumber: first, registration: null, keywordAnswers: 'carrier' },
        { phoneNumber: second, registration: 'approved', keywordAnswers: 'us' },
      ],
      nextCursor: null,
    });
    const trail = await jack.ctx.database.query(
      sql`select actor, details from audit where organization_id = ${organizationId} and action = 'phone_number.change'`,
    );
    expect(trail).toEqual([
      { actor: 'administrator', details: { registration: 'approved', keywordAnswers: 'us' } },
    ]);
    const undone = await asAdministrator(
      CHANGE,
      { organizationId, phoneNumber: encodeURIComponent(second) },
      { registration: null },
    );
    expect(undone.body).toMatchObject({ registration: null, keywordAnswers: 'us' });
  });

  it("When the number is another organization's, or the organization nobody's, then it is 404", async () => {
    const own = await jack.createOrganization();
    const other = await jack.createOrganization();
    const phoneNumber = encodeURIComponent(other.organization.phoneNumbers[0] ?? '');
    const body = { registration: 'approved' };
    for (const organizationId of [own.organization.id, 'nobody']) {
      expect((await asAdministrator(CHANGE, { organizationId, phoneNumber }, body)).status).toBe(404);
    }
    expect((await asAdministrator(LIST, { organizationId: 'nobody' })).status).toBe(404);
    expect(
      (await asAdministrator(LIST, { organizationId: other.organization.id })).body.items[0].registration,
    ).toBeNull();
  });
});
