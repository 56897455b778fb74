/**
 * Whatever is called, no text reaches the carrier without a decision of the outbound door that allowed it: every route of
 * the registry is walked with Twilio's double behind Jack, and each text at the double is looked up.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { apiRoutes } from '../../routes/index.js';
import type { E164 } from '../../services/types.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { inboundText, newPhone } from '../support/records.js';
import { startTwilioDouble, type TwilioDouble } from '../support/twilioDouble.js';
import { until } from '../support/until.js';
import { BODIES } from './api/_bodies.js';
import { type Client, createClient, nameOf } from './api/_client.js';

let jack: TestApp;
let client: Client;
let twilio: TwilioDouble;
/** Carrier ids of texts that the door let through; kept here, since some routes erase what they are called for. */
const decided = new Set<string>();
const origins = new Set<string>();

beforeAll(async () => {
  twilio = await startTwilioDouble();
  jack = await buildApp({
    env: {
      TWILIO_ACCOUNT_SID: twilio.accountSid,
      TWILIO_AUTH_TOKEN: twilio.authToken,
      TWILIO_API_BASE_URL: twilio.baseUrl,
    },
  });
  client = createClient(jack);
});
afterAll(async () => {
  await jack.close();
  await twilio.stop();
});

const REGISTRY = apiRoutes({ clock: { monotonicMs: () => 0 } } as TestApp['ctx'], { rejected: 0 });

/** A dealership of its own, and a shopper whom Jack has answered. */
async function scene() {
  const { organization, apiKey } = await jack.createOrganization();
  const [number] = organization.phoneNumbers as E164[];
  if (!number) throw new Error('the test expects a number');
  const phone = newPhone();
  await jack.ctx.receiver.receive(inboundText(number, phone, { accountSid: twilio.accountSid }));
  await until(() => twilio.handset(phone).length > 0, { what: 'the reply at the handset' });
  const leadId = (await jack.ctx.state.getLeadIdByPhone(organization.id, phone)) ?? '';
  return { organization, apiKey, number, phone, leadId };
}

async function settle(): Promise<void> {
  await until(
    async () =>
      (
        await jack.ctx.database.query(
          sql`select 1 from conversations where reply_due_at is not null or lease_until is not null
            union all select 1 from outbox where state in ('queued', 'sending', 'unknown') and due_at <= clock_timestamp()`,
        )
      ).length === 0,
    { what: 'turns and outbox to settle' },
  );
}

async function noteDecisions(): Promise<void> {
  const rows = await jack.ctx.database.query<{ sid: string; origin: string }>(
    sql`select m.message_sid as sid, d.origin from gate_decisions d join messages m on m.id = d.message_id
      where d.allowed and d.stage = 'commit' and m.message_sid is not null`,
  );
  for (const { sid, origin } of rows) {
    decided.add(sid);
    origins.add(origin);
  }
}

describe('Each text at the carrier has a decision that allowed it', () => {
  it.each(REGISTRY.map(nameOf))('When %s is called', async (name) => {
    const { organization, apiKey, number, leadId } = await scene();
    await settle();
    await noteDecisions();
    const access = REGISTRY.find((route) => nameOf(route) === name)?.access;
    const key = access === 'administrator' ? jack.adminKey : access === 'organization' ? apiKey : undefined;
    // Some refuse what a test can name; a refused call must not send either.
    await client.call(name, {
      key,
      params: { organizationId: organization.id, leadId, phoneNumber: encodeURIComponent(number) },
      body: BODIES[name]?.(),
    });
    await settle();
    await noteDecisions();
    expect(twilio.texts.filter(({ sid, direction }) => direction !== 'inbound' && !decided.has(sid))).toEqual(
      [],
    );
    expect(decided.size).toBeGreaterThan(0);
  });

  it('Texts of the assistant and of staff were among them', () => {
    expect([...origins]).toEqual(expect.arrayContaining(['assistant', 'staff']));
  });

  it('The look-up finds a text that went round the door', async () => {
    const { number, phone } = await scene();
    await settle();
    await noteDecisions();
    const response = await fetch(`${twilio.baseUrl}/2010-04-01/Accounts/${twilio.accountSid}/Messages.json`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${twilio.accountSid}:${twilio.authToken}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ To: phone, From: number, Body: 'Round the door' }),
    });
    expect(response.status).toBe(201);
    expect(twilio.texts.filter(({ sid }) => !decided.has(sid)).map(({ body }) => body)).toEqual([
      'Round the door',
    ]);
  });
});
