/** Leads and the heads of their conversations, for an import. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../../db/client.js';
import type { Applied, LeadItem } from '../../migration/types.js';
import {
  type ConversationId,
  type E164,
  isUuid,
  type LeadId,
  newConversationId,
  newLeadId,
  type OrganizationId,
  type Owner,
  type Rev,
  type Slots,
} from '../../types.js';
import { optedOutSince } from '../consent.js';
import type { Ledger } from './ledger.js';

export interface ImportDeps {
  readonly database: Database;
  readonly ledger: Ledger;
}

/** Where a lead says which id it had before. */
const IMPORTED_ID = 'importedId';

interface StoredLead {
  readonly id: LeadId;
  readonly name: string | null;
  readonly email: string | null;
  readonly importedId: string | null;
}

/** A lead that is missing is made; one that is there gets what it lacks and keeps what it has. */
export async function applyLead(deps: ImportDeps, tx: Orm, item: LeadItem): Promise<Applied> {
  const { database, ledger } = deps;
  const { organizationId, value } = item;
  if (!(await claimSourceId(ledger, tx, item)))
    return { outcome: 'differs', notes: ['lead_has_another_phone'] };
  const isNew = await ensureLead(deps, tx, {
    organizationId,
    phone: value.phone,
    wantedId: value.sourceId,
  });
  const [lead] = await database.query<StoredLead>(
    sql`select id, name, email, attributes ->> ${IMPORTED_ID} as "importedId" from leads
      where organization_id = ${organizationId} and phone = ${value.phone} and kind = 'shopper' for update`,
    tx,
  );
  if (!lead) throw new Error('The imported lead cannot be read.');
  const notes = differencesOf(lead, item);
  const isIdKept = value.sourceId === undefined || lead.id === value.sourceId || lead.importedId !== null;
  const isFilling = (lead.name === null && value.name) || (lead.email === null && value.email) || !isIdKept;
  if (isNew || isFilling) {
    await tx.execute(
      sql`update leads set name = coalesce(name, ${value.name ?? null}::text),
          email = coalesce(email, ${value.email ?? null}::text),
          status = case when ${isNew} then coalesce(${value.status ?? null}::text, status) else status end,
          attributes = case when ${isIdKept} then attributes
            else attributes || jsonb_build_object(${IMPORTED_ID}::text, ${value.sourceId ?? null}::text) end
        where id = ${lead.id} and organization_id = ${organizationId}`,
    );
    return { outcome: 'written', notes };
  }
  return { outcome: notes.length > 0 ? 'differs' : 'skipped', notes };
}

/** @returns false when another phone came with this id before. */
async function claimSourceId(ledger: Ledger, tx: Orm, { organizationId, value }: LeadItem): Promise<boolean> {
  if (value.sourceId === undefined) return true;
  const key = { organizationId, kind: 'leadId', sourceKey: ledger.hash(`lead:${value.sourceId}`) };
  const contentHash = ledger.hash(value.phone);
  const known = await ledger.read(key, tx);
  if (!known) await ledger.write(key, { contentHash, baseRev: null }, tx);
  return known === undefined || known.contentHash === contentHash;
}

function differencesOf(lead: StoredLead, { value }: LeadItem): string[] {
  const isOtherId =
    value.sourceId !== undefined &&
    lead.importedId !== null &&
    lead.importedId !== value.sourceId &&
    lead.id !== value.sourceId;
  const differs = (stored: string | null, given: string | undefined) =>
    stored !== null && given !== undefined && stored !== given;
  return [
    ...(isOtherId ? ['phone_has_another_lead'] : []),
    ...(differs(lead.name, value.name) ? ['lead_name_differs'] : []),
    ...(differs(lead.email, value.email) ? ['lead_email_differs'] : []),
  ];
}

interface WantedLead {
  readonly organizationId: OrganizationId;
  readonly phone: E164;
  /** Kept when it is a UUID that no lead of any organization has. */
  readonly wantedId: string | undefined;
}

/** The lead of the phone and its conversation, made when missing. @returns whether the lead is new. */
export async function ensureLead(
  { database, ledger }: ImportDeps,
  tx: Orm,
  wanted: WantedLead,
): Promise<boolean> {
  const { organizationId, phone, wantedId } = wanted;
  const ids = wantedId !== undefined && isUuid(wantedId) ? [wantedId, newLeadId()] : [newLeadId()];
  let isNew = false;
  for (const id of ids) {
    const inserted = await database.query(
      sql`insert into leads (id, organization_id, phone, source)
        values (${id}, ${organizationId}, ${phone}, 'import') on conflict do nothing returning id`,
      tx,
    );
    isNew ||= inserted.length > 0;
  }
  const since = optedOutSince(organizationId, ledger.hashPhone(organizationId, phone));
  await tx.execute(
    sql`insert into conversations (id, organization_id, lead_id, opted_out, opted_out_at)
      select ${newConversationId()}, l.organization_id, l.id, s.since is not null, s.since
      from leads l cross join (select ${since} as since) s
      where l.organization_id = ${organizationId} and l.phone = ${phone} and l.kind = 'shopper'
      on conflict (lead_id) do nothing`,
  );
  return isNew;
}

export interface ConversationHead {
  readonly id: ConversationId;
  readonly leadId: LeadId;
  readonly leadName: string | null;
  readonly leadEmail: string | null;
  /** Whether the lead came with an import. */
  readonly isImported: boolean;
  readonly lastSeq: number;
  readonly baseRev: Rev;
  readonly slots: Slots;
  readonly summary: string;
  readonly owner: Owner;
  readonly isSteered: boolean;
  readonly optedOut: boolean;
  readonly dealershipNumber: E164 | null;
  readonly lastMessageAtMs: number;
}

/**
 * The conversation of a phone, locked until the transaction ends, and made with its lead when missing.
 * @returns `isNew` when this transaction made it: then nobody else can have moved anything of it.
 */
export async function lockHead(
  deps: ImportDeps,
  tx: Orm,
  organizationId: OrganizationId,
  phone: E164,
): Promise<ConversationHead & { readonly isNew: boolean }> {
  const { database } = deps;
  const found = await selectHead(database, tx, organizationId, phone);
  if (found) return { ...found, isNew: false };
  const made = await makeHead(deps, tx, organizationId, phone);
  if (made) return { ...made, isNew: true };
  await ensureLead(deps, tx, { organizationId, phone, wantedId: undefined });
  const head = await selectHead(database, tx, organizationId, phone);
  if (!head) throw new Error('The imported conversation cannot be read.');
  return { ...head, isNew: false };
}

/** By the lead's id, found apart: planned as one join, a new record without statistics scans the organization. */
async function selectHead(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  phone: E164,
): Promise<ConversationHead | undefined> {
  const [head] = await database.query<ConversationHead>(
    sql`select c.id, c.lead_id as "leadId", l.name as "leadName", l.email as "leadEmail",
        l.source = 'import' as "isImported", c.last_seq as "lastSeq",
        c.base_rev as "baseRev", c.slots, c.summary, c.owner, c.owner_since is not null as "isSteered",
        c.opted_out as "optedOut", c.dealership_number as "dealershipNumber",
        floor(extract(epoch from c.last_message_at) * 1000)::float8 as "lastMessageAtMs"
      from conversations c join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId}
        and c.lead_id = (select id from leads
          where organization_id = ${organizationId} and phone = ${phone} and kind = 'shopper')
      for no key update of c`,
    tx,
  );
  return head;
}

/** Lead and conversation in one statement. @returns undefined when somebody else was first. */
async function makeHead(
  { database, ledger }: ImportDeps,
  tx: Orm,
  organizationId: OrganizationId,
  phone: E164,
): Promise<ConversationHead | undefined> {
  const since = optedOutSince(organizationId, ledger.hashPhone(organizationId, phone));
  const [row] = await database.query<
    Pick<ConversationHead, 'id' | 'leadId' | 'baseRev' | 'lastMessageAtMs' | 'optedOut'>
  >(
    sql`with made as (
        insert into leads (id, organization_id, phone, source)
        values (${newLeadId()}, ${organizationId}, ${phone}, 'import') on conflict do nothing returning id
      )
      insert into conversations (id, organization_id, lead_id, opted_out, opted_out_at)
      select ${newConversationId()}::uuid, ${organizationId}, made.id, s.since is not null, s.since
      from made cross join (select ${since} as since) s
      returning id, lead_id as "leadId", base_rev as "baseRev", opted_out as "optedOut",
        floor(extract(epoch from last_message_at) * 1000)::float8 as "lastMessageAtMs"`,
    tx,
  );
  return (
    row && {
      ...row,
      leadName: null,
      leadEmail: null,
      isImported: true,
      lastSeq: 0,
      slots: {},
      summary: '',
      owner: 'assistant',
      isSteered: false,
      dealershipNumber: null,
    }
  );
}
