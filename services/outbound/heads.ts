/** The conversations that texts are committed to, locked, with what every decision needs. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { uuidList } from '../db/sqlHelpers.js';
import type { ConversationId, E164, OrganizationId, Owner, Rev, Slots } from '../types.js';
import { type DoorSettings, doorSettings } from './facts.js';
import type { Registration } from './types.js';

export interface Head {
  readonly id: ConversationId;
  readonly organizationId: OrganizationId;
  /** Its name. */
  readonly dealership: string;
  readonly owner: Owner;
  readonly optedOut: boolean;
  readonly isTextable: boolean;
  readonly lastSeq: number;
  readonly lastInboundSeq: number;
  /** 0: nothing was said to this person yet. */
  readonly lastOutboundSeq: number;
  readonly fence: number;
  readonly isLeased: boolean;
  readonly isReplyDue: boolean;
  readonly phone: E164;
  readonly account: string | null;
  readonly fromNumber: E164 | null;
  readonly registration: Registration | null;
  readonly settings: DoorSettings;
  readonly slots: Slots;
  readonly summary: string;
  /** Null for all but the first of a batch. */
  readonly baseRev: Rev | null;
}

export async function lockHeads(
  database: Database,
  tx: Orm,
  conversationIds: readonly ConversationId[],
): Promise<Map<ConversationId, Head>> {
  const ids = [...new Set(conversationIds)];
  const heads = await database.query<Head>(
    sql`select c.id, c.organization_id as "organizationId", o.name as dealership, c.owner, c.opted_out as "optedOut",
        l.untextable_code is null as "isTextable", c.last_seq as "lastSeq", c.last_inbound_seq as "lastInboundSeq",
        c.last_outbound_seq as "lastOutboundSeq",
        c.fence::float8 as fence, c.lease_until is not null as "isLeased", c.reply_due_at is not null as "isReplyDue",
        l.phone, case when c.dealership_number is null then n.account else c.account end as account,
        coalesce(c.dealership_number, n.phone_number) as "fromNumber", n.registration,
        ${doorSettings(sql`o`)} as settings, c.slots, c.summary, c.base_rev as "baseRev"
      from conversations c join leads l on l.id = c.lead_id join organizations o on o.id = c.organization_id
      left join lateral (
        select account, phone_number, registration from phone_numbers p where p.organization_id = c.organization_id
        order by (p.account, p.phone_number) is distinct from (c.account, c.dealership_number), p.created_at,
          p.phone_number limit 1
      ) n on true
      where c.id in ${uuidList(ids)} order by c.id for no key update of c`,
    tx,
  );
  return new Map(heads.map((head) => [head.id, head]));
}
