/** The administrator's view of texts to numbers of nobody. What it does to the record is in test/record/quarantine.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone, TEST_ACCOUNT_SID } from '../../support/records.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

const LIST = 'GET /api/admin/quarantine';
const ASSIGN = 'POST /api/admin/quarantine/{quarantineId}/assign';
const ASSIGN_NUMBER = 'POST /api/admin/quarantine/assign';
const DISCARD = 'POST /api/admin/quarantine/{quarantineId}/discard';

let jack: TestApp;
let client: Client;
beforeAll(async () => {
  jack = await buildApp();
  client = createClient(jack);
});
afterAll(() => jack.close());

const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
  client.call(name, { key: jack.adminKey, ...options });

async function hold(number = newPhone(), body = 'Is the Civic still there?') {
  const text = inboundText(number, newPhone(), { body });
  await jack.ctx.receiver.receive(text);
  const { body: page } = await call(LIST, { query: { to: number } });
  return { number, text, id: page.items[0].id as string };
}

describe('The quarantine', () => {
  it('is listed in pages', async () => {
    const { number } = await hold();
    await hold(number);
    const first = await call(LIST, { query: { to: number, limit: '1' } });
    expect(first.body.items).toHaveLength(1);
    const second = await call(LIST, { query: { to: number, limit: '1', cursor: first.body.nextCursor } });
    expect(second.body.items).toHaveLength(1);
    expect(second.body.items[0].id).not.toBe(first.body.items[0].id);
    expect(second.body.nextCursor).toBeNull();
    const elsewhere = await call(LIST, { query: { to: number, accountSid: `AC${'7'.repeat(32)}` } });
    expect(elsewhere.body.items).toEqual([]);
  });

  it('gives a text to an organization, which answers it', async () => {
    const { organization, apiKey } = await jack.createOrganization();
    const { id, text } = await hold();
    const given = await call(ASSIGN, {
      params: { quarantineId: id },
      body: { organizationId: organization.id },
    });
    expect([given.status, given.body]).toEqual([200, { stored: 1, duplicates: 0, late: 0 }]);
    await until(
      async () => {
        const { body } = await client.call('GET /api/conversations', { key: apiKey });
        const [item] = body.items;
        return item?.lead.phone === text.from && item.lastMessage.direction === 'outbound';
      },
      { what: 'the reply' },
    );
  });

  it('gives all texts of a number to an organization', async () => {
    const { organization } = await jack.createOrganization();
    const { number } = await hold();
    await hold(number);
    const body = { accountSid: TEST_ACCOUNT_SID, to: number, organizationId: organization.id };
    expect((await call(ASSIGN_NUMBER, { body })).body).toEqual({ stored: 2, duplicates: 0, late: 0 });
  });

  it('discards a text, after which nobody can have it', async () => {
    const { organization } = await jack.createOrganization();
    const { id, number } = await hold(undefined, 'words that go');
    const params = { quarantineId: id };
    expect((await call(DISCARD, { params })).status).toBe(204);
    expect((await call(DISCARD, { params })).status).toBe(204);
    const assigned = await call(ASSIGN, { params, body: { organizationId: organization.id } });
    expect([assigned.status, assigned.body.code]).toEqual([409, 'E_CONFLICT']);
    const { body } = await call(LIST, { query: { to: number, state: 'discarded' } });
    expect(body.items).toMatchObject([{ id, body: '', state: 'discarded' }]);
  });

  it.each([
    ['an id that is none', ASSIGN, { params: { quarantineId: 'x' }, body: { organizationId: 'a' } }, 400],
    ['an id beyond any number', DISCARD, { params: { quarantineId: '9'.repeat(30) } }, 400],
    ['a text that is not there', DISCARD, { params: { quarantineId: '999999' } }, 404],
    [
      'an organization that is not there',
      ASSIGN_NUMBER,
      {
        body: { accountSid: TEST_ACCOUNT_SID, to: '+16045550123', organizationId: 'nobody' },
      },
      404,
    ],
    [
      'a cursor of another list',
      LIST,
      {
        query: { cursor: Buffer.from('["leads","2026-01-01T00:00:00.000Z","1"]').toString('base64url') },
      },
      400,
    ],
    ['a state that is none', LIST, { query: { state: 'lost' } }, 400],
  ] as const)('says what is wrong with %s', async (_what, name, options, status) => {
    expect((await call(name, options)).status).toBe(status);
  });

  it('is for the administrator alone', async () => {
    const { apiKey } = await jack.createOrganization();
    expect((await client.call(LIST, { key: apiKey })).status).toBe(401);
  });
});
