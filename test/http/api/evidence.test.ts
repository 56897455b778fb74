import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { findBreak } from '../../../services/evidence/chain.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

interface Entry {
  readonly kind: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

describeEachEngine('Evidence over HTTP', (engine) => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    jack = await buildApp({ engine });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  async function conversation() {
    const { organization, apiKey } = await jack.createOrganization();
    const [number] = organization.phoneNumbers;
    if (!number) throw new Error('the organization has no number');
    const phone = newPhone();
    const call = (name: string, leadId?: string) =>
      client.call(name, { ...(leadId ? { params: { leadId } } : {}), key: apiKey });
    const say = (body: string) => jack.ctx.receiver.receive(inboundText(number, phone, { body }));
    await say('Is the Civic there?');
    const { id: leadId } = (await call('GET /api/leads')).body.items[0];
    await until(
      async () => {
        const { messages } = (await call('GET /api/conversations/{leadId}', leadId)).body;
        return messages.length === 2 && messages[1].status === 'delivered';
      },
      { what: 'the delivered reply', timeoutMs: 20_000 },
    );
    await say('STOP');
    const evidence = async () => {
      const answer = await call('GET /api/conversations/{leadId}/evidence', leadId);
      const body = answer.status === 200 ? JSON.parse(answer.body) : answer.body;
      return { ...answer, body, entries: body.entries as readonly Entry[] };
    };
    return { organization, phone, leadId, call, say, evidence };
  }

  it('holds what was said, decided, reported and agreed, in a chain that fits', async () => {
    const { organization, phone, leadId, evidence } = await conversation();
    const { status, headers, body, entries } = await evidence();
    expect(status).toBe(200);
    expect(headers.get('content-disposition')).toBe(`attachment; filename="evidence-${leadId}.json"`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(body.head).toMatchObject({
      format: 'jack-evidence-1',
      generatedBy: expect.stringMatching(/^key:/),
      organization: { id: organization.id, name: organization.name },
      lead: { id: leadId, phone },
      conversation: { optedOut: true, lastSeq: 3 },
    });
    const of = (kind: string) => entries.filter((entry) => entry.kind === kind).map(({ data }) => data);
    expect(of('message')).toMatchObject([
      { seq: 1, direction: 'inbound', body: 'Is the Civic there?', messageSid: expect.stringMatching(/^SM/) },
      {
        seq: 2,
        direction: 'outbound',
        status: 'delivered',
        messageSid: expect.any(String),
        sent: { to: phone, state: 'accepted' },
      },
      { seq: 3, direction: 'inbound', body: 'STOP' },
    ]);
    expect(of('decision')).toMatchObject([{ allowed: true, reason: 'reply_to_own_text', stage: 'commit' }]);
    expect(of('consent')).toContainEqual(
      expect.objectContaining({ kind: 'opt_out', method: 'keyword', words: 'STOP' }),
    );
    expect(of('opt_out')).toMatchObject([{ scope: 'organization', liftedAt: null }]);
    expect(of('delivery').length).toBeGreaterThan(0);
    expect(findBreak(body.head, body)).toBeUndefined();
    expect(body.head.counts.message).toBe(3);
    const times = entries.map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('shows a word that was changed in the file', async () => {
    const { evidence } = await conversation();
    const { body, entries } = await evidence();
    const forged = JSON.parse(
      JSON.stringify(body).replace('Is the Civic there?', 'Please text me!'),
    ) as typeof body;
    expect(findBreak(forged.head, forged)).toBe(entries.findIndex(({ kind }) => kind === 'message'));
  });

  it('is in the audit trail with its last hash, which the next file holds', async () => {
    const { organization, leadId, evidence } = await conversation();
    const first = await evidence();
    const [row] = await jack.ctx.database.query(
      sql`select action, subject, details from audit where organization_id = ${organization.id}
        and action = 'conversation.evidence'`,
    );
    expect(row).toEqual({
      action: 'conversation.evidence',
      subject: leadId,
      details: { entries: first.entries.length, lastHash: first.body.last },
    });
    const second = await evidence();
    expect(second.entries.filter(({ kind }) => kind === 'audit')).toHaveLength(1);
    expect(JSON.stringify(second.body)).toContain(first.body.last);
  });

  it('holds the same messages and decisions after they went into the archive', async () => {
    const { organization, evidence } = await conversation();
    const essence = (entries: readonly Entry[]) =>
      entries
        .filter(({ kind }) => kind === 'message' || kind === 'decision')
        .map(({ kind, at, data: { seq, reason, messageSid, messageId } }) => [
          kind,
          at,
          seq ?? reason,
          messageSid ?? messageId,
        ]);
    const before = await evidence();
    await until(
      async () => {
        await jack.ctx.archive.mover.run({ afterMs: 0, organizationId: organization.id });
        const hot = await jack.ctx.database.query(
          sql`select 1 from messages where organization_id = ${organization.id}`,
        );
        return hot.length === 0;
      },
      { what: 'the archive to take all', timeoutMs: 20_000 },
    );
    const after = await evidence();
    expect(essence(after.entries)).toEqual(essence(before.entries));
    expect(findBreak(after.body.head, after.body)).toBeUndefined();
  });

  it('is bounded: a conversation of more messages than fit is refused, not cut', async () => {
    const { leadId, call } = await conversation();
    await jack.ctx.database.orm.execute(
      sql`update conversations set last_seq = 20001 where lead_id = ${leadId}`,
    );
    const { status, body } = await call('GET /api/conversations/{leadId}/evidence', leadId);
    expect([status, body.code]).toEqual([409, 'E_CONFLICT']);
  });
});
