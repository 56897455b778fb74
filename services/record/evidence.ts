/** Everything that the record has of one conversation, as of one moment. */
import { type SQL, sql } from 'drizzle-orm';
import { openBlock } from '../archive/block.js';
import type { ArchivedDecision, ArchivedMessage, StoredBlock } from '../archive/types.js';
import type { Database, Orm } from '../db/client.js';
import { JackError } from '../errors.js';
import type { Secrets } from '../secrets.js';
import type { ConversationId, E164, LeadId, OrganizationId } from '../types.js';
import type { Lead } from './leads.js';
import { type MessageRow, messageJson, toMessage } from './messageRow.js';
import { type OrganizationProfile, readProfile } from './organizations.js';
import { isoUtc } from './utc.js';

/** Above that a file would not fit into memory beside others; `GET …/export` streams the messages of any number. */
const MOST_MESSAGES = 20_000;

export interface EvidenceSource {
  readonly generatedAt: string;
  readonly organization: OrganizationProfile;
  readonly lead: Lead;
  readonly conversation: {
    readonly id: ConversationId;
    readonly owner: string;
    readonly ownerName: string | null;
    readonly optedOut: boolean;
    readonly optedOutAt: string | null;
    readonly createdAt: string;
    readonly lastSeq: number;
  };
  readonly messages: readonly ArchivedMessage[];
  readonly decisions: readonly ArchivedDecision[];
  readonly rows: Readonly<Record<RowKind, readonly EvidenceRow[]>>;
}

/** A row as it is, with names as in JSON elsewhere. */
export interface EvidenceRow {
  /** ISO 8601. */
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type RowKind =
  | 'decision'
  | 'consent'
  | 'opt_out'
  | 'delivery'
  | 'inquiry'
  | 'planned_text'
  | 'call'
  | 'alert'
  | 'audit';

/**
 * @returns undefined when the organization has no such lead.
 * @throws JackError E_CONFLICT when there are too many messages for one file, E_ARCHIVE_DAMAGED
 */
export async function readEvidence(
  { database, secrets }: { readonly database: Database; readonly secrets: Secrets },
  organizationId: OrganizationId,
  leadId: LeadId,
): Promise<EvidenceSource | undefined> {
  const read = async (transaction: unknown): Promise<EvidenceSource | undefined> => {
    const tx = transaction as Orm;
    const head = await readHead(database, tx, organizationId, leadId);
    const organization = await readProfile(database, organizationId, tx);
    if (!head || !organization) return undefined;
    if (head.conversation.lastSeq > MOST_MESSAGES) {
      throw new JackError('E_CONFLICT', `More than ${MOST_MESSAGES} messages do not fit into one file.`);
    }
    const at: At = {
      organizationId,
      leadId,
      conversationId: head.conversation.id,
      phoneHash: secrets.hashPhone(organizationId, head.lead.phone as E164),
    };
    const blocks = await readBlocks(database, tx, at);
    const hot = await readHot(database, tx, at);
    const bySeq = new Map(
      [...blocks.flatMap(({ messages }) => messages), ...hot].map((one) => [one.seq, one]),
    );
    return {
      ...head,
      organization,
      messages: [...bySeq.values()].sort((a, b) => a.seq - b.seq),
      decisions: blocks.flatMap(({ decisions }) => decisions),
      rows: await readRows(database, tx, at),
    };
  };
  return await database.orm.transaction(read, {
    isolationLevel: 'repeatable read',
    accessMode: 'read only',
  });
}

interface At {
  readonly organizationId: OrganizationId;
  readonly leadId: LeadId;
  readonly conversationId: ConversationId;
  readonly phoneHash: string;
}

async function readHead(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  leadId: LeadId,
): Promise<Pick<EvidenceSource, 'generatedAt' | 'lead' | 'conversation'> | undefined> {
  const [row] = await database.query<Pick<EvidenceSource, 'generatedAt' | 'lead' | 'conversation'>>(
    sql`select ${isoUtc(sql`clock_timestamp()`)} as "generatedAt",
        jsonb_build_object('id', l.id, 'phone', l.phone, 'name', l.name, 'email', l.email, 'status', l.status,
          'source', l.source, 'attributes', l.attributes, 'createdAt', ${isoUtc(sql`l.created_at`)}) as lead,
        jsonb_build_object('id', c.id, 'owner', c.owner, 'ownerName', c.owner_name, 'optedOut', c.opted_out,
          'optedOutAt', ${isoUtc(sql`c.opted_out_at`)}, 'createdAt', ${isoUtc(sql`c.created_at`)},
          'lastSeq', c.last_seq) as conversation
      from conversations c join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId} and c.lead_id = ${leadId}`,
    tx,
  );
  return row;
}

async function readBlocks(database: Database, tx: Orm, { organizationId, conversationId }: At) {
  const blocks = await database.query<StoredBlock>(
    sql`select a.organization_id as "organizationId", a.conversation_id as "conversationId", a.first_seq as "firstSeq",
        a.last_seq as "lastSeq", a.message_count as "messageCount", a.digest, a.content
      from archived_messages a
      where a.conversation_id = ${conversationId} and a.organization_id = ${organizationId} order by a.first_seq`,
    tx,
  );
  return blocks.map(openBlock);
}

async function readHot(
  database: Database,
  tx: Orm,
  { organizationId, conversationId }: At,
): Promise<ArchivedMessage[]> {
  const rows = await database.query<{ message: ArchivedMessage & MessageRow }>(
    sql`select ${messageJson} || jsonb_build_object('encoding', m.encoding, 'accountSid', m.account_sid,
          'messageSid', m.message_sid, 'sent', case when o.message_id is not null then jsonb_build_object(
            'account', o.account, 'from', o.from_number, 'to', o.to_number, 'state', o.state, 'attempts', o.attempts,
            'code', o.last_code, 'reason', o.last_reason) end) as message
      from messages m left join outbox o on o.message_id = m.id
      where m.conversation_id = ${conversationId} and m.organization_id = ${organizationId} order by m.seq`,
    tx,
  );
  return rows.map(({ message }) => ({ ...message, ...toMessage(message) }));
}

async function readRows(database: Database, tx: Orm, at: At): Promise<EvidenceSource['rows']> {
  const { organizationId, leadId, conversationId, phoneHash } = at;
  const mine = (alias: SQL) => sql`${alias}.organization_id = ${organizationId}`;
  const inConversation = (alias: SQL) => sql`${mine(alias)} and ${alias}.conversation_id = ${conversationId}`;
  const r = sql`r`;
  const tables: Readonly<Record<RowKind, SQL>> = {
    decision: sql`select r.created_at as at, to_jsonb(r) as data from gate_decisions r where ${inConversation(r)}`,
    // By the phone, too: what the person said outlives a lead that was erased and came back.
    consent: sql`select r.created_at as at, to_jsonb(r) as data from consent_events r
      where ${mine(r)} and (r.lead_id = ${leadId} or r.phone_hash = ${phoneHash})`,
    opt_out: sql`select r.since as at, to_jsonb(r) as data from opt_outs r
      where ${mine(r)} and r.phone_hash = ${phoneHash}`,
    delivery: sql`select r.received_at as at, to_jsonb(r) as data from delivery_events r where ${inConversation(r)}`,
    inquiry: sql`select r.created_at as at, to_jsonb(r) as data from inquiries r
      where ${mine(r)} and r.lead_id = ${leadId}`,
    planned_text: sql`select r.created_at as at, to_jsonb(r) - 'fence' - 'lease_until' as data from follow_ups r
      where ${inConversation(r)}`,
    call: sql`select r.created_at as at, to_jsonb(r) as data from voice_calls r where ${inConversation(r)}`,
    alert: sql`select r.created_at as at, to_jsonb(r) as data from staff_alerts r where ${inConversation(r)}`,
    audit: sql`select r.created_at as at, to_jsonb(r) as data from audit r where ${mine(r)} and r.subject = ${leadId}`,
  };
  const kinds = Object.keys(tables) as RowKind[];
  const rows = await database.query<{ kind: RowKind; at: string; data: Record<string, unknown> }>(
    sql`select kind, ${isoUtc(sql`at`)} as at, data - 'organization_id' - 'conversation_id' - 'phone_hash' as data from (
        ${sql.join(
          kinds.map((kind) => sql`select ${kind}::text as kind, t.at, t.data from (${tables[kind]}) t`),
          sql` union all `,
        )}
      ) everything order by at, kind, data ->> 'id'`,
    tx,
  );
  const byKind = Object.fromEntries(kinds.map((kind) => [kind, [] as EvidenceRow[]])) as Record<
    RowKind,
    EvidenceRow[]
  >;
  for (const { kind, at: moment, data } of rows)
    byKind[kind].push({ at: moment, data: withPlainNames(data) });
  return byKind;
}

/** `message_id` → `messageId`. */
const withPlainNames = (row: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_gap, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
