/** An organization's numbers, and what an administrator says of each. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type { Registration } from '../outbound/types.js';
import type { KeywordAnswers } from '../sms/keywords.js';
import type { E164, OrganizationId } from '../types.js';
import { writeAudit } from './audit.js';

export interface PhoneNumber {
  readonly phoneNumber: E164;
  /** Null: nobody has said whether the number may text the United States. */
  readonly registration: Registration | null;
  readonly keywordAnswers: KeywordAnswers;
}

const COLUMNS = sql`phone_number as "phoneNumber", registration, keyword_answers as "keywordAnswers"`;

/** In the order in which they were added. @returns undefined when there is no such organization. */
export async function listPhoneNumbers(
  database: Database,
  organizationId: OrganizationId,
): Promise<PhoneNumber[] | undefined> {
  const rows = await database.query<{ numbers: PhoneNumber[] }>(
    sql`select (select coalesce(jsonb_agg(to_jsonb(n)), '[]') from (
        select ${COLUMNS} from phone_numbers where organization_id = o.id order by created_at, phone_number
      ) n) as numbers from organizations o where o.id = ${organizationId}`,
  );
  return rows[0]?.numbers;
}

export interface PhoneNumberChange {
  readonly registration?: Registration | null | undefined;
  readonly keywordAnswers?: KeywordAnswers | undefined;
}

/** @returns undefined when the organization has no such number. */
export async function changePhoneNumber(
  database: Database,
  organizationId: OrganizationId,
  phoneNumber: E164,
  change: PhoneNumberChange,
  actor: string,
): Promise<PhoneNumber | undefined> {
  const { registration, keywordAnswers } = change;
  return await database.transaction(async (tx) => {
    const [changed] = await database.query<PhoneNumber>(
      sql`update phone_numbers set
          registration = case when ${registration !== undefined} then ${registration ?? null}::text else registration end,
          keyword_answers = coalesce(${keywordAnswers ?? null}::text, keyword_answers)
        where organization_id = ${organizationId} and phone_number = ${phoneNumber} returning ${COLUMNS}`,
      tx,
    );
    if (!changed) return undefined;
    if (registration === 'approved' || registration === 'not_needed') {
      // Put up when the carrier said that a number of this organization was not registered.
      await tx.execute(
        sql`delete from sending_holds where organization_id = ${organizationId} and kind = 'registration'`,
      );
    }
    await writeAudit(tx, {
      organizationId,
      actor,
      action: 'phone_number.change',
      subject: phoneNumber.slice(-4),
      details: {
        ...(registration === undefined ? {} : { registration: registration ?? 'none' }),
        ...(keywordAnswers === undefined ? {} : { keywordAnswers }),
      },
    });
    return changed;
  });
}
