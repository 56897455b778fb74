/** Puts the demo dealership into an empty record, so that a first start has somebody to text with. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import { DEMO_DEALERSHIP } from '../demo/dealership.js';

/** @returns whether it was put in: a record that has an organization is left alone. Safe to run in two processes. */
export async function seedDemo(database: Database): Promise<boolean> {
  const { id, name, timezone, phoneNumber, settings, inventory } = DEMO_DEALERSHIP;
  return await database.transaction(async (tx) => {
    const inserted = await database.query(
      sql`insert into organizations (id, name, timezone, settings)
        select ${id}, ${name}, ${timezone}, ${JSON.stringify(settings)}::jsonb
        where not exists (select 1 from organizations) on conflict (id) do nothing returning id`,
      tx,
    );
    if (inserted.length === 0) return false;
    await tx.execute(
      sql`insert into phone_numbers (account, phone_number, organization_id)
        values ('default', ${phoneNumber}, ${id})`,
    );
    await tx.execute(
      sql`insert into vehicles (organization_id, stock_number, condition, year, make, model, trim, body_style, color,
          odometer_km, price, currency)
        select ${id}, "stockNumber", condition, year, make, model, trim, "bodyStyle", color, "odometerKm",
          price, currency
        from jsonb_to_recordset(${jsonRows(inventory)}) as r("stockNumber" text, condition text, year int, make text,
          model text, trim text, "bodyStyle" text, color text, "odometerKm" int, price int, currency text)`,
    );
    return true;
  });
}
