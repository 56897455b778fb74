/** Short ways to put organizations, texts and conversations into a test's record. */
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database } from '../../services/db/client.js';
import { AREA_CODES, TOLL_FREE_CODES } from '../../services/outbound/rules/areaCodes.js';
import type { InboundSms } from '../../services/twilio/webhook.js';
import type { ConversationId, E164, LeadId, OrganizationId } from '../../services/types.js';

export const TEST_ACCOUNT_SID = `AC${'1'.repeat(32)}`;

export const newMessageSid = (): string => `SM${randomBytes(16).toString('hex')}`;

let nextNumber = 0;
const ASSIGNED = new Set([...AREA_CODES.flatMap(({ codes }) => codes.split(' ')), ...TOLL_FREE_CODES]);
const NOBODYS_CODES = Array.from({ length: 700 }, (_, n) => String(200 + n)).filter(
  (code) => !ASSIGNED.has(code),
);

/**
 * Numbers of the fictitious range 555-0100 to 555-0199, in area codes that nobody has: so tests do not run out, and
 * neither a law about hours nor a registration concerns them.
 */
export function newPhone(): E164 {
  const n = nextNumber++;
  const areaCode = NOBODYS_CODES[Math.floor(n / 100) % NOBODYS_CODES.length];
  return `+1${areaCode}55501${String(n % 100).padStart(2, '0')}` as E164;
}

export interface TestOrganization {
  readonly id: OrganizationId;
  readonly number: E164;
}

export async function newOrganization(database: Database, account = 'default'): Promise<TestOrganization> {
  const id = `org-${randomUUID().slice(0, 8)}` as OrganizationId;
  const number = newPhone();
  await database.orm.execute(
    sql`insert into organizations (id, name, timezone) values (${id}, ${`Dealership ${id}`}, 'America/Vancouver')`,
  );
  await database.orm.execute(
    sql`insert into phone_numbers (account, phone_number, organization_id) values (${account}, ${number}, ${id})`,
  );
  return { id, number };
}

export function inboundText(to: E164, from: E164, change: Partial<InboundSms> = {}): InboundSms {
  return {
    accountSid: TEST_ACCOUNT_SID,
    messageSid: newMessageSid(),
    from,
    fromPhone: from,
    to,
    body: 'Is the Civic still there?',
    numMedia: 0,
    media: [],
    geography: {},
    messagingServiceSid: undefined,
    optOutType: undefined,
    numSegments: 1,
    ...change,
  };
}

export interface ConversationRow {
  readonly id: ConversationId;
  readonly organizationId: OrganizationId;
  readonly leadId: LeadId;
  readonly owner: string;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  readonly baseSeq: number;
  readonly rev: string;
  readonly baseRev: string;
  readonly isDue: boolean;
  readonly isLeased: boolean;
}

export async function conversationOf(
  database: Database,
  organizationId: OrganizationId,
  phone: E164,
): Promise<ConversationRow> {
  const [row] = await database.query<ConversationRow>(
    sql`select c.id, c.organization_id as "organizationId", c.lead_id as "leadId", c.owner, c.opted_out as "optedOut",
        c.last_seq as "lastSeq", c.base_seq as "baseSeq", c.rev, c.base_rev as "baseRev",
        c.reply_due_at is not null as "isDue", c.lease_until is not null as "isLeased"
      from conversations c join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId} and l.phone = ${phone}`,
  );
  if (!row) throw new Error('the test expects a conversation');
  return row;
}

export const textsOf = (database: Database, organizationId: OrganizationId, phone: E164) =>
  database.query<{ seq: number; direction: string; body: string; status: string; sender: string }>(
    sql`select m.seq, m.direction, m.body, m.status, m.sender from messages m
      join conversations c on c.id = m.conversation_id join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId} and l.phone = ${phone} order by m.seq`,
  );
