import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { Assistant } from '../../../services/assistant/types.js';
import type { E164, OrganizationId } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

describeEachEngine('Erasing a lead, and opting out elsewhere', (engine) => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    const assistant: Assistant = {
      name: 'echo',
      reply: async () => ({ body: 'It is here.', slots: {}, summary: '' }),
    };
    jack = await buildApp({ engine, assistant });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  async function dealership() {
    const { organization, apiKey } = await jack.createOrganization();
    const id = organization.id as OrganizationId;
    const phone = newPhone();
    const number = organization.phoneNumbers[0] as E164;
    const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
      client.call(name, { ...options, key: apiKey });
    const text = (body: string) => jack.ctx.receiver.receive(inboundText(number, phone, { body }));
    const leadId = async () => (await jack.ctx.state.getLeadIdByPhone(id, phone)) ?? '';
    const detail = async () =>
      (await call('GET /api/conversations/{leadId}', { params: { leadId: await leadId() } })).body;
    const rows = async (table: string) =>
      await jack.ctx.database.query(
        sql`select * from ${sql.identifier(table)} where organization_id = ${id} order by 1`,
      );
    return { id, phone, call, text, leadId, detail, rows };
  }

  it('When a lead is erased, then nothing of it is left but its opt-out, which a new text does not lift', async () => {
    const { call, text, leadId, detail, rows, id, phone } = await dealership();
    await text('Is the Civic there?');
    await until(async () => (await detail()).lastSeq === 2, { what: 'the reply' });
    await text('STOP');
    const erased = await leadId();
    await call('GET /api/conversations/{leadId}', { params: { leadId: erased } });
    await jack.ctx.state.getConversationHistory(id, erased as never);

    const params = { leadId: erased };
    expect((await call('DELETE /api/leads/{leadId}', { params })).status).toBe(204);
    expect((await call('DELETE /api/leads/{leadId}', { params })).status).toBe(404);
    expect((await call('GET /api/leads/{leadId}', { params })).status).toBe(404);
    expect((await call('GET /api/conversations/{leadId}', { params })).status).toBe(404);
    for (const table of [
      'leads',
      'conversations',
      'messages',
      'outbox',
      'gate_decisions',
      'simulated_texts',
    ]) {
      expect([table, await rows(table)]).toEqual([table, []]);
    }
    expect(await jack.ctx.state.getConversationHistory(id, erased as never)).toBeUndefined();
    expect(await jack.ctx.state.getPhoneByLeadId(id, erased as never)).toBeUndefined();
    expect(await jack.ctx.state.getLeadIdByPhone(id, phone)).toBeUndefined();
    expect(await rows('consent_events')).toMatchObject([
      { kind: 'consent' },
      { kind: 'opt_out', words: 'STOP' },
    ]);
    expect(await rows('opt_outs')).toMatchObject([{ words: 'STOP', lifted_at: null }]);
    expect(JSON.stringify([await rows('opt_outs'), await rows('consent_events')])).not.toContain(phone);
    const trail = (await rows('audit')) as { action: string; subject: string }[];
    expect(trail.at(-1)).toMatchObject({ action: 'lead.erase', subject: erased });

    await text('Hello again');
    const again = await detail();
    expect(again).toMatchObject({ optedOut: true, lastSeq: 1 });
    expect(again.lead.id).not.toBe(erased);
    await text('START');
    expect(await detail()).toMatchObject({ optedOut: false });
    expect((await rows('opt_outs')).length).toBe(1);
  });

  it('When a phone that has opted out comes with a form, then its lead is not texted', async () => {
    const { call, text, leadId, phone } = await dealership();
    await text('STOP');
    await call('DELETE /api/leads/{leadId}', { params: { leadId: await leadId() } });
    const { body: lead } = await call('POST /api/leads', { body: { phone } });
    const sent = await call('POST /api/conversations/{leadId}/messages', {
      params: { leadId: lead.id },
      body: { body: 'Hello' },
    });
    expect([sent.status, sent.body.code]).toEqual([409, 'E_OPTED_OUT']);
  });

  it('When staff are told so elsewhere, then the ledger keeps the words, how they were said, and who noted them', async () => {
    const { call, text, leadId, rows } = await dealership();
    await text('Hi');
    const params = { leadId: await leadId() };
    const body = { words: 'She called and wants no texts', method: 'phone' };
    expect((await call('POST /api/conversations/{leadId}/opt-out', { params, body })).body).toMatchObject({
      optedOut: true,
    });
    expect((await rows('consent_events')).at(-1)).toMatchObject({
      kind: 'opt_out',
      method: 'staff',
      words: body.words,
      evidence: { saidBy: 'phone', actor: expect.stringMatching(/^key:/) },
    });
    expect(await rows('opt_outs')).toMatchObject([{ method: 'staff', words: body.words }]);
    const bad = await call('POST /api/conversations/{leadId}/opt-out', {
      params,
      body: { method: 'telepathy' },
    });
    expect(bad.status).toBe(400);
  });

  it('When a text held a card number, then staff see that one was removed', async () => {
    const { text, detail } = await dealership();
    await text('4111 1111 1111 1111');
    expect((await detail()).messages[0]).toMatchObject({ body: '[card number removed]', masked: ['card'] });
  });
});
