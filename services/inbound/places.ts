/** Where a text belongs: organization by (account, number), lead and conversation, made when the sender is new. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import { optedOutSince } from '../record/consent.js';
import type { Secrets } from '../secrets.js';
import type { KeywordAnswers } from '../sms/keywords.js';
import type { InboundSms } from '../twilio/webhook.js';
import type { ConversationId, E164, LeadId, OrganizationId } from '../types.js';
import { newConversationId, newLeadId } from '../types.js';

interface PlaceDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  /** The deployment's own account; undefined with the simulated carrier. */
  readonly defaultAccountSid: string | undefined;
}

export interface Place {
  /** Of the text in its batch. */
  readonly idx: number;
  /** Null where the number is not one of the organization's: what was given to it by hand. */
  readonly account: string | null;
  /** Who answers keywords sent to the number; null where it is not the organization's. */
  readonly keywordAnswers: KeywordAnswers | null;
  readonly organizationId: OrganizationId | null;
  readonly leadId: LeadId | null;
  readonly conversationId: ConversationId | null;
  /** The sender is a phone of the dealership's own that gets alerts: what comes from there is no shopper's. */
  readonly isStaff: boolean;
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
    assigned: text.assigned?.organizationId,
  }));
  const places = await selectPlaces(deps, tx, rows);
  const isNew = places.filter((place) => place.organizationId && !place.conversationId);
  const senders = isNew.filter((place) => texts[place.idx]?.fromPhone);
  if (senders.length === 0) return places;
  await createLeads(
    deps,
    tx,
    senders.map((place) => ({ place, text: texts[place.idx] as InboundSms })),
  );
  return await selectPlaces(deps, tx, rows);
}

const selectPlaces = (deps: PlaceDeps, tx: Orm, rows: readonly object[]): Promise<Place[]> =>
  deps.database.query<Place>(
    // An administrator's word counts before the number, which may belong to nobody still.
    sql`select i.idx, n.account, n.keyword_answers as "keywordAnswers", coalesce(o.id, n.organization_id) as "organizationId", l.id as "leadId",
        c.id as "conversationId", coalesce(l.kind = 'staff', false) as "isStaff"
      from jsonb_to_recordset(${jsonRows(rows)})
        as i(idx int, account text, default_too boolean, to_number text, from_number text, assigned text)
      left join lateral (
        select p.organization_id, p.account, p.keyword_answers from phone_numbers p
        where p.phone_number = i.to_number and (p.account = i.account or (i.default_too and p.account = 'default'))
          and (i.assigned is null or p.organization_id = i.assigned)
        order by p.account = 'default' limit 1
      ) n on true
      left join organizations o on o.id = i.assigned
      left join lateral (
        select x.id, x.kind from leads x
        where x.organization_id = coalesce(o.id, n.organization_id) and x.phone = i.from_number
          and (x.kind = 'shopper' or (select g.settings #> '{alerts,phones}' from organizations g
            where g.id = x.organization_id) ? x.phone)
        order by x.kind = 'staff' desc limit 1
      ) l on true
      left join conversations c on c.lead_id = l.id
      order by i.idx`,
    tx,
  );

async function createLeads(
  { secrets }: PlaceDeps,
  tx: Orm,
  entries: readonly { place: Place; text: InboundSms }[],
): Promise<void> {
  const rows = entries
    .map(({ place, text }) => ({
      lead_id: newLeadId(),
      conversation_id: newConversationId(),
      organization_id: place.organizationId,
      phone: text.fromPhone,
      kind: place.isStaff ? 'staff' : 'shopper',
      phone_hash: secrets.hashPhone(place.organizationId as OrganizationId, text.fromPhone as E164),
      geography: text.geography,
    }))
    .sort((a, b) => (`${a.organization_id}:${a.phone}` < `${b.organization_id}:${b.phone}` ? -1 : 1));
  await tx.execute(
    sql`insert into leads (id, organization_id, phone, kind, source, geography)
      select r.lead_id, r.organization_id, r.phone, r.kind, 'sms', r.geography
      from jsonb_to_recordset(${jsonRows(rows)})
        as r(lead_id uuid, organization_id text, phone text, kind text, geography jsonb)
      order by r.organization_id, r.phone, r.kind
      on conflict (organization_id, phone, kind) do nothing`,
  );
  await tx.execute(
    // Who has opted out has done so for every lead that the phone may get.
    sql`insert into conversations (id, organization_id, lead_id, opted_out, opted_out_at)
      select distinct on (l.id) r.conversation_id, l.organization_id, l.id, s.since is not null, s.since
      from jsonb_to_recordset(${jsonRows(rows)})
        as r(conversation_id uuid, organization_id text, phone text, kind text, phone_hash text)
      join leads l on l.organization_id = r.organization_id and l.phone = r.phone and l.kind = r.kind
      left join lateral (select ${optedOutSince(sql`r.organization_id`, sql`r.phone_hash`)} as since) s on true
      order by l.id
      on conflict (lead_id) do nothing`,
  );
}
