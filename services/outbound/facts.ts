/** What the gate decides on, as the record has it. Everything here is read under the lock of the conversations. */
import { type SQL, sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, uuidList } from '../db/sqlHelpers.js';
import type { ConversationId, E164, MessageId, OrganizationId, OrganizationSettings } from '../types.js';
import type { OrganizationLimits, RecipientFacts } from './gate.js';
import { type StatedPlace, whereaboutsOf } from './whereabouts.js';

/** Of an organization's settings, what the door keeps. */
export type DoorSettings = Pick<OrganizationSettings, 'sending' | 'quietHours' | 'limits'>;

/** @param organization the alias of the table. */
export const doorSettings = (organization: SQL): SQL =>
  sql`jsonb_strip_nulls(jsonb_build_object('sending', ${organization}.settings -> 'sending',
    'quietHours', ${organization}.settings -> 'quietHours', 'limits', ${organization}.settings -> 'limits'))`;

export const toLimits = ({ sending, quietHours, limits }: DoorSettings): OrganizationLimits => ({
  isSendingOff: sending === 'off',
  holdsReplies: quietHours?.holdReplies ?? false,
  startedPerPerson: limits?.startedPerPersonAndDay,
  segmentsPerText: limits?.segmentsPerText,
  textsPerDay: limits?.textsPerDay,
});

interface RecipientRow {
  readonly id: ConversationId;
  readonly phone: E164;
  readonly stated: StatedPlace;
  readonly organizationZone: string;
  readonly lastInboundAtMs: number | null;
  readonly startedAtMs: readonly number[];
}

/** Texts may wait for some days until they leave; the index is by when they were committed. */
const LONGEST_WAIT = sql`interval '16 days'`;

/**
 * A statement of its own, after the one that locks: what a transaction before us committed while we waited for its lock
 * is in this one's sight. Answers to a shopper do not need it.
 * @param except a text that is not counted among those that we started: the one that is decided on.
 */
export async function readRecipients(
  database: Database,
  tx: Orm,
  conversationIds: readonly ConversationId[],
  { nowMs, except }: { readonly nowMs: number; readonly except?: MessageId },
): Promise<Map<ConversationId, RecipientFacts>> {
  if (conversationIds.length === 0) return new Map();
  const rows = await database.query<RecipientRow>(
    sql`select c.id, l.phone, o.timezone as "organizationZone",
        jsonb_build_object(
          'postalCode', coalesce(l.attributes #> '{address,postalCode}', l.attributes #> '{address,zip}',
            l.attributes -> 'postalCode', l.attributes -> 'zip'),
          'region', coalesce(l.attributes #> '{address,region}', l.attributes #> '{address,state}',
            l.attributes -> 'region', l.attributes -> 'state'),
          'country', coalesce(l.attributes #> '{address,country}', l.attributes -> 'country'),
          'timezone', l.attributes -> 'timezone') as stated,
        (select extract(epoch from m.created_at)::float8 * 1000 from messages m
          where m.conversation_id = c.id and m.seq = c.last_inbound_seq) as "lastInboundAtMs",
        (select coalesce(jsonb_agg(extract(epoch from s.moment)::float8 * 1000), '[]') from (
          select coalesce(scheduled_for, created_at) as moment from outbox
          where conversation_id = c.id and purpose is not null and purpose <> 'staff_alert'
            and state not in ('canceled', 'refused') and created_at > clock_timestamp() - ${LONGEST_WAIT}
            and message_id is distinct from ${except ?? null}::uuid
        ) s where s.moment > to_timestamp(${nowMs / 1000}::float8) - interval '1 day') as "startedAtMs"
      from conversations c join leads l on l.id = c.lead_id join organizations o on o.id = c.organization_id
      where c.id in ${uuidList(conversationIds)}`,
    tx,
  );
  return new Map(rows.map((row) => [row.id, toRecipient(row)]));
}

const toRecipient = ({ phone, stated, organizationZone, ...facts }: RecipientRow): RecipientFacts => ({
  whereabouts: whereaboutsOf({ phone, stated, organizationZone }),
  lastInboundAtMs: facts.lastInboundAtMs,
  startedAtMs: facts.startedAtMs,
});

/**
 * The texts of today of organizations that have set themselves a limit. Their rows are locked until the transaction
 * ends, so that two processes do not both send the last one.
 */
export async function lockDays(
  database: Database,
  tx: Orm,
  organizationIds: readonly OrganizationId[],
): Promise<Map<OrganizationId, number>> {
  if (organizationIds.length === 0) return new Map();
  const rows = await database.query<{ id: OrganizationId; texts: number }>(
    sql`insert into outbound_days as d (organization_id, day, texts)
      select o.id, (clock_timestamp() at time zone o.timezone)::date, 0 from organizations o
      where o.id in (select value from jsonb_array_elements_text(${JSON.stringify(organizationIds)}::jsonb))
      order by o.id
      on conflict (organization_id, day) do update set texts = d.texts
      returning organization_id as id, texts`,
    tx,
  );
  return new Map(rows.map(({ id, texts }) => [id, texts]));
}

/** Days of an organization before today are of no use any more and go. */
export async function countDays(tx: Orm, sent: ReadonlyMap<OrganizationId, number>): Promise<void> {
  if (sent.size === 0) return;
  const rows = [...sent].map(([id, texts]) => ({ id, texts }));
  await tx.execute(
    sql`with r as (
        select o.id, r.texts, (clock_timestamp() at time zone o.timezone)::date as today
        from jsonb_to_recordset(${jsonRows(rows)}) as r(id text, texts int) join organizations o on o.id = r.id
      ), gone as (
        delete from outbound_days d using r where d.organization_id = r.id and d.day < r.today - 7
      )
      update outbound_days d set texts = d.texts + r.texts from r
      where d.organization_id = r.id and d.day = r.today`,
  );
}
