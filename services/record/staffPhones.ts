/**
 * Phones of the dealership's own people, which get alerts as texts (settings `alerts.phones`). Each has a lead of the kind
 * `staff`, beside that of the shopper who may have the same phone, so that what is said to staff has a conversation and is in
 * no list of shoppers.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import type { Secrets } from '../secrets.js';
import { type ConversationId, type E164, newConversationId, type OrganizationId } from '../types.js';
import { optedOutSince } from './consent.js';

/**
 * The leads of the phones that the organization's settings name, from when they are named: a text from there is none of a
 * shopper, even before the first alert.
 */
export async function nameStaffPhones(tx: Orm, organizationId: OrganizationId): Promise<void> {
  await tx.execute(
    sql`insert into leads (id, organization_id, phone, kind, source)
      select gen_random_uuid(), o.id, p #>> '{}', 'staff', 'staff'
      from organizations o cross join lateral jsonb_path_query(o.settings, '$.alerts.phones[*]') p
      where o.id = ${organizationId} order by p #>> '{}' on conflict (organization_id, phone, kind) do nothing`,
  );
}

/** The conversation with a staff phone, made when there is none. A phone that opted out before has opted out still. */
export async function openStaffConversation(
  { database, secrets }: { readonly database: Database; readonly secrets: Secrets },
  organizationId: OrganizationId,
  phone: E164,
): Promise<{ readonly id: ConversationId; readonly isNew: boolean }> {
  return await database.transaction(async (tx) => {
    await tx.execute(
      sql`insert into leads (id, organization_id, phone, kind, source)
        values (gen_random_uuid(), ${organizationId}, ${phone}, 'staff', 'staff')
        on conflict (organization_id, phone, kind) do nothing`,
    );
    const since = optedOutSince(organizationId, secrets.hashPhone(organizationId, phone));
    await tx.execute(
      sql`insert into conversations (id, organization_id, lead_id, opted_out, opted_out_at)
        select ${newConversationId()}::uuid, l.organization_id, l.id, s.since is not null, s.since
        from leads l cross join (select ${since} as since) s
        where l.organization_id = ${organizationId} and l.phone = ${phone} and l.kind = 'staff'
        on conflict (lead_id) do nothing`,
    );
    const [row] = await database.query<{ id: ConversationId; isNew: boolean }>(
      sql`select c.id, c.last_outbound_seq = 0 as "isNew" from conversations c join leads l on l.id = c.lead_id
        where l.organization_id = ${organizationId} and l.phone = ${phone} and l.kind = 'staff'`,
      tx,
    );
    if (!row) throw new Error('The conversation with a staff phone cannot be read.');
    return row;
  });
}

/** For a conversation aliased `c` of the organization: whether it is one with staff, of which there are a few. */
export const isWithStaff = (organizationId: OrganizationId): SQL =>
  sql`(c.lead_id in (select s.id from leads s where s.organization_id = ${organizationId} and s.kind = 'staff'))`;
