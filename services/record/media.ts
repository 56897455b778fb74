/** Pictures and files of shoppers: rows that say where each is, what became of it, and what is to be erased. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import type { MediaState } from '../db/schema/media.js';
import { jsonRows, milliseconds, nowRounded } from '../db/sqlHelpers.js';
import type { ConversationId, LeadId, MessageId, OrganizationId } from '../types.js';
import { raiseAlerts } from './alerts.js';

export interface NewMedia {
  readonly id: string;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly messageId: MessageId;
  /** Which of the message's media, from 0. */
  readonly position: number;
  readonly accountSid: string;
  readonly sourceUrl: string;
  readonly declaredType: string;
}

/** In the transaction of the text. */
export async function insertMedia(tx: Orm, media: readonly NewMedia[]): Promise<void> {
  if (media.length === 0) return;
  await tx.execute(
    sql`insert into media (id, organization_id, conversation_id, message_id, position, account_sid, source_url,
        declared_type)
      select id, "organizationId", "conversationId", "messageId", position, "accountSid", "sourceUrl", "declaredType"
      from jsonb_to_recordset(${jsonRows(media)}) as r(id uuid, "organizationId" text, "conversationId" uuid,
        "messageId" uuid, position int, "accountSid" text, "sourceUrl" text, "declaredType" text)`,
  );
}

export interface MediaClaim {
  readonly id: string;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly accountSid: string;
  readonly sourceUrl: string;
  readonly declaredType: string;
  /** How often it was tried, this time included. */
  readonly attempts: number;
  readonly fence: number;
}

/** Claims up to `limit` media that are due, oldest first; one statement on the database's clock. */
export async function claimMedia(
  database: Database,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<MediaClaim[]> {
  return await database.query<MediaClaim>(
    sql`with due as (
        select id from media where state = 'pending' and due_at <= ${nowRounded}
          and (lease_until is null or lease_until <= clock_timestamp())
        order by due_at limit ${limit} for no key update skip locked
      )
      update media m set fence = m.fence + 1, attempts = m.attempts + 1,
        lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
      from due where m.id = due.id
      returning m.id, m.organization_id as "organizationId", m.conversation_id as "conversationId",
        m.account_sid as "accountSid", m.source_url as "sourceUrl", m.declared_type as "declaredType", m.attempts,
        m.fence::float8 as fence`,
  );
}

/** Only for the embedded record, whose directory lock proves that the processes which held them are gone. */
export async function freeMediaLeases(database: Database): Promise<void> {
  await database.orm.execute(sql`update media set lease_until = null where lease_until is not null`);
  await database.orm.execute(sql`update media_erasures set lease_until = null where lease_until is not null`);
}

/** One at a time for the same bytes of an organization: who is about to store them, and who is about to erase them. */
const lockContent = (organizationId: OrganizationId, digest: string) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`media ${organizationId} ${digest}`}, 0))`;

/**
 * Says which bytes are about to be stored, so that nobody erases them.
 * @returns `busy` while they are being erased; `gone` when the row is, or when somebody else has the claim.
 */
export async function announceContent(
  database: Database,
  claim: MediaClaim,
  digest: string,
): Promise<'announced' | 'busy' | 'gone'> {
  const { organizationId, id, fence } = claim;
  return await database.transaction(async (tx) => {
    await tx.execute(lockContent(organizationId, digest));
    const busy = await database.query(
      sql`select 1 from media_erasures where organization_id = ${organizationId} and digest = ${digest}
        and lease_until > clock_timestamp()`,
      tx,
    );
    if (busy.length > 0) return 'busy';
    const announced = await database.query(
      sql`update media set digest = ${digest} where id = ${id} and fence = ${fence} and state = 'pending' returning 1`,
      tx,
    );
    if (announced.length === 0) return 'gone';
    await tx.execute(
      sql`delete from media_erasures where organization_id = ${organizationId} and digest = ${digest}`,
    );
    return 'announced';
  });
}

/** @returns false when the row has gone meanwhile, or somebody else has the claim. */
export async function markStored(
  database: Database,
  { id, fence }: MediaClaim,
  what: { readonly contentType: string; readonly bytes: number },
): Promise<boolean> {
  const rows = await database.query(
    sql`update media set state = 'stored', reason = null, source_url = '', lease_until = null,
        content_type = ${what.contentType}, bytes = ${what.bytes}
      where id = ${id} and fence = ${fence} and state = 'pending' returning 1`,
  );
  return rows.length > 0;
}

/** Gives the claim back; it is tried again after `delayMs`. @param isCounted false: as if it had not been tried. */
export async function retryMedia(
  database: Database,
  { id, fence }: MediaClaim,
  again: { readonly reason: string; readonly delayMs: number; readonly isCounted: boolean },
): Promise<void> {
  await database.orm.execute(
    sql`update media set reason = ${again.reason}, lease_until = null,
        attempts = attempts - ${again.isCounted ? 0 : 1},
        due_at = clock_timestamp() + ${milliseconds(again.delayMs)}
      where id = ${id} and fence = ${fence} and state = 'pending'`,
  );
}

/** Staff are told in the same transaction, once a conversation until they have seen to it. */
export async function refuseMedia(database: Database, claim: MediaClaim, reason: string): Promise<void> {
  const { id, fence, organizationId, conversationId } = claim;
  await database.transaction(async (tx) => {
    // Ten pictures of one text may be refused at the same time.
    await tx.execute(
      sql`select pg_advisory_xact_lock(hashtextextended(${`media_refused ${conversationId}`}, 0))`,
    );
    const refused = await database.query(
      sql`update media set state = 'refused', reason = ${reason}, source_url = '', lease_until = null
        where id = ${id} and fence = ${fence} and state = 'pending' returning 1`,
      tx,
    );
    const told = await database.query(
      sql`select 1 from staff_alerts where conversation_id = ${conversationId} and kind = 'media_refused'
        and resolved_at is null limit 1`,
      tx,
    );
    if (refused.length === 0 || told.length > 0) return;
    const alert = { organizationId, conversationId, kind: 'media_refused', details: { reason } } as const;
    await raiseAlerts(tx, [{ ...alert, reason: 'A picture or file of the shopper could not be taken in.' }]);
  });
}

export interface MediaRow {
  readonly state: MediaState;
  readonly reason: string | null;
  readonly contentType: string | null;
  readonly digest: string | null;
}

/** @returns undefined when the lead's conversation in this organization has no such media. */
export async function readMedia(
  database: Database,
  organizationId: OrganizationId,
  { leadId, mediaId }: { readonly leadId: LeadId; readonly mediaId: string },
): Promise<MediaRow | undefined> {
  const [row] = await database.query<MediaRow>(
    sql`select m.state, m.reason, m.content_type as "contentType", m.digest
      from media m join conversations c on c.id = m.conversation_id
      where m.id = ${mediaId} and m.organization_id = ${organizationId} and c.lead_id = ${leadId}
        and c.organization_id = ${organizationId}`,
  );
  return row;
}

export interface Erasure {
  readonly organizationId: OrganizationId;
  readonly digest: string;
}

/** Bytes that are due to be erased and that no row needs; whose bytes are needed after all is taken off the list. */
export async function claimErasures(
  database: Database,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<Erasure[]> {
  const due = await database.query<Erasure>(
    sql`select organization_id as "organizationId", digest from media_erasures
      where due_at <= ${nowRounded} and (lease_until is null or lease_until <= clock_timestamp())
      order by due_at limit ${limit}`,
  );
  const claimed: Erasure[] = [];
  for (const erasure of due) if (await claimErasure(database, erasure, leaseMs)) claimed.push(erasure);
  return claimed;
}

async function claimErasure(database: Database, erasure: Erasure, leaseMs: number): Promise<boolean> {
  const { organizationId, digest } = erasure;
  const mine = sql`organization_id = ${organizationId} and digest = ${digest}`;
  return await database.transaction(async (tx) => {
    await tx.execute(lockContent(organizationId, digest));
    const needed = await database.query(sql`select 1 from media where ${mine} limit 1`, tx);
    if (needed.length > 0) {
      await tx.execute(sql`delete from media_erasures where ${mine}`);
      return false;
    }
    const rows = await database.query(
      sql`update media_erasures set lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
        where ${mine} and (lease_until is null or lease_until <= clock_timestamp()) returning 1`,
      tx,
    );
    return rows.length > 0;
  });
}

/** After the first pass a second one is due: what was being stored during the first is caught by it. */
export async function settleErasure(
  database: Database,
  { organizationId, digest }: Erasure,
  secondPassMs: number,
): Promise<void> {
  const mine = sql`organization_id = ${organizationId} and digest = ${digest}`;
  await database.transaction(async (tx) => {
    await tx.execute(sql`delete from media_erasures where ${mine} and passes > 0`);
    await tx.execute(
      sql`update media_erasures set passes = passes + 1, lease_until = null,
          due_at = clock_timestamp() + ${milliseconds(secondPassMs)}
        where ${mine}`,
    );
  });
}

/** Bytes were stored for a row that had gone by then. */
export async function requestErasure(database: Database, { organizationId, digest }: Erasure): Promise<void> {
  await database.orm.execute(
    sql`insert into media_erasures (organization_id, digest) values (${organizationId}, ${digest})
      on conflict (organization_id, digest) do update set passes = 0, due_at = clock_timestamp()`,
  );
}
