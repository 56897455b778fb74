/** Texts to numbers that belong to nobody here, until an administrator says whose they are or discards them. */
import { type SQL, sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { milliseconds } from '../db/sqlHelpers.js';
import { JackError } from '../errors.js';
import type { IdentifierKind } from '../privacy/mask.js';
import type { InboundSms } from '../twilio/webhook.js';
import { type OrganizationId, toE164 } from '../types.js';
import { writeAudit } from './audit.js';
import { type Page, type PageRequest, toPage } from './pages.js';
import { isoUtc } from './utc.js';

export type QuarantineState = 'held' | 'assigned' | 'discarded';

export interface QuarantinedText {
  /** A whole number, in digits. */
  readonly id: string;
  readonly accountSid: string;
  readonly messageSid: string;
  readonly from: string;
  readonly to: string;
  /** Empty once it is settled. */
  readonly body: string;
  readonly mediaCount: number;
  readonly reason: string;
  readonly state: QuarantineState;
  readonly organizationId: string | null;
  readonly receivedAt: string;
  readonly settledAt: string | null;
}

/** The key of the quarantine: texts of one of these belong together. */
export interface QuarantineNumber {
  readonly accountSid: string;
  /** As the carrier wrote it. */
  readonly to: string;
}

export interface QuarantineRequest extends PageRequest {
  readonly state: QuarantineState;
  readonly accountSid?: string | undefined;
  readonly to?: string | undefined;
}

/** Newest first. */
export async function listQuarantine(
  database: Database,
  { state, accountSid, to, after, limit }: QuarantineRequest,
): Promise<Page<QuarantinedText>> {
  const rows = await database.query<QuarantinedText>(
    sql`select q.id::text as id, q.account_sid as "accountSid", q.message_sid as "messageSid", q.from_address as "from",
        q.to_address as "to", q.body, coalesce(jsonb_array_length(q.facts -> 'media'), 0) as "mediaCount", q.reason,
        q.state, q.organization_id as "organizationId", ${isoUtc(sql`q.created_at`)} as "receivedAt",
        ${isoUtc(sql`q.settled_at`)} as "settledAt"
      from quarantine q
      where q.state = ${state}
        and (${accountSid === undefined} or q.account_sid = ${accountSid ?? null}::text)
        and (${to === undefined} or q.to_address = ${to ?? null}::text)
        and (${after === undefined}
          or (q.created_at, q.id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::bigint))
      order by q.created_at desc, q.id desc limit ${limit + 1}`,
  );
  return toPage(rows, limit, ({ receivedAt, id }) => ({ at: receivedAt, id }));
}

interface HeldRow {
  readonly id: string;
  readonly accountSid: string;
  readonly messageSid: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly facts: Partial<
    Pick<
      InboundSms,
      'media' | 'numMedia' | 'geography' | 'messagingServiceSid' | 'optOutType' | 'numSegments'
    >
  > & { readonly masked?: readonly IdentifierKind[] };
  readonly receivedAt: string;
  readonly isRecent: boolean;
}

export interface Assignment {
  readonly organizationId: OrganizationId;
  readonly actor: string;
  /** Texts younger than this are answered by the assistant. */
  readonly answeredWithinMs: number;
}

/** A text that was given to an organization and is to be stored there. */
export interface ClaimedText {
  readonly id: string;
  readonly text: InboundSms;
}

/**
 * Says whose text this is, for good: from here on nobody else can have it, and the same call again goes on where this
 * one was cut off.
 * @returns undefined when it is that organization's already and stored there.
 * @throws JackError E_NOT_FOUND; E_CONFLICT when it is another's, discarded, or from no phone.
 */
export async function claimQuarantined(
  database: Database,
  id: string,
  assignment: Assignment,
): Promise<ClaimedText | undefined> {
  return await database.transaction(async (tx) => {
    await requireOrganization(database, tx, assignment.organizationId);
    const [found] = await database.query<{ state: string; organizationId: string | null; reason: string }>(
      sql`select state, organization_id as "organizationId", reason from quarantine where id = ${id}::bigint for update`,
      tx,
    );
    if (!found) throw new JackError('E_NOT_FOUND', 'There is no such text.');
    if (found.reason === 'sender_is_not_a_phone') {
      throw new JackError('E_CONFLICT', 'Its sender is not a phone: there is nobody to make a lead of.');
    }
    const isTheirs = found.state === 'assigned' && found.organizationId === assignment.organizationId;
    if (found.state !== 'held' && !isTheirs) {
      throw new JackError('E_CONFLICT', `The text is ${found.state} already.`);
    }
    const [claimed] = await claim(
      database,
      tx,
      sql`q.id = ${id}::bigint and q.settled_at is null`,
      assignment,
    );
    if (claimed) await note(tx, assignment, { subject: id, texts: 1 });
    return claimed;
  });
}

/**
 * The oldest texts of one number, up to `limit`.
 * @throws JackError E_NOT_FOUND when there is no such organization.
 */
export async function claimNumber(
  database: Database,
  { accountSid, to }: QuarantineNumber,
  assignment: Assignment,
  limit: number,
): Promise<ClaimedText[]> {
  return await database.transaction(async (tx) => {
    await requireOrganization(database, tx, assignment.organizationId);
    const chosen = sql`q.id in (select h.id from quarantine h where h.account_sid = ${accountSid}
        and h.to_address = ${to} and h.settled_at is null and h.reason <> 'sender_is_not_a_phone'
        and (h.state = 'held' or h.organization_id = ${assignment.organizationId})
      order by h.id limit ${limit} for update)`;
    const claimed = await claim(database, tx, chosen, assignment);
    if (claimed.length > 0) await note(tx, assignment, { subject: to.slice(-4), texts: claimed.length });
    return claimed;
  });
}

const note = (
  tx: Orm,
  { organizationId, actor }: Assignment,
  { subject, texts }: { readonly subject: string; readonly texts: number },
): Promise<void> =>
  writeAudit(tx, { organizationId, actor, action: 'quarantine.assign', subject, details: { texts } });

async function claim(
  database: Database,
  tx: Orm,
  chosen: SQL,
  { organizationId, answeredWithinMs }: Assignment,
): Promise<ClaimedText[]> {
  const rows = await database.query<HeldRow>(
    sql`update quarantine q set state = 'assigned', organization_id = ${organizationId} where ${chosen}
      returning q.id::text as id, q.account_sid as "accountSid", q.message_sid as "messageSid",
        q.from_address as "from", q.to_address as "to", q.body, q.facts, ${isoUtc(sql`q.created_at`)} as "receivedAt",
        q.created_at > clock_timestamp() - ${milliseconds(answeredWithinMs)} as "isRecent"`,
    tx,
  );
  return rows
    .sort((a, b) => Number(BigInt(a.id) - BigInt(b.id)))
    .map((row) => ({ id: row.id, text: toText(row, organizationId) }));
}

/** As it came, with whom it is for. */
function toText({ facts, ...row }: HeldRow, organizationId: OrganizationId): InboundSms {
  return {
    accountSid: row.accountSid,
    messageSid: row.messageSid,
    from: row.from,
    fromPhone: toE164(row.from) ?? null,
    to: row.to,
    body: row.body,
    numMedia: facts.numMedia ?? 0,
    media: facts.media ?? [],
    geography: facts.geography ?? {},
    messagingServiceSid: facts.messagingServiceSid ?? undefined,
    optOutType: facts.optOutType ?? undefined,
    numSegments: facts.numSegments ?? null,
    assigned: {
      organizationId,
      receivedAt: new Date(row.receivedAt),
      isAnswered: row.isRecent,
      masked: facts.masked ?? [],
    },
  };
}

/** What was said is with the organization now, or nowhere: it is not kept twice. */
export async function settleAssigned(database: Database, ids: readonly string[]): Promise<void> {
  await database.orm.execute(
    sql`update quarantine set body = '', facts = '{}', settled_at = clock_timestamp()
      where state = 'assigned' and settled_at is null
        and id in (select value::bigint from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`,
  );
}

/** The same call again changes nothing. @throws JackError E_NOT_FOUND; E_CONFLICT when somebody has the text. */
export async function discardQuarantined(database: Database, id: string, actor: string): Promise<void> {
  await database.transaction(async (tx) => {
    const [found] = await database.query<{ state: string }>(
      sql`select state from quarantine where id = ${id}::bigint for update`,
      tx,
    );
    if (!found) throw new JackError('E_NOT_FOUND', 'There is no such text.');
    if (found.state === 'assigned') throw new JackError('E_CONFLICT', 'The text is assigned already.');
    if (found.state === 'discarded') return;
    await tx.execute(
      sql`update quarantine set state = 'discarded', body = '', facts = '{}', settled_at = clock_timestamp()
        where id = ${id}::bigint`,
    );
    await writeAudit(tx, { organizationId: '*', actor, action: 'quarantine.discard', subject: id });
  });
}

async function requireOrganization(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
): Promise<void> {
  const rows = await database.query(
    sql`select 1 from organizations where id = ${organizationId} for key share`,
    tx,
  );
  if (rows.length === 0) throw new JackError('E_NOT_FOUND', 'There is no such organization.');
}
