/**
 * The way of alerts to staff phones, in the record. What waits for a phone is taken together, as one text with an id of its own:
 * the rows name the message before it is committed, so whoever takes over from a dead process neither sends it twice nor
 * forgets it. All on the database's clock.
 */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import type { AlertKind, AlertTextState } from '../db/schema/alerts.js';
import { milliseconds, nowRounded } from '../db/sqlHelpers.js';
import { type E164, type LeadId, type MessageId, newMessageId, type OrganizationId } from '../types.js';

/** A text in hand. `fence` guards what is written about it afterwards. */
export interface AlertTextClaim {
  readonly organizationId: OrganizationId;
  readonly phone: E164;
  readonly messageId: MessageId;
  readonly fence: number;
  /** This one included, of the alert that was tried most often. */
  readonly attempts: number;
  /** Of the newest of its alerts, in milliseconds. */
  readonly ageMs: number;
  /** The message is in the record already: a process died before it could say so. */
  readonly isCommitted: boolean;
  readonly dealership: string;
  /** Oldest first. */
  readonly alerts: readonly ToldAlert[];
}

/** Of an alert, what a text says. */
export interface ToldAlert {
  readonly kind: AlertKind;
  /** Null where it concerns the organization. */
  readonly leadId: LeadId | null;
  /** Of a handoff. */
  readonly trigger: string | null;
}

export interface AlertTextLimits {
  /** How long to wait for more after an alert. */
  readonly gatherMs: number;
  readonly leaseMs: number;
  /** Most texts to a phone in an hour, unless the organization says otherwise. */
  readonly perHour: number;
  /** An older alert is not texted any more. */
  readonly maxAgeMs: number;
}

interface Place {
  readonly organizationId: OrganizationId;
  readonly phone: E164;
}

/** Some of the phones for which something is due; each in a transaction of its own. */
export async function claimAlertTexts(
  database: Database,
  limit: number,
  limits: AlertTextLimits,
): Promise<AlertTextClaim[]> {
  const places = await database.query<Place>(
    sql`select organization_id as "organizationId", phone from alert_texts t
      where state = 'pending' and due_at <= ${nowRounded} - ${milliseconds(limits.gatherMs)}
        and (lease_until is null or lease_until <= clock_timestamp())
      group by organization_id, phone order by min(due_at) limit ${limit}`,
  );
  const claims: AlertTextClaim[] = [];
  for (const place of places) {
    const claim = await database.transaction((tx) => claimPlace(database, tx, place, limits));
    if (claim) claims.push(claim);
  }
  return claims;
}

async function claimPlace(
  database: Database,
  tx: Orm,
  place: Place,
  limits: AlertTextLimits,
): Promise<AlertTextClaim | undefined> {
  const { organizationId, phone } = place;
  // One process at a time decides what a phone is told, so that the bound of an hour holds among all of them.
  const [lock] = await database.query<{ isMine: boolean }>(
    sql`select pg_try_advisory_xact_lock(hashtextextended(${`alert_texts ${organizationId} ${phone}`}, 0)) as "isMine"`,
    tx,
  );
  if (!lock?.isMine || (await isInHand(database, tx, place))) return undefined;
  if (!(await isBegun(database, tx, place))) {
    await dropUnwanted(tx, place, limits);
    if (await mustWait(database, tx, place, limits)) return undefined;
    await tx.execute(
      sql`update alert_texts set message_id = ${newMessageId()}::uuid
        where ${waitingAt(place)} and message_id is null`,
    );
  }
  const [claim] = await database.query<AlertTextClaim>(
    sql`with taken as (
        update alert_texts set attempts = attempts + 1,
          fence = (select max(x.fence) + 1 from alert_texts x where x.organization_id = ${organizationId}
            and x.phone = ${phone} and x.state = 'pending'),
          lease_until = clock_timestamp() + ${milliseconds(limits.leaseMs)}
        where ${waitingAt(place)} and message_id is not null
        returning alert_id, organization_id, phone, message_id, fence, attempts
      )
      select t.organization_id as "organizationId", t.phone, t.message_id as "messageId", max(t.fence)::float8 as fence,
        max(t.attempts) as attempts, o.name as dealership,
        (extract(epoch from clock_timestamp() - max(a.created_at)) * 1000)::float8 as "ageMs",
        exists (select 1 from messages m where m.id = t.message_id) as "isCommitted",
        jsonb_agg(jsonb_build_object('kind', a.kind, 'leadId', c.lead_id, 'trigger', a.details ->> 'trigger')
          order by a.created_at, a.id) as alerts
      from taken t join staff_alerts a on a.id = t.alert_id join organizations o on o.id = t.organization_id
      left join conversations c on c.id = a.conversation_id and c.organization_id = t.organization_id
      group by t.organization_id, t.phone, t.message_id, o.name`,
    tx,
  );
  return claim;
}

const waitingAt = ({ organizationId, phone }: Place) =>
  sql`organization_id = ${organizationId} and phone = ${phone} and state = 'pending'`;

const isInHand = async (database: Database, tx: Orm, place: Place): Promise<boolean> =>
  (
    await database.query(
      sql`select 1 from alert_texts where ${waitingAt(place)} and lease_until > clock_timestamp() limit 1`,
      tx,
    )
  ).length > 0;

/** A process died with a text in hand: it is gone on with as it was. */
const isBegun = async (database: Database, tx: Orm, place: Place): Promise<boolean> =>
  (
    await database.query(
      sql`select 1 from alert_texts where ${waitingAt(place)} and message_id is not null limit 1`,
      tx,
    )
  ).length > 0;

/**
 * What nobody needs to be told: somebody has seen to it, it is old, or the phone is none of the dealership's people any more.
 * One of the organization's own numbers would text itself.
 */
async function dropUnwanted(tx: Orm, place: Place, { maxAgeMs }: AlertTextLimits): Promise<void> {
  await tx.execute(
    sql`with judged as (
        select t.alert_id, case
          when a.resolved_at is not null then 'resolved'
          when not coalesce(o.settings #> '{alerts,phones}' ? t.phone, false) then 'not_named'
          when exists (select 1 from phone_numbers n where n.organization_id = t.organization_id
            and n.phone_number = t.phone) then 'own_number'
          when a.created_at <= clock_timestamp() - ${milliseconds(maxAgeMs)} then 'too_late' end as reason
        from alert_texts t join staff_alerts a on a.id = t.alert_id join organizations o on o.id = t.organization_id
        where t.organization_id = ${place.organizationId} and t.phone = ${place.phone} and t.state = 'pending'
      )
      update alert_texts t set state = 'dropped', lease_until = null, settled_at = clock_timestamp(),
        reason = case when j.reason = 'too_late' then coalesce(t.reason, j.reason) else j.reason end
      from judged j where j.alert_id = t.alert_id and t.phone = ${place.phone} and j.reason is not null`,
  );
}

/**
 * The phone has had its texts of this hour, or what was refused is to be tried later: what came since waits with it.
 * @returns whether it is so.
 */
async function mustWait(
  database: Database,
  tx: Orm,
  place: Place,
  { perHour }: AlertTextLimits,
): Promise<boolean> {
  const waiting = await database.query(
    sql`with most as (
        select coalesce((settings #>> '{alerts,textsPerHour}')::int, ${perHour}::int) as texts from organizations
        where id = ${place.organizationId}
      ), told as (
        select message_id, min(settled_at) as at from alert_texts
        where organization_id = ${place.organizationId} and phone = ${place.phone} and state = 'texted'
          and settled_at > clock_timestamp() - interval '1 hour'
        group by message_id
      ), full_until as (
        select at + interval '1 hour' as moment from told
        order by at desc offset (select texts - 1 from most) limit 1
      ), later as (
        select max(moment) as moment from (
          select moment from full_until
          union all
          select due_at from alert_texts where ${waitingAt(place)} and attempts > 0
        ) m
      )
      update alert_texts t set due_at = l.moment from later l
      where l.moment > clock_timestamp() and t.organization_id = ${place.organizationId} and t.phone = ${place.phone} and t.state = 'pending'
      returning 1`,
    tx,
  );
  return waiting.length > 0;
}

/** How a claim ends. `pending`: its alerts are told later, with what has come by then. */
export type AlertTextOutcome =
  | { readonly state: Exclude<AlertTextState, 'pending'>; readonly reason: string | null }
  | { readonly state: 'pending'; readonly delayMs: number; readonly reason: string };

/** @returns false when the claim was lost. */
export async function settleAlertText(
  database: Database,
  { organizationId, phone, messageId, fence }: AlertTextClaim,
  outcome: AlertTextOutcome,
): Promise<boolean> {
  const delayMs = outcome.state === 'pending' ? outcome.delayMs : 0;
  const rows = await database.query(
    sql`update alert_texts set state = ${outcome.state}, reason = ${outcome.reason}::text, lease_until = null,
        message_id = case when ${outcome.state} = 'texted' then message_id end,
        due_at = clock_timestamp() + ${milliseconds(delayMs)},
        settled_at = case when ${outcome.state} <> 'pending' then clock_timestamp() end
      where ${waitingAt({ organizationId, phone })} and message_id = ${messageId} and fence = ${fence}
      returning alert_id`,
    database.orm,
  );
  return rows.length > 0;
}
