/** Conversations as staff see and steer them. What is said goes through the outbound door, not through here. */
import { type SQL, sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import type { Secrets } from '../secrets.js';
import type { ConversationId, E164, LeadId, Message, OrganizationId, Owner, Slots } from '../types.js';
import { writeAudit } from './audit.js';
import { optOut } from './consent.js';
import type { Lead } from './leads.js';
import { type MessageRow, messageJson, toMessage } from './messageRow.js';
import { type Page, type PageRequest, toPage } from './pages.js';
import { isoUtc } from './utc.js';

export interface ConversationHead {
  readonly lead: { readonly id: LeadId; readonly phone: E164; readonly name: string | null };
  readonly owner: Owner;
  readonly ownerName: string | null;
  /** ISO 8601: since when this owner speaks; null while it was never anybody but the assistant. */
  readonly ownerSince: string | null;
  /** ISO 8601: when the assistant speaks again by itself unless staff say something before; null: not by itself. */
  readonly ownerUntil: string | null;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  /** ISO 8601; of the lead's arrival while nothing has been said. */
  readonly lastMessageAt: string;
}

export interface InboxItem extends ConversationHead {
  readonly lastMessage: Pick<Message, 'body' | 'direction' | 'createdAt'> | null;
}

/** An item of the inbox, and what else is known of its conversation. */
export interface InboxRow extends InboxItem {
  readonly id: ConversationId;
  /** All of its messages are in the archive: the last one is not here. */
  readonly isArchived: boolean;
}

export interface InboxFilter {
  readonly owner?: Owner | undefined;
  readonly optedOut?: boolean | undefined;
  /** Only those whose last word is the shopper's. */
  readonly isWaiting?: boolean | undefined;
  /** Whether all that was said is in the archive. */
  readonly archived?: boolean | undefined;
}

/** For a conversation aliased `c`. */
const IS_ARCHIVED = sql`(c.archived_seq >= c.last_seq and c.last_seq > 0)`;

/** For a conversation aliased `c`. */
const OWNER = sql`c.owner, c.owner_name as "ownerName", ${isoUtc(sql`c.owner_since`)} as "ownerSince",
  ${isoUtc(sql`c.owner_until`)} as "ownerUntil"`;

/** For a conversation aliased `c` and its lead `l`. */
const HEAD = sql`jsonb_build_object('id', l.id, 'phone', l.phone, 'name', l.name) as lead, ${OWNER}, c.opted_out as "optedOut", c.last_seq as "lastSeq",
  ${isoUtc(sql`c.last_message_at`)} as "lastMessageAt"`;

/** Newest first. */
export async function listConversations(
  database: Database,
  organizationId: OrganizationId,
  { limit, after, ...filter }: PageRequest & InboxFilter,
): Promise<Page<InboxRow>> {
  const at = sql`${after?.at ?? null}::timestamptz`;
  const rows = await database.query<InboxRow>(
    sql`select c.id, ${HEAD}, ${IS_ARCHIVED} as "isArchived", (select jsonb_build_object('body', m.body, 'direction', m.direction,
          'createdAt', ${isoUtc(sql`m.created_at`)}) from messages m
          where m.conversation_id = c.id and m.seq = c.last_seq) as "lastMessage"
      from conversations c join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId} and l.kind = 'shopper' ${conditionOf(filter)}
        and (${after === undefined} or c.last_message_at < ${at}
          or (c.last_message_at = ${at} and c.id > ${after?.id ?? null}::uuid))
      order by c.last_message_at desc, c.id limit ${limit + 1}`,
  );
  return toPage(rows, limit, ({ lastMessageAt, id }) => ({ at: lastMessageAt, id }));
}

function conditionOf({ owner, optedOut, isWaiting, archived }: InboxFilter): SQL {
  const conditions = [
    ...(owner === undefined ? [] : [sql`and c.owner = ${owner}`]),
    ...(optedOut === undefined ? [] : [sql`and c.opted_out = ${optedOut}`]),
    ...(archived === undefined ? [] : [sql`and ${IS_ARCHIVED} = ${archived}`]),
    ...(isWaiting ? [sql`and c.last_inbound_seq > c.last_outbound_seq`] : []),
  ];
  return sql.join(conditions, sql` `);
}

export interface ConversationDetail {
  readonly lead: Lead;
  readonly owner: Owner;
  readonly ownerName: string | null;
  readonly ownerSince: string | null;
  readonly ownerUntil: string | null;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  readonly summary: string;
  readonly slots: Slots;
  /** Oldest first. */
  readonly messages: readonly Message[];
}

/** With the messages that are not in the archive. */
export interface StoredConversation extends ConversationDetail {
  readonly conversationId: ConversationId;
  /** Messages up to this `seq` are in the archive; 0: none are. */
  readonly archivedSeq: number;
}

/**
 * One statement, so that messages and state are of one moment.
 * @param page the last `limit` messages, or those before the seq `before`.
 */
export async function readConversation(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
  { before, limit }: { readonly before: number | undefined; readonly limit: number },
): Promise<StoredConversation | undefined> {
  const [row] = await database.query<
    Omit<StoredConversation, 'messages'> & { readonly messages: readonly MessageRow[] }
  >(
    sql`select jsonb_build_object('id', l.id, 'phone', l.phone, 'name', l.name, 'email', l.email, 'status', l.status,
          'source', l.source, 'attributes', l.attributes, 'createdAt', ${isoUtc(sql`l.created_at`)}) as lead,
        ${OWNER}, c.opted_out as "optedOut", c.last_seq as "lastSeq", c.summary, c.slots,
        c.id as "conversationId", c.archived_seq as "archivedSeq",
        (select coalesce(jsonb_agg(${messageJson} order by m.seq), '[]') from (
          select * from messages
          where conversation_id = c.id and ${before === undefined ? sql`true` : sql`seq < ${before}`}
          order by seq desc limit ${limit}
        ) m) as messages
      from conversations c join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId} and c.lead_id = ${leadId}`,
  );
  return row && { ...row, messages: row.messages.map(toMessage) };
}

export async function readConversationHead(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
): Promise<ConversationHead | undefined> {
  const [head] = await database.query<ConversationHead>(
    sql`select ${HEAD} from conversations c join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId} and c.lead_id = ${leadId}`,
  );
  return head;
}

export async function findConversationId(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
): Promise<ConversationId | undefined> {
  const [row] = await database.query<{ id: ConversationId }>(
    sql`select id from conversations where organization_id = ${organizationId} and lead_id = ${leadId}`,
  );
  return row?.id;
}

/** A conversation of which somebody changed who speaks. */
export interface Steered {
  readonly conversationId: ConversationId;
  readonly head: ConversationHead;
}

export interface Steering {
  readonly organizationId: OrganizationId;
  readonly leadId: LeadId;
  readonly actor: string;
}

/** How the person said it: by any reasonable means (DOMAIN.md 8.2). */
export type RevocationChannel = 'in_person' | 'phone' | 'email' | 'letter' | 'other';

export interface StaffOptOut {
  /** The exact words, where they are known. */
  readonly words?: string | undefined;
  readonly method?: RevocationChannel | undefined;
}

/** Marks the person opted out, takes back what has not left, and keeps the consent event. Twice changes nothing. */
export async function optOutByStaff(
  { database, secrets }: { readonly database: Database; readonly secrets: Secrets },
  at: Steering & StaffOptOut,
): Promise<Steered | undefined> {
  const { organizationId, leadId, actor, words = 'marked by staff', method } = at;
  return await steer(database, at, 'conversation.opt_out', async (tx) => {
    const [row] = await database.query<{ id: ConversationId; optedOut: boolean; phone: E164 }>(
      sql`select c.id, c.opted_out as "optedOut", l.phone from conversations c join leads l on l.id = c.lead_id
        where c.organization_id = ${organizationId} and c.lead_id = ${leadId} for no key update of c`,
      tx,
    );
    if (!row || row.optedOut) return row?.id;
    await optOut(tx, {
      organizationId,
      conversationId: row.id,
      leadId,
      phoneHash: secrets.hashPhone(organizationId, row.phone),
      kind: 'opt_out',
      method: 'staff',
      words,
      messageSid: null,
      evidence: { actor, ...(method ? { saidBy: method } : {}) },
    });
    return row.id;
  });
}

/** One change of who speaks, with its entry in the audit trail, in one transaction. */
export async function steer(
  database: Database,
  { organizationId, leadId, actor }: Steering,
  action: string,
  change: (tx: Orm) => Promise<ConversationId | undefined>,
): Promise<Steered | undefined> {
  return await database.transaction(async (tx) => {
    const conversationId = await change(tx);
    if (conversationId === undefined) return undefined;
    await writeAudit(tx, { organizationId, actor, action, subject: leadId });
    const [head] = await database.query<ConversationHead>(
      sql`select ${HEAD} from conversations c join leads l on l.id = c.lead_id
        where c.id = ${conversationId} and c.organization_id = ${organizationId}`,
      tx,
    );
    return head && { conversationId, head };
  });
}
