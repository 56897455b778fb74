/** A dealership to which inquiries come, with the outbound door and what sends greetings and follow-ups. */
import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database } from '../../services/db/client.js';
import type { InquiryConsent } from '../../services/db/schema/inquiries.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { toInquiry } from '../../services/leads/inquiry.js';
import { Outreach, type OutreachLimits } from '../../services/leads/outreach.js';
import type { Prospect } from '../../services/leads/prospect.js';
import { createOutboundDoor, type OutboundDoor } from '../../services/outbound/door.js';
import { storeLeadDocument } from '../../services/record/inquiries.js';
import { createSecrets } from '../../services/secrets.js';
import type { E164, LeadId, OrganizationSettings } from '../../services/types.js';
import { inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import { silentLogger } from '../support/testDatabase.js';

/** A Wednesday, noon in Vancouver: an hour at which anybody may be texted. */
export const NOON_MS = Date.parse('2026-11-18T20:00:00Z');
const secrets = createSecrets('a test secret that is long');

export interface InquiryOptions {
  readonly phone?: E164 | undefined;
  readonly email?: string;
  readonly id?: string;
  readonly source?: string;
  readonly consent?: InquiryConsent | undefined;
  readonly prospect?: Partial<Prospect>;
  /** Of the document; default: a new one. */
  readonly text?: string;
  readonly requestKey?: string;
}

export const civic: NonNullable<Prospect['vehicles']> = [
  { interest: 'buy', year: 2021, make: 'Honda', model: 'Civic' },
];

export async function leadStage(database: Database, settings: OrganizationSettings = {}) {
  const organization = await newOrganization(database);
  await database.orm.execute(
    sql`update organizations set settings = ${JSON.stringify(settings)}::jsonb where id = ${organization.id}`,
  );
  const events = createLiveEvents();
  let nowMs = NOON_MS;
  const clock = { now: () => nowMs, monotonicMs: () => performance.now() };
  const door = createOutboundDoor({ database, events, clock, onQueued: () => undefined });
  const receiver = createInboundReceiver({
    database,
    secrets,
    events,
    logger: silentLogger,
    defaultAccountSid: undefined,
    reply: { windowMs: 0, maxWaitMs: 0 },
    onReplyDue: () => undefined,
  });

  const read = (options: InquiryOptions) =>
    toInquiry(
      {
        prospect: {
          ...(options.id === undefined ? {} : { ids: [{ value: options.id }] }),
          vehicles: civic,
          ...options.prospect,
          contact: {
            name: { first: 'Dana', last: 'Okafor' },
            ...(options.email === undefined ? {} : { email: options.email }),
            ...(options.phone === undefined
              ? {}
              : { phones: [{ value: options.phone, type: 'cellphone' as const }] }),
            ...options.prospect?.contact,
          },
        },
        guessed: [],
      },
      {
        source: options.source ?? 'listings',
        consent: 'consent' in options ? options.consent : { basis: 'web_form' },
        doNotText: false,
        country: 'US',
      },
    );

  const inquireAll = async (
    all: readonly InquiryOptions[],
    text: string = randomUUID(),
    requestKey?: string,
  ) =>
    await storeLeadDocument(
      { database, secrets },
      organization.id,
      {
        requestKey: requestKey === undefined ? undefined : `key:${requestKey}`,
        digest: createHash('sha256').update(text).digest('hex'),
        contentType: 'application/json',
        form: 'json',
        text,
      },
      all.map(read),
    );
  const inquire = async (options: InquiryOptions) => {
    const [stored] = await inquireAll([options], options.text, options.requestKey);
    if (!stored || stored.outcome === 'refused')
      throw new Error('the test expects an inquiry that was stored');
    return stored;
  };

  const outreach = (limits: Partial<OutreachLimits> = {}, through: Pick<OutboundDoor, 'submit'> = door) =>
    Outreach.create({ database, door: through, logger: silentLogger, limits: { sweepMs: 20, ...limits } });

  const followUps = () =>
    database.query<{ step: number; state: string; reason: string | null }>(
      sql`select step, state, reason from follow_ups where organization_id = ${organization.id} order by created_at, step`,
    );
  /** Everything that is planned is due now. */
  const makeDue = () =>
    database.orm.execute(
      sql`update follow_ups set due_at = clock_timestamp() - interval '1 second'
        where organization_id = ${organization.id} and state = 'waiting'`,
    );
  const count = async (table: 'leads' | 'inquiries' | 'lead_documents' | 'follow_ups') => {
    const [row] = await database.query<{ n: number }>(
      sql`select count(*)::int as n from ${sql.identifier(table)} where organization_id = ${organization.id}`,
    );
    return row?.n;
  };
  return {
    organization,
    phone: newPhone(),
    door,
    secrets,
    inquire,
    inquireAll,
    outreach,
    followUps,
    makeDue,
    count,
    at: (ms: number) => {
      nowMs = ms;
    },
    say: (phone: E164, body: string) => receiver.receive(inboundText(organization.number, phone, { body })),
    texts: (phone: E164) => textsOf(database, organization.id, phone),
    conversation: async (leadId: LeadId) => {
      const [row] = await database.query<{ id: string; slots: object; optedOut: boolean; owner: string }>(
        sql`select id, slots, opted_out as "optedOut", owner from conversations
          where organization_id = ${organization.id} and lead_id = ${leadId}`,
      );
      return row;
    },
  };
}
