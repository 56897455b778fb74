/** Taking messages out of the assistant's context, over HTTP: what people still see, and what is refused. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { until } from '../../support/until.js';
import { type Client, createClient, fingerprint } from './_client.js';

const RETRACT = 'POST /api/conversations/{leadId}/retract';
const RESET = 'POST /api/conversations/{leadId}/reset';

let jack: TestApp;
let client: Client;
beforeAll(async () => {
  jack = await buildApp();
  client = createClient(jack);
});
afterAll(() => jack.close());

/** A conversation of one text and its answer. */
async function conversation() {
  const { organization, apiKey: key } = await jack.createOrganization();
  await jack.ctx.receiver.receive(
    inboundText(organization.phoneNumbers[0]!, newPhone(), { body: 'My name is Dana.' }),
  );
  const [item] = (await client.call('GET /api/conversations', { key })).body.items;
  const params = { leadId: item.lead.id as string };
  const read = async () => (await client.call('GET /api/conversations/{leadId}', { key, params })).body;
  await until(async () => (await read()).messages[1]?.status === 'delivered', {
    what: 'the delivery of the answer, after which nothing changes by itself',
  });
  return { organization, key, params, read };
}

describe('The context of a conversation', () => {
  it('When the last two messages are retracted, then people see them marked, and what was learned is gone', async () => {
    const { organization, key, params, read } = await conversation();
    expect(JSON.stringify((await read()).slots)).toContain('Dana');
    expect((await read()).messages.map(({ retracted }: { retracted: boolean }) => retracted)).toEqual([
      false,
      false,
    ]);
    const told: string[] = [];
    const end = jack.ctx.events.subscribe(organization.id, ({ type }) => told.push(type));
    const { status, body } = await client.call(RETRACT, { key, params, body: { count: 2 } });
    end();
    expect([status, body.retracted, body.lastSeq, body.owner]).toEqual([200, [1, 2], 2, 'assistant']);
    expect(told).toContain('conversation.changed');
    const after = await read();
    expect(after.messages.map(({ body: text, retracted }: never) => [typeof text, retracted])).toEqual([
      ['string', true],
      ['string', true],
    ]);
    expect([after.slots, after.summary]).toEqual([{}, '']);
    expect((await client.call(RETRACT, { key, params, body: { count: 1 } })).body.retracted).toEqual([]);
  });

  it('When it is reset, then the assistant begins anew, and the trail says who did it', async () => {
    const { organization, key, params, read } = await conversation();
    const { body } = await client.call(RESET, { key, params });
    expect(body.retracted).toEqual([1, 2]);
    expect((await read()).messages).toHaveLength(2);
    const trail = await jack.ctx.database.query<{ actor: string; subject: string }>(
      sql`select actor, subject from audit where organization_id = ${organization.id} and action = 'conversation.reset'`,
    );
    expect(trail).toEqual([{ actor: `key:${key.slice(3, 11)}`, subject: params.leadId }]);
  });

  it.each([{ count: 0 }, { count: 3 }, { count: '1' }, {}, { count: 1, all: true }])(
    'When %j is asked for, then it is refused and nothing changes',
    async (body) => {
      const { key, params } = await conversation();
      const before = await fingerprint(jack.ctx.database);
      expect((await client.call(RETRACT, { key, params, body })).body.code).toBe('E_INPUT_INVALID');
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    },
  );

  it('When a person gives back a conversation that was reset, then the assistant has nothing to answer', async () => {
    const { key, params, read } = await conversation();
    await client.call('POST /api/conversations/{leadId}/takeover', { key, params, body: { name: 'Pat' } });
    await client.call(RESET, { key, params });
    await client.call('POST /api/conversations/{leadId}/release', { key, params });
    const [row] = await jack.ctx.database.query<{ isDue: boolean }>(
      sql`select reply_due_at is not null as "isDue" from conversations where lead_id = ${params.leadId}`,
    );
    expect(row).toEqual({ isDue: false });
    expect((await read()).lastSeq).toBe(2);
  });
});
