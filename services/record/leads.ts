/** Leads of one organization: one person, one phone, one row. Rows of staff phones are in staffPhones.ts. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { JackError } from '../errors.js';
import type { Secrets } from '../secrets.js';
import { type E164, type LeadId, newConversationId, newLeadId, type OrganizationId } from '../types.js';
import { optedOutSince } from './consent.js';
import { withoutNulls } from './organizations.js';
import { type Page, type PageRequest, toPage } from './pages.js';
import { isoUtc } from './utc.js';

export interface Lead {
  readonly id: LeadId;
  readonly phone: E164;
  readonly name: string | null;
  readonly email: string | null;
  readonly status: string;
  /** Where the lead came from first: `sms`, `api`, or what the caller named. */
  readonly source: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Room for what forms and CRMs add to a lead, not for documents. */
const MAX_ATTRIBUTES_LENGTH = 16_384;

const LEAD = sql`l.id, l.phone, l.name, l.email, l.status, l.source, l.attributes,
  ${isoUtc(sql`l.created_at`)} as "createdAt"`;

/** Newest first. */
export async function listLeads(
  database: Database,
  organizationId: OrganizationId,
  { limit, after }: PageRequest,
): Promise<Page<Lead>> {
  const at = sql`${after?.at ?? null}::timestamptz`;
  const rows = await database.query<Lead>(
    sql`select ${LEAD} from leads l where l.organization_id = ${organizationId} and l.kind = 'shopper'
        and (${after === undefined} or l.created_at < ${at}
          or (l.created_at = ${at} and l.id > ${after?.id ?? null}::uuid))
      order by l.created_at desc, l.id limit ${limit + 1}`,
  );
  return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }));
}

export async function readLead(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
  orm?: Orm,
): Promise<Lead | undefined> {
  const [lead] = await database.query<Lead>(
    sql`select ${LEAD} from leads l where l.organization_id = ${organizationId} and l.id = ${leadId}`,
    orm,
  );
  return lead;
}

export interface NewLead {
  readonly phone: E164;
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly source?: string | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A phone that is known already keeps its lead: name and email fill gaps, attributes are merged, status and source
 * stay. A new lead gets its conversation with it.
 */
export async function createOrMergeLead(
  { database, secrets }: { readonly database: Database; readonly secrets: Secrets },
  organizationId: OrganizationId,
  request: NewLead,
): Promise<{ readonly lead: Lead; readonly isNew: boolean }> {
  return await database.transaction(async (tx) => {
    const { leadId, isNew } = await putLead(database, tx, organizationId, request);
    // A phone that opted out before has opted out still.
    const since = optedOutSince(organizationId, secrets.hashPhone(organizationId, request.phone));
    await tx.execute(
      sql`insert into conversations (id, organization_id, lead_id, opted_out, opted_out_at)
        select ${newConversationId()}, ${organizationId}, ${leadId}, s.since is not null, s.since
        from (select ${since} as since) s on conflict (lead_id) do nothing`,
    );
    const lead = await readLead(database, organizationId, leadId, tx);
    if (!lead) throw new Error('The stored lead cannot be read.');
    return { lead, isNew };
  });
}

/** The lead alone, in the caller's transaction; whoever calls makes its conversation. */
export async function putLead(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  request: NewLead,
): Promise<{ readonly leadId: LeadId; readonly isNew: boolean }> {
  const attributes = boundedAttributes(request.attributes ?? {});
  const id = newLeadId();
  const inserted = await database.query(
    sql`insert into leads (id, organization_id, phone, name, email, source, attributes)
      values (${id}, ${organizationId}, ${request.phone}, ${request.name ?? null}, ${request.email ?? null},
        ${request.source ?? 'api'}, ${JSON.stringify(attributes)}::jsonb)
      on conflict (organization_id, phone, kind) do nothing returning id`,
    tx,
  );
  if (inserted.length > 0) return { leadId: id, isNew: true };
  return { leadId: await mergeLead(database, tx, organizationId, request), isNew: false };
}

async function mergeLead(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  request: NewLead,
): Promise<LeadId> {
  const [known] = await database.query<Pick<Lead, 'id' | 'attributes'>>(
    sql`select id, attributes from leads
      where organization_id = ${organizationId} and phone = ${request.phone} and kind = 'shopper' for update`,
    tx,
  );
  // Only an erasure in this very moment takes the row away again; the caller may simply try once more.
  if (!known) throw new JackError('E_SUPERSEDED', 'The lead was erased while it was being changed.');
  const attributes = boundedAttributes({ ...known.attributes, ...request.attributes });
  await tx.execute(
    sql`update leads set name = coalesce(name, ${request.name ?? null}::text),
        email = coalesce(email, ${request.email ?? null}::text), attributes = ${JSON.stringify(attributes)}::jsonb
      where id = ${known.id} and organization_id = ${organizationId}`,
  );
  return known.id;
}

export interface LeadChange {
  /** Null takes the name away; undefined leaves it. */
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly status?: string | undefined;
  /** Merged, one level deep; null takes an attribute away. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/** @returns undefined when the organization has no such lead. */
export async function changeLead(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
  change: LeadChange,
): Promise<Lead | undefined> {
  return await database.transaction(async (tx) => {
    const [known] = await database.query<Pick<Lead, 'name' | 'email' | 'status' | 'attributes'>>(
      sql`select name, email, status, attributes from leads
        where organization_id = ${organizationId} and id = ${leadId} for update`,
      tx,
    );
    if (!known) return undefined;
    const { name = known.name, email = known.email, status = known.status } = change;
    const attributes = boundedAttributes({ ...known.attributes, ...change.attributes });
    await tx.execute(
      sql`update leads set name = ${name}, email = ${email}, status = ${status},
          attributes = ${JSON.stringify(attributes)}::jsonb
        where id = ${leadId} and organization_id = ${organizationId}`,
    );
    return await readLead(database, organizationId, leadId, tx);
  });
}

/** @throws JackError E_INPUT_INVALID */
function boundedAttributes(merged: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const attributes = withoutNulls(merged);
  if (JSON.stringify(attributes).length <= MAX_ATTRIBUTES_LENGTH) return attributes;
  const detail = `All attributes of a lead together have at most ${MAX_ATTRIBUTES_LENGTH} characters of JSON.`;
  throw new JackError('E_INPUT_INVALID', detail, { problems: [{ pointer: '/body/attributes', detail }] });
}
