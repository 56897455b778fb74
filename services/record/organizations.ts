/** Organizations, their numbers and their settings. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { retryDeadlocks } from '../db/deadlocks.js';
import { jsonRows } from '../db/sqlHelpers.js';
import { JackError } from '../errors.js';
import type { Secrets } from '../secrets.js';
import type { E164, Organization, OrganizationId } from '../types.js';
import { createApiKey, deleteApiKey, type NewApiKey } from './apiKeys.js';
import { writeAudit } from './audit.js';
import { type Page, type PageRequest, toPage } from './pages.js';
import { endSessionsOfKey } from './sessions.js';
import { nameStaffPhones } from './staffPhones.js';
import { isoUtc } from './utc.js';

export type OrganizationProfile = Omit<Organization, 'rev'>;

const PROFILE = sql`o.id, o.name, o.timezone, o.settings,
  (select coalesce(jsonb_agg(p.phone_number order by p.created_at, p.phone_number), '[]') from phone_numbers p
    where p.organization_id = o.id) as "phoneNumbers"`;

export async function readProfile(
  database: Database,
  organizationId: OrganizationId,
  orm?: Orm,
): Promise<OrganizationProfile | undefined> {
  const [row] = await database.query<OrganizationProfile>(
    sql`select ${PROFILE} from organizations o where o.id = ${organizationId}`,
    orm,
  );
  return row;
}

/** Newest first. For the administrator: the one list that spans organizations. */
export async function listProfiles(
  database: Database,
  { limit, after }: PageRequest,
): Promise<Page<OrganizationProfile>> {
  const rows = await database.query<OrganizationProfile & { readonly createdAt: string }>(
    sql`select ${PROFILE}, ${isoUtc(sql`o.created_at`)} as "createdAt" from organizations o
      where ${after === undefined}
        or (o.created_at, o.id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::text)
      order by o.created_at desc, o.id desc limit ${limit + 1}`,
  );
  const page = toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }));
  return { ...page, items: page.items.map(({ createdAt: _createdAt, ...profile }) => profile) };
}

export interface NewOrganization {
  readonly id: OrganizationId;
  readonly name: string;
  readonly timezone: string;
  readonly phoneNumbers: readonly E164[];
  /** An OrganizationSettings that the edge has checked. */
  readonly settings: object;
  /** The organization's own account; absent for the deployment's. */
  readonly twilio: { readonly accountSid: string; readonly authToken: string } | undefined;
}

export interface CreatedOrganization {
  readonly organization: OrganizationProfile;
  readonly apiKey: string;
}

/** @throws JackError E_CONFLICT when the id or a number is taken; nothing is stored then. */
export async function createOrganization(
  { database, secrets }: { readonly database: Database; readonly secrets: Secrets },
  request: NewOrganization,
  actor: string,
): Promise<CreatedOrganization> {
  const { id, twilio } = request;
  return await database.transaction(async (tx) => {
    const inserted = await database.query(
      sql`insert into organizations (id, name, timezone, settings, twilio_account_sid, twilio_auth_token_sealed)
        values (${id}, ${request.name}, ${request.timezone}, ${JSON.stringify(request.settings)}::jsonb,
          ${twilio?.accountSid ?? null}, ${twilio ? secrets.seal(id, twilio.authToken) : null})
        on conflict (id) do nothing returning id`,
      tx,
    );
    if (inserted.length === 0) throw new JackError('E_CONFLICT', 'An organization has this id already.');
    await insertNumbers(database, tx, { id, account: twilio?.accountSid ?? 'default' }, request.phoneNumbers);
    await nameStaffPhones(tx, id);
    const { apiKey } = await createApiKey(tx, id);
    await writeAudit(tx, { organizationId: id, actor, action: 'organization.create', subject: id });
    const organization = await readProfile(database, id, tx);
    if (!organization) throw new Error('The new organization cannot be read.');
    return { organization, apiKey };
  });
}

/** @returns the account that the number was added under; undefined when there is no such organization. */
export async function addPhoneNumber(
  database: Database,
  organizationId: OrganizationId,
  phoneNumber: E164,
  actor: string,
): Promise<{ readonly organization: OrganizationProfile; readonly account: string } | undefined> {
  return await database.transaction(async (tx) => {
    const [row] = await database.query<{ account: string }>(
      sql`select coalesce(twilio_account_sid, 'default') as account from organizations
        where id = ${organizationId} for update`,
      tx,
    );
    if (!row) return undefined;
    await insertNumbers(database, tx, { id: organizationId, account: row.account }, [phoneNumber]);
    const subject = phoneNumber.slice(-4);
    await writeAudit(tx, { organizationId, actor, action: 'phone_number.add', subject });
    const organization = await readProfile(database, organizationId, tx);
    return organization && { organization, account: row.account };
  });
}

async function insertNumbers(
  database: Database,
  tx: Orm,
  owner: { readonly id: OrganizationId; readonly account: string },
  phoneNumbers: readonly E164[],
): Promise<void> {
  const rows = phoneNumbers.map((phone_number, position) => ({ phone_number, position }));
  // The first number given is the one that a new conversation leaves from, hence the growing times.
  const inserted = await database.query(
    sql`insert into phone_numbers (account, phone_number, organization_id, created_at)
      select ${owner.account}, phone_number, ${owner.id}, statement_timestamp() + make_interval(secs => position * 0.001)
      from jsonb_to_recordset(${jsonRows(rows)}) as r(phone_number text, position int)
      order by phone_number on conflict do nothing returning phone_number`,
    tx,
  );
  if (inserted.length < phoneNumbers.length) {
    throw new JackError('E_CONFLICT', 'A phone number belongs to an organization already.');
  }
}

export interface ProfileChange {
  readonly name?: string | undefined;
  readonly timezone?: string | undefined;
  /** Merged into what is stored, one level deep; null takes a setting away. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
}

/** @returns undefined when there is no such organization. */
export async function changeProfile(
  database: Database,
  organizationId: OrganizationId,
  change: ProfileChange,
  actor: string,
): Promise<OrganizationProfile | undefined> {
  return await database.transaction(async (tx) => {
    const [stored] = await database.query<{ settings: Record<string, unknown> }>(
      sql`select settings from organizations where id = ${organizationId} for update`,
      tx,
    );
    if (!stored) return undefined;
    const settings = withoutNulls({ ...stored.settings, ...change.settings });
    await tx.execute(
      sql`update organizations set name = coalesce(${change.name ?? null}::text, name),
          timezone = coalesce(${change.timezone ?? null}::text, timezone), settings = ${JSON.stringify(settings)}::jsonb
        where id = ${organizationId}`,
    );
    await nameStaffPhones(tx, organizationId);
    await writeAudit(tx, {
      organizationId,
      actor,
      action: 'organization.change',
      subject: organizationId,
      details: { fields: Object.keys(change).join(' ') },
    });
    return await readProfile(database, organizationId, tx);
  });
}

export const withoutNulls = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));

/**
 * Erases an organization with everything that hangs on it; only the audit trail stays.
 * @returns its numbers, which may be cached by number; undefined when there is no such organization.
 */
export async function eraseOrganization(
  database: Database,
  organizationId: OrganizationId,
  actor: string,
): Promise<readonly { readonly account: string; readonly phoneNumber: E164 }[] | undefined> {
  const erase = () =>
    database.transaction(async (tx) => {
      // As everybody: conversations first. What is made of new shoppers meanwhile is met below.
      await tx.execute(
        sql`select id from conversations where organization_id = ${organizationId} order by id for update`,
      );
      const [row] = await database.query<{ id: string }>(
        sql`select id from organizations where id = ${organizationId} for update`,
        tx,
      );
      if (!row) return undefined;
      const numbers = await database.query<{ account: string; phoneNumber: E164 }>(
        sql`select account, phone_number as "phoneNumber" from phone_numbers
          where organization_id = ${organizationId}`,
        tx,
      );
      await tx.execute(sql`delete from simulated_texts where organization_id = ${organizationId}`);
      await tx.execute(sql`delete from organizations where id = ${organizationId}`);
      await writeAudit(tx, {
        organizationId,
        actor,
        action: 'organization.erase',
        subject: organizationId,
      });
      return numbers;
    });
  // Texts and replies under way lock in another order.
  return await retryDeadlocks(erase);
}

/** @returns undefined when there is no such organization. */
export async function addApiKey(
  database: Database,
  organizationId: OrganizationId,
  actor: string,
): Promise<NewApiKey | undefined> {
  return await database.transaction(async (tx) => {
    const rows = await database.query(
      sql`select 1 from organizations where id = ${organizationId} for key share`,
      tx,
    );
    if (rows.length === 0) return undefined;
    const key = await createApiKey(tx, organizationId);
    await writeAudit(tx, { organizationId, actor, action: 'api_key.create', subject: key.id });
    return key;
  });
}

/** Ends the sessions that were opened with it, too. @returns false when the organization has no such key. */
export async function revokeApiKey(
  database: Database,
  organizationId: OrganizationId,
  id: string,
  actor: string,
): Promise<boolean> {
  return await database.transaction(async (tx) => {
    const isGone = await deleteApiKey(database, tx, organizationId, id);
    if (!isGone) return false;
    await endSessionsOfKey(tx, organizationId, id);
    await writeAudit(tx, { organizationId, actor, action: 'api_key.revoke', subject: id });
    return true;
  });
}
