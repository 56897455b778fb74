/** An organization's conversations at a glance. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type { LiveView, OrganizationId } from '../types.js';
import { isWithStaff } from './staffPhones.js';
import { isoUtc } from './utc.js';

const NEWEST = 10;

/** One statement, so that counts and list are of one moment. @returns undefined when there is no such organization. */
export async function readLiveView(
  database: Database,
  organizationId: OrganizationId,
): Promise<LiveView | undefined> {
  const [row] = await database.query<LiveView>(
    sql`select ${isoUtc(sql`clock_timestamp()`)} as "asOf", n.*,
        (select coalesce(jsonb_agg(jsonb_build_object('leadId', c.lead_id, 'owner', c.owner, 'lastSeq', c.last_seq,
            'lastMessageAt', ${isoUtc(sql`c.last_message_at`)}) order by c.last_message_at desc, c.id), '[]')
          from (select * from conversations c
            where organization_id = ${organizationId} and archived_seq < last_seq and not ${isWithStaff(organizationId)}
            order by last_message_at desc, id limit ${NEWEST}) c) as newest
      from organizations o cross join lateral (
        select count(*)::int as open,
          count(*) filter (where c.owner = 'human' and not c.opted_out
            and c.last_inbound_seq > c.last_outbound_seq)::int as "waitingForPerson",
          count(*) filter (where c.reply_due_at is not null)::int as "waitingForAssistant",
          count(*) filter (where c.opted_out)::int as "optedOut",
          ${isoUtc(sql`max(c.last_message_at)`)} as "newestAt"
        from conversations c where c.organization_id = ${organizationId} and c.archived_seq < c.last_seq
          and not ${isWithStaff(organizationId)}
      ) n
      where o.id = ${organizationId}`,
  );
  return row;
}
