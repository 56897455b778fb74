/** Where a text belongs: organization by (account, number), lead and conversation, made when the sender is new. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { InboundSms } from '../twilio/webhook.js';
import type { ConversationId, LeadId, OrganizationId } from '../types.js';
import { newConversationId, newLeadId } from '../types.js';

interface PlaceDeps {
  readonly database: Database;
  /** The deployment's own account; undefined with the simulated carrier. */
  readonly defaultAccountSid: string | undefined;
}

export interface Place {
  /** Of the text in its batch. */
  readonly idx: number;
  readonly account: string | null;
  readonly organizationId: OrganizationId | null;
  readonly leadId: LeadId | null;
  readonly conversationId: ConversationId | null;
}

/** @returns one place a text, in order; without an organization the text is for nobody here. */
export async function resolvePlaces(
  deps: PlaceDeps,
  tx: Orm,
  texts: readonly InboundSms[],
): Promise<readonly Place[]> {
  const rows = texts.map((text, idx) => ({
    idx,
    account: text.accountSid,
    // With no account configured (simulated carrier) whatever account a text names stands for the default one.
    default_too: deps.defaultAccountSid === undefined || deps.defaultAccountSid === text.accountSid,
    to_number: text.to,
    from_number: text.fromPhone,
  }));
  const places = await selectPlaces(deps, tx, rows);
  const isNew = places.filter((place) => place.organizationId && !place.conversationId);
  const senders = isNew.filter((place) => texts[place.idx]?.fromPhone);
  if (senders.length === 0) return places;
  await createLeads(
    tx,
    senders.map((place) => ({ place, text: texts[place.idx] as InboundSms })),
  );
  return await selectPlaces(deps, tx, rows);
}

const selectPlaces = (deps: PlaceDeps, tx: Orm, rows: readonly object[]): Promise<Place[]> =>
  deps.database.query<Place>(
    sql`select i.idx, n.account, n.organization_id as "organizationId", l.id as "leadId", c.id as "conversationId"
      from jsonb_to_recordset(${jsonRows(rows)})
        as i(idx int, account text, default_too boolean, to_number text, from_number text)
      left join lateral (
        select p.organization_id, p.account from phone_numbers p
        where p.phone_number = i.to_number and (p.account = i.account or (i.default_too and p.account = 'default'))
        order by p.account = 'default' limit 1
      ) n on true
      left join leads l on l.organization_id = n.organization_id and l.phone = i.from_number
      left join conversations c on c.lead_id = l.id
      order by i.idx`,
    tx,
  );

async function createLeads(tx: Orm, entries: readonly { place: Place; text: InboundSms }[]): Promise<void> {
  const rows = entries
    .map(({ place, text }) => ({
      lead_id: newLeadId(),
      conversation_id: newConversationId(),
      organization_id: place.organizationId,
      phone: text.fromPhone,
      geography: text.geography,
    }))
    .sort((a, b) => (`${a.organization_id}:${a.phone}` < `${b.organization_id}:${b.phone}` ? -1 : 1));
  await tx.execute(
    sql`insert into leads (id, organization_id, phone, source, geography)
      select r.lead_id, r.organization_id, r.phone, 'sms', r.geography
      from jsonb_to_recordset(${jsonRows(rows)})
        as r(lead_id uuid, organization_id text, phone text, geography jsonb)
      order by r.organization_id, r.phone
      on conflict (organization_id, phone) do nothing`,
  );
  await tx.execute(
    sql`insert into conversations (id, organization_id, lead_id)
      select distinct on (l.id) r.conversation_id, l.organization_id, l.id
      from jsonb_to_recordset(${jsonRows(rows)}) as r(conversation_id uuid, organization_id text, phone text)
      join leads l on l.organization_id = r.organization_id and l.phone = r.phone
      order by l.id
      on conflict (lead_id) do nothing`,
  );
}
