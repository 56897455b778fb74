/** The way of an alert to a staff phone through all of Jack, with the carrier's double behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone } from '../../support/records.js';
import { newShopper, PUBLIC_URL } from '../../support/shopper.js';
import { startTwilioDouble, type TwilioDouble } from '../../support/twilioDouble.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

describe('An alert at a staff phone', () => {
  let twilio: TwilioDouble;
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    twilio = await startTwilioDouble();
    jack = await buildApp({
      env: {
        PUBLIC_URL,
        TWILIO_ACCOUNT_SID: twilio.accountSid,
        TWILIO_AUTH_TOKEN: twilio.authToken,
        TWILIO_API_BASE_URL: twilio.baseUrl,
      },
      people: { alertTexts: { sweepMs: 20, gatherMs: 0 } },
    });
    client = createClient(jack);
  });
  afterAll(async () => {
    await jack.close();
    await twilio.stop();
  });

  async function dealership() {
    const { organization, apiKey } = await jack.createOrganization();
    const number = organization.phoneNumbers[0] ?? '';
    const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
      client.call(name, { ...options, key: apiKey });
    const name = (alerts: object) => call('PATCH /api/organization', { body: { settings: { alerts } } });
    /** Of the staff, with the number of the dealership. */
    const handset = (phone: string = newPhone()) => newShopper(twilio, number, phone);
    return { organization, call, name, handset };
  }
  const settled = () =>
    until(
      async () =>
        (
          await jack.ctx.database.query(
            sql`select 1 from conversations where reply_due_at is not null or lease_until is not null
              union all select 1 from outbox where state in ('queued', 'sending', 'unknown')
              union all select 1 from alert_texts where state = 'pending'`,
          )
        ).length === 0,
      { what: 'Jack to be at rest', timeoutMs: 20_000 },
    );

  it('When a shopper asks for a person, then staff are texted; what they text back is kept and not answered', async () => {
    const { organization, call, name, handset } = await dealership();
    const staff = handset();
    expect((await name({ phones: [staff.phone] })).body.settings.alerts).toEqual({ phones: [staff.phone] });
    const shopper = handset();
    expect(await shopper.text(jack.url, 'Can I talk to a real person please?')).toBe(200);
    const [told] = await until(() => (staff.received().length > 0 ? staff.received() : undefined), {
      what: 'the text at the staff phone',
      timeoutMs: 20_000,
    });
    const { items: alerts } = (await call('GET /api/alerts')).body;
    expect(told?.body).toBe(
      `Jack for Example Motors: a shopper needs a person (person). Lead ${alerts[0].leadId}. Reply STOP to end.`,
    );
    await settled();
    expect((await call('GET /api/alerts')).body.items[0].texts).toEqual({
      pending: 0,
      texted: 1,
      dropped: 0,
    });

    expect(await staff.text(jack.url, 'Who is this? Is the Civic still there?')).toBe(200);
    await settled();
    expect([staff.received().length, shopper.received().length]).toEqual([1, 1]);
    const kept = await jack.ctx.database.query(
      sql`select m.body from messages m join conversations c on c.id = m.conversation_id
        join leads l on l.id = c.lead_id where l.kind = 'staff' and m.direction = 'inbound'
        and m.organization_id = ${organization.id}`,
    );
    expect(kept).toEqual([{ body: 'Who is this? Is the Civic still there?' }]);
    for (const list of ['GET /api/leads', 'GET /api/conversations']) {
      const { items } = (await call(list)).body;
      expect(items).toHaveLength(1);
      expect(JSON.stringify(items)).not.toContain(staff.phone);
    }
    expect((await call('GET /api/alerts')).body.items).toHaveLength(1);
  });

  it('When a phone is named that is a shopper too, then its lead stays as it was, and comes back when it is no longer named', async () => {
    const { call, name, handset } = await dealership();
    const both = handset();
    await both.text(jack.url, 'Is the Civic still there?');
    await until(() => both.received().length === 1, { what: 'the reply', timeoutMs: 20_000 });
    await settled();
    const heads = async () =>
      (await call('GET /api/conversations')).body.items.map((item: { lastSeq: number }) => item.lastSeq);
    expect(await heads()).toEqual([2]);
    await name({ phones: [both.phone] });
    await both.text(jack.url, 'Testing our own number');
    await settled();
    expect([both.received().length, await heads()]).toEqual([1, [2]]);
    await name({ phones: [] });
    await both.text(jack.url, 'And how many kilometers has it?');
    await until(() => both.received().length === 2, { what: 'the reply', timeoutMs: 20_000 });
    await settled();
    expect(await heads()).toEqual([4]);
  });

  it.each([
    [{ phones: ['555-0100'] }, '/body/settings/alerts/phones/0'],
    [{ phones: ['+16045550101', '+1 604 555 0101'] }, '/body/settings/alerts/phones'],
    [{ phones: Array.from({ length: 6 }, (_, n) => `+1604555010${n}`) }, '/body/settings/alerts/phones'],
    [{ textedKinds: ['everything'] }, '/body/settings/alerts/textedKinds/0'],
    [{ textsPerHour: 0 }, '/body/settings/alerts/textsPerHour'],
  ])('When the settings of alerts are %j, then it is 400 and says where', async (alerts, pointer) => {
    const { name } = await dealership();
    const { status, body } = await name(alerts);
    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });
});
