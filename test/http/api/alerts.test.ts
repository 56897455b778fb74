import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import type { E164, OrganizationId } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';
import { readEvents } from './_eventStream.js';

/** Of a dealership: keeps what it was told. */
async function startReceiver() {
  const heard: { headers: Record<string, string>; body: string }[] = [];
  const server = http.createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    req.on('end', () => {
      heard.push({ headers: req.headers as Record<string, string>, body });
      res.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    heard,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describeEachEngine('Alerts over HTTP', (engine) => {
  let jack: TestApp;
  let client: Client;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  beforeAll(async () => {
    receiver = await startReceiver();
    jack = await buildApp({
      engine,
      people: { isLoopbackAllowed: true, alerts: { sweepMs: 20 }, returnsEveryMs: 20 },
    });
    client = createClient(jack);
  });
  afterAll(async () => {
    await jack.close();
    receiver.stop();
  });

  async function dealership(settings: object = {}) {
    const { organization, apiKey } = await jack.createOrganization({ settings });
    const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
      client.call(name, { ...options, key: apiKey });
    const shopper = async (body: string) => {
      const phone = newPhone();
      await jack.ctx.receiver.receive(inboundText(organization.phoneNumbers[0] as E164, phone, { body }));
      const leadId = await jack.ctx.state.getLeadIdByPhone(organization.id, phone);
      return { phone, leadId: leadId ?? '' };
    };
    const alerts = async (query: Record<string, string> = {}) =>
      (await call('GET /api/alerts', { query })).body.items;
    return { id: organization.id as OrganizationId, apiKey, call, shopper, alerts };
  }

  it('When a shopper asks for a person, then staff are told in the list, in the stream and at their URL', async () => {
    const { id, apiKey, call, shopper, alerts } = await dealership();
    const { status, body: made } = await call('POST /api/organization/webhook-secret');
    expect([status, made.secret]).toEqual([201, expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/)]);
    await call('PATCH /api/organization', { body: { settings: { alerts: { webhookUrl: receiver.url } } } });
    const stream = await readEvents(`${jack.url}/api/stream`, { key: apiKey });
    await until(() => stream.heard().length > 0, { what: 'the first event' });
    const { leadId } = await shopper('Can I talk to a real person please?');
    const [alert] = await until(async () => {
      const found = await alerts();
      return found[0]?.webhook?.state === 'delivered' ? found : undefined;
    });
    expect(alert).toMatchObject({
      kind: 'handoff_requested',
      reason: 'asked for a person',
      leadId,
      resolvedAt: null,
      webhook: { attempts: 1, httpStatus: 204 },
    });
    const told = receiver.heard.find(({ headers }) => headers['webhook-id'] === alert.id);
    expect(new Webhook(made.secret).verify(told?.body ?? '', told?.headers ?? {})).toMatchObject({
      type: 'alert.raised',
      data: { id: alert.id, organizationId: id, kind: 'handoff_requested', leadId },
    });
    const event = await until(() => stream.heard().find(({ event: name }) => name === 'alert.raised'));
    expect(event.data).toMatchObject({ leadId, conversation: { owner: 'human' }, alert: { id: alert.id } });
    stream.close();
    const audit = await jack.ctx.database.query(
      sql`select action from audit where organization_id = ${id} and action like 'webhook%'`,
    );
    expect(audit).toEqual([{ action: 'webhook_secret.create' }]);
  });

  it('When somebody has seen to it, then it is no longer open; to another organization it does not exist (P3)', async () => {
    const { shopper, alerts, call } = await dealership();
    const stranger = await dealership();
    await shopper('I want to speak to a manager');
    const [alert] = await until(async () => {
      const found = await alerts({ resolved: 'false' });
      return found.length > 0 ? found : undefined;
    });
    expect(await stranger.alerts()).toEqual([]);
    const resolve = (by: typeof call) =>
      by('POST /api/alerts/{alertId}/resolve', { params: { alertId: alert.id } });
    expect((await resolve(stranger.call)).status).toBe(404);
    expect((await alerts({ resolved: 'false' })).length).toBe(1);
    const { status, body } = await resolve(call);
    expect([status, body.resolvedBy]).toEqual([200, expect.stringMatching(/^key:/)]);
    expect(await alerts({ resolved: 'false' })).toEqual([]);
    expect(await alerts({ resolved: 'true', kind: 'handoff_requested', leadId: alert.leadId })).toHaveLength(
      1,
    );
  });

  it.each([
    [{ alerts: { webhookUrl: 'ftp://hooks.dealership.example/' } }, '/body/settings/alerts/webhookUrl'],
    [
      { alerts: { webhookUrl: 'https://user:word@hooks.dealership.example/' } },
      '/body/settings/alerts/webhookUrl',
    ],
    [{ takeover: { returnAfterMinutes: 0 } }, '/body/settings/takeover/returnAfterMinutes'],
    [{ takeover: { returnAfterMinutes: 1.5 } }, '/body/settings/takeover/returnAfterMinutes'],
  ])('When settings are %j, then it is 400 and says where', async (settings, pointer) => {
    const { call } = await dealership();
    const { status, body } = await call('PATCH /api/organization', { body: { settings } });
    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it('When staff are silent for as long as the organization wants, then the assistant answers what waits', async () => {
    const { call, shopper } = await dealership({ takeover: { returnAfterMinutes: 15 } });
    const { phone, leadId } = await shopper('Hello');
    const params = { leadId };
    const detail = async () => (await call('GET /api/conversations/{leadId}', { params })).body;
    await until(async () => (await detail()).lastSeq === 2, { what: 'the reply' });
    const { body } = await call('POST /api/conversations/{leadId}/takeover', {
      params,
      body: { name: 'Pat' },
    });
    const minutes = (Date.parse(body.ownerUntil) - Date.parse(body.ownerSince)) / 60_000;
    expect(minutes).toBeCloseTo(15, 1);
    await jack.ctx.receiver.receive(
      inboundText((await call('GET /api/organization')).body.phoneNumbers[0], phone, {
        body: 'what are your hours?',
      }),
    );
    expect((await detail()).lastSeq).toBe(3);
    await jack.ctx.database.orm.execute(
      sql`update conversations set owner_until = clock_timestamp() where lead_id = ${leadId}`,
    );
    await until(async () => (await detail()).lastSeq === 4, { what: 'the answer' });
    expect(await detail()).toMatchObject({ owner: 'assistant', ownerName: null, ownerUntil: null });
  });
});
