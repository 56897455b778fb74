/** Organizations and their settings: what is missing is made, what is there stays as it is. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../../db/client.js';
import { jsonRows } from '../../db/sqlHelpers.js';
import type { Applied, ImportedAgent, ImportedOrganization } from '../../migration/types.js';
import type { OrganizationId, OrganizationSettings } from '../../types.js';
import { writeAudit } from '../audit.js';

const ACTOR = 'import';

interface Stored {
  readonly name: string;
  readonly timezone: string;
  readonly settings: OrganizationSettings;
  readonly account: string;
}

/** Without an API key: the administrator makes one, so that no secret passes through an import. */
export async function applyOrganization(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  given: ImportedOrganization,
): Promise<Applied> {
  const inserted = await database.query(
    sql`insert into organizations (id, name, timezone, settings)
      values (${organizationId}, ${given.name}, ${given.timezone}, ${JSON.stringify(given.settings)}::jsonb)
      on conflict (id) do nothing returning id`,
    tx,
  );
  const isNew = inserted.length > 0;
  const stored = await lockOrganization(database, tx, organizationId);
  if (!stored) throw new Error('The imported organization cannot be read.');
  const numbers = await addNumbers(database, tx, organizationId, stored.account, given.phoneNumbers);
  if (isNew) {
    await writeAudit(tx, {
      organizationId,
      actor: ACTOR,
      action: 'organization.create',
      subject: organizationId,
    });
  }
  const filled = isNew
    ? NOTHING_TO_FILL
    : await fillSettings(tx, organizationId, stored.settings, given.settings);
  const notes = [
    ...numbers.notes,
    ...filled.notes,
    ...(stored.name === given.name ? [] : ['organization_name_differs']),
    ...(stored.timezone === given.timezone ? [] : ['organization_timezone_differs']),
  ];
  const isWritten = isNew || numbers.added > 0 || filled.isFilled;
  return { outcome: isWritten ? 'written' : notes.length > 0 ? 'differs' : 'skipped', notes };
}

export async function applyAgent(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  given: ImportedAgent,
): Promise<Applied> {
  const stored = await lockOrganization(database, tx, organizationId);
  if (!stored) return { outcome: 'invalid', reason: 'organization_unknown' };
  const filled = await fillSettings(tx, organizationId, stored.settings, given.settings);
  const stock = await fillInventory(database, tx, organizationId, given);
  const notes = [...filled.notes, ...stock.notes];
  if (filled.isFilled || stock.isFilled) {
    await writeAudit(tx, {
      organizationId,
      actor: ACTOR,
      action: 'organization.change',
      subject: organizationId,
    });
    return { outcome: 'written', notes };
  }
  return { outcome: notes.length > 0 ? 'differs' : 'skipped', notes };
}

async function lockOrganization(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
): Promise<Stored | undefined> {
  const [row] = await database.query<Stored>(
    sql`select name, timezone, settings, coalesce(twilio_account_sid, 'default') as account from organizations
      where id = ${organizationId} for no key update`,
    tx,
  );
  return row;
}

async function addNumbers(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  account: string,
  phoneNumbers: ImportedOrganization['phoneNumbers'],
): Promise<{ readonly added: number; readonly notes: readonly string[] }> {
  if (phoneNumbers.length === 0) return { added: 0, notes: [] };
  const rows = phoneNumbers.map((phone_number, position) => ({ phone_number, position }));
  // The first number given is the one that a new conversation leaves from, hence the growing times.
  const added = await database.query(
    sql`insert into phone_numbers (account, phone_number, organization_id, created_at)
      select ${account}, phone_number, ${organizationId}, statement_timestamp() + make_interval(secs => position * 0.001)
      from jsonb_to_recordset(${jsonRows(rows)}) as r(phone_number text, position int)
      order by phone_number on conflict do nothing returning phone_number`,
    tx,
  );
  const taken = await database.query(
    sql`select 1 from phone_numbers p join jsonb_to_recordset(${jsonRows(rows)}) as r(phone_number text)
        on r.phone_number = p.phone_number
      where p.account = ${account} and p.organization_id <> ${organizationId}`,
    tx,
  );
  return { added: added.length, notes: taken.map(() => 'number_left_out:of_another_organization') };
}

interface Filled {
  readonly isFilled: boolean;
  readonly notes: readonly string[];
}
const NOTHING_TO_FILL: Filled = { isFilled: false, notes: [] };

async function fillSettings(
  tx: Orm,
  organizationId: OrganizationId,
  stored: OrganizationSettings,
  given: OrganizationSettings,
): Promise<Filled> {
  const names = Object.keys(given) as (keyof OrganizationSettings)[];
  const missing = names.filter((name) => stored[name] === undefined);
  const notes = names
    .filter(
      (name) => stored[name] !== undefined && JSON.stringify(stored[name]) !== JSON.stringify(given[name]),
    )
    .map((name) => `setting_differs:${name}`);
  if (missing.length === 0) return { isFilled: false, notes };
  // What is stored comes last and so stays.
  await tx.execute(
    sql`update organizations set settings = ${JSON.stringify(given)}::jsonb || settings where id = ${organizationId}`,
  );
  return { isFilled: true, notes };
}

/** Only into an empty inventory: otherwise a vehicle that was sold since would come back. */
async function fillInventory(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  { inventory }: ImportedAgent,
): Promise<Filled> {
  if (inventory.length === 0) return NOTHING_TO_FILL;
  const inserted = await database.query(
    sql`insert into vehicles (organization_id, stock_number, condition, year, make, model, trim, body_style, color,
        odometer_km, price, currency)
      select ${organizationId}, "stockNumber", condition, year, make, model, trim, "bodyStyle", color, "odometerKm",
        price, currency
      from jsonb_to_recordset(${jsonRows(inventory)}) as r("stockNumber" text, condition text, year int, make text,
        model text, trim text, "bodyStyle" text, color text, "odometerKm" int, price int, currency text)
      where not exists (select 1 from vehicles v where v.organization_id = ${organizationId})
      on conflict do nothing returning stock_number`,
    tx,
  );
  if (inserted.length > 0) return { isFilled: true, notes: [] };
  const [other] = await database.query<{ count: number }>(
    sql`select count(*)::int as count from jsonb_to_recordset(${jsonRows(inventory)}) as r("stockNumber" text)
      where not exists (select 1 from vehicles v
        where v.organization_id = ${organizationId} and v.stock_number = r."stockNumber")`,
    tx,
  );
  return { isFilled: false, notes: (other?.count ?? 0) > 0 ? ['inventory_differs'] : [] };
}
