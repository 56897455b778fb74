/** What the phone page shows, read from the record. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type {
  ConversationId,
  Direction,
  E164,
  MessageStatus,
  OrganizationId,
  Owner,
  Rev,
  Slots,
} from '../types.js';

export interface PhoneOrganization {
  readonly id: OrganizationId;
  readonly name: string;
  readonly phoneNumbers: readonly E164[];
}

/** Oldest first, so that the demonstration dealership stays on top. */
export const listPhoneOrganizations = (database: Database): Promise<PhoneOrganization[]> =>
  database.query<PhoneOrganization>(
    sql`select o.id, o.name, coalesce(jsonb_agg(p.phone_number order by p.created_at, p.phone_number)
        filter (where p.phone_number is not null), '[]') as "phoneNumbers"
      from organizations o left join phone_numbers p on p.organization_id = o.id
      group by o.id order by o.created_at, o.id limit 200`,
  );

export interface DealershipLine {
  /** `default`, or the AccountSid of the dealership's own account. */
  readonly account: string;
  readonly phoneNumber: E164;
}

/** The number that a new shopper of the dealership would text: its first. */
export async function findDealershipLine(
  database: Database,
  organizationId: OrganizationId,
): Promise<DealershipLine | undefined> {
  const [line] = await database.query<DealershipLine>(
    sql`select account, phone_number as "phoneNumber" from phone_numbers
      where organization_id = ${organizationId} order by created_at, phone_number limit 1`,
  );
  return line;
}

export interface PhoneText {
  readonly id: string;
  readonly seq: number;
  readonly direction: Direction;
  /** The carrier's id; null until an outbound text was accepted. */
  readonly messageSid: string | null;
  readonly body: string;
  readonly status: MessageStatus;
  readonly errorCode: number | null;
  readonly segments: number;
  readonly encoding: 'GSM-7' | 'UCS-2';
  readonly createdAt: string;
}

export interface PhoneConversation {
  readonly conversationId: ConversationId;
  readonly rev: Rev;
  readonly owner: Owner;
  readonly ownerName: string | null;
  readonly summary: string;
  readonly slots: Slots;
  readonly optedOut: boolean;
  /** A turn waits or runs. */
  readonly isReplyDue: boolean;
  /** The last 200 at most, oldest first. */
  readonly texts: readonly PhoneText[];
}

/** A handset that also gets alerts shows whichever of its two conversations has the newer text. */
const SAID_LAST = sql`order by c.last_message_at desc, c.id limit 1`;

/** One statement, so that texts and state are of one moment. */
export async function readPhoneConversation(
  database: Database,
  organizationId: OrganizationId,
  phone: E164,
): Promise<PhoneConversation | undefined> {
  const [conversation] = await database.query<PhoneConversation>(
    sql`select c.id as "conversationId", c.rev, c.owner, c.owner_name as "ownerName", c.summary, c.slots,
        c.opted_out as "optedOut",
        (c.reply_due_at is not null or coalesce(c.lease_until > clock_timestamp(), false)) as "isReplyDue",
        coalesce((select jsonb_agg(jsonb_build_object('id', m.id, 'seq', m.seq, 'direction', m.direction,
            'messageSid', m.message_sid, 'body', m.body, 'status', m.status, 'errorCode', m.error_code,
            'segments', m.segments, 'encoding', m.encoding,
            'createdAt', to_char(m.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by m.seq)
          from (select * from messages where conversation_id = c.id order by seq desc limit 200) m), '[]') as texts
      from leads l join conversations c on c.lead_id = l.id
      where l.organization_id = ${organizationId} and l.phone = ${phone} ${SAID_LAST}`,
  );
  return conversation;
}

/** @returns the conversation's token, which differs after every change; undefined before the first text. */
export async function readPhoneRev(
  database: Database,
  organizationId: OrganizationId,
  phone: E164,
): Promise<{ readonly conversationId: ConversationId; readonly rev: Rev } | undefined> {
  const [row] = await database.query<{ conversationId: ConversationId; rev: Rev }>(
    sql`select c.id as "conversationId", c.rev from leads l join conversations c on c.lead_id = l.id
      where l.organization_id = ${organizationId} and l.phone = ${phone} ${SAID_LAST}`,
  );
  return row;
}
