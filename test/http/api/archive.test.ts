import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { Assistant } from '../../../services/assistant/types.js';
import type { E164, OrganizationId } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { formBody, inboundForm, newSid } from '../../support/signTwilio.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { type Client, createClient, fingerprint } from './_client.js';

const DAY_MS = 86_400_000;

describeEachEngine('The archive over HTTP', (engine) => {
  let jack: TestApp;
  let client: Client;
  const seen: (readonly [messages: number, summary: string, slots: object])[] = [];

  beforeAll(async () => {
    const assistant: Assistant = {
      name: 'echo',
      reply: async ({ conversation }) => {
        seen.push([conversation.messages.length, conversation.summary, conversation.slots]);
        return {
          body: `You said: ${conversation.messages.at(-1)?.body ?? ''}`,
          slots: { ...conversation.slots, name: 'Dana' },
          summary: 'They talked.',
        };
      },
    };
    jack = await buildApp({ engine, assistant });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  /** A conversation of `texts` texts and their replies, of 100 days ago. */
  async function quietConversation(texts: number) {
    const { organization, apiKey } = await jack.createOrganization();
    const id = organization.id as OrganizationId;
    const number = organization.phoneNumbers[0] as E164;
    const phone = newPhone();
    const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
      client.call(name, { ...options, key: apiKey });
    const { body: lead } = await call('POST /api/leads', { body: { phone } });
    const leadId = lead.id as string;
    const detail = async (query?: Record<string, string>) =>
      (await call('GET /api/conversations/{leadId}', { params: { leadId }, ...(query ? { query } : {}) }))
        .body;
    const say = async (body: string, lastSeq: number) => {
      const text = inboundText(number, phone, { body });
      await jack.ctx.receiver.receive(text);
      await until(async () => (await detail()).messages.at(-1)?.status === 'delivered', {
        what: 'the reply',
      });
      expect((await detail()).lastSeq).toBe(lastSeq);
      return text;
    };
    for (let n = 1; n <= texts; n += 1) await say(`text ${n}`, 2 * n);
    const age = () =>
      jack.ctx.database.orm.execute(
        sql`update conversations set last_message_at = last_message_at - interval '100 days'
          where organization_id = ${id}`,
      );
    const archive = () => jack.ctx.archive.mover.run({ afterMs: 90 * DAY_MS, organizationId: id });
    const lines = async () =>
      (await call('GET /api/conversations/{leadId}/export', { params: { leadId } })).body;
    await age();
    return { id, phone, number, leadId, call, detail, say, age, archive, lines };
  }

  it('When a conversation is archived, then it reads, pages, exports and lists as before', async () => {
    const { detail, lines, call, archive, leadId } = await quietConversation(3);
    const [before, inbox] = [await detail(), (await call('GET /api/conversations')).body];
    expect(await lines()).toEqual(before.messages);

    expect(await archive()).toMatchObject({ conversations: 1, messages: 6 });

    expect(await detail()).toEqual(before);
    expect((await detail({ before: '5', limit: '2' })).messages).toEqual(before.messages.slice(2, 4));
    expect((await detail({ before: '1' })).messages).toEqual([]);
    expect((await call('GET /api/conversations')).body).toEqual(inbox);
    expect((await call('GET /api/conversations', { query: { archived: 'true' } })).body).toEqual(inbox);
    expect((await call('GET /api/conversations', { query: { archived: 'false' } })).body.items).toEqual([]);
    expect(await lines()).toEqual(before.messages);
    const { headers } = await call('GET /api/conversations/{leadId}/export', { params: { leadId } });
    expect(headers.get('content-type')).toBe('application/x-ndjson');
  });

  it('When the shopper writes again, then the assistant knows what it learned, and pages go on into the archive', async () => {
    const { detail, say, archive, lines } = await quietConversation(2);
    await archive();
    seen.length = 0;
    await say('Me again', 6);
    // The history is put away; what was learned from it is not.
    expect(seen).toEqual([[1, 'They talked.', { name: 'Dana' }]]);
    const all = (await detail()).messages;
    expect(all.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    const pages: unknown[] = [];
    for (let before = 7; before > 1; ) {
      const { messages } = await detail({ before: String(before), limit: '4' });
      pages.unshift(...messages);
      before = messages[0].seq;
    }
    expect(pages).toEqual(all);
    expect(await lines()).toEqual(all);
  });

  it('When the carrier repeats a webhook after archiving, then it gets the same answer and nothing changes', async () => {
    const { phone, number, detail, age, archive } = await quietConversation(1);
    const form = formBody(
      inboundForm({ from: phone, to: number, body: 'again and again', accountSid: newSid('AC') }),
    );
    const post = async () => {
      const response = await fetch(`${jack.url}/api/webhooks/twilio/sms/incoming`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form,
      });
      return [response.status, response.headers.get('content-type'), await response.text()];
    };
    const answer = await post();
    expect(answer[0]).toBe(200);
    await until(async () => (await detail()).messages[3]?.status === 'delivered', { what: 'the reply' });
    await age();
    expect(await archive()).toMatchObject({ conversations: 1, messages: 4 });
    const before = [await detail(), await fingerprint(jack.ctx.database)];
    expect(await post()).toEqual(answer);
    expect([await detail(), await fingerprint(jack.ctx.database)]).toEqual(before);
  });

  it('When a block is damaged, then its page is a 500 with a code, and every other page is served', async () => {
    const { say, archive, call, detail, leadId, id } = await quietConversation(2);
    await archive();
    await say('Me again', 6);
    await jack.ctx.database.orm.execute(
      sql`update archived_messages set content = set_byte(content, 9, 255 - get_byte(content, 9))
        where organization_id = ${id}`,
    );
    const of = (name: string, query?: Record<string, string>) =>
      call(name, { params: { leadId }, ...(query ? { query } : {}) });
    for (const { status, body } of [
      await of('GET /api/conversations/{leadId}'),
      await of('GET /api/conversations/{leadId}/export'),
    ]) {
      expect([status, body.code, body.title]).toEqual([
        500,
        'E_ARCHIVE_DAMAGED',
        'Archived messages cannot be read',
      ]);
    }
    expect((await detail({ limit: '2' })).messages).toHaveLength(2);
    expect((await call('GET /api/conversations')).body.items).toHaveLength(1);
  });

  it('When a lead is unknown, then its export is a 404', async () => {
    const { call } = await quietConversation(1);
    expect((await call('GET /api/conversations/{leadId}/export')).status).toBe(404);
  });

  it('When an export is long, then it comes as it is read, and a caller may leave in the middle', async () => {
    const { leadId, id, lines, archive } = await quietConversation(1);
    await jack.ctx.database.orm.execute(
      sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          status)
        select gen_random_uuid(), c.organization_id, c.id, n, 'inbound', 'lead', repeat('long ', 200), 'GSM-7', 7, 'received'
        from conversations c, generate_series(3, 2000) n where c.organization_id = ${id}`,
    );
    await jack.ctx.database.orm.execute(
      sql`update conversations set last_seq = 2000 where organization_id = ${id}`,
    );
    const before = await lines();
    expect(before).toHaveLength(2000);
    expect(await archive()).toMatchObject({ conversations: 1, messages: 2000 });
    expect(await lines()).toEqual(before);
    const { body: key } = await client.call('POST /api/admin/organizations/{organizationId}/api-keys', {
      params: { organizationId: id },
      key: jack.adminKey,
    });
    const abort = new AbortController();
    const response = await fetch(`${jack.url}/api/conversations/${leadId}/export`, {
      headers: { authorization: `Bearer ${key.apiKey}` },
      signal: abort.signal,
    });
    await response.body?.getReader().read();
    abort.abort();
    expect(await lines()).toHaveLength(2000);
  });

  it('When the inbox is looked at, then its counts are of one moment, and soon new ones', async () => {
    const { call, archive, age, say, leadId, id } = await quietConversation(1);
    const { body } = await call('GET /api/organization/live');
    expect(body).toMatchObject({ open: 1, waitingForPerson: 0, waitingForAssistant: 0, optedOut: 0 });
    expect(body.newest).toEqual([{ leadId, owner: 'assistant', lastSeq: 2, lastMessageAt: body.newestAt }]);
    await age();
    await archive();
    expect((await call('GET /api/organization/live')).body).toEqual(body);
    await jack.ctx.state.clearOrganization(id);
    expect((await call('GET /api/organization/live')).body).toMatchObject({
      open: 0,
      newestAt: null,
      newest: [],
    });
    await say('Hello', 4);
    await call('POST /api/conversations/{leadId}/takeover', { params: { leadId }, body: { name: 'Pat' } });
    await jack.ctx.state.clearOrganization(id);
    expect((await call('GET /api/organization/live')).body).toMatchObject({ open: 1, waitingForPerson: 0 });
  });
});
