/** The way of alerts to the organizations' URLs, in the record: leased rows, on the database's clock. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type { AlertDeliveryState, AlertKind } from '../db/schema/alerts.js';
import { milliseconds, nowRounded } from '../db/sqlHelpers.js';
import type { LeadId, OrganizationId } from '../types.js';
import { isoUtc } from './utc.js';

/** One delivery in hand. `fence` guards what is written about it afterwards. */
export interface AlertDelivery {
  readonly alertId: string;
  readonly organizationId: OrganizationId;
  readonly fence: number;
  /** This one included. */
  readonly attempts: number;
  /** Of the alert, in milliseconds. */
  readonly ageMs: number;
  /** As the settings have it now; null when it has been taken away. */
  readonly url: string | null;
  /** Sealed; all that are valid now, the newest first. */
  readonly secretsSealed: readonly string[];
  readonly alert: {
    readonly kind: AlertKind;
    readonly reason: string;
    readonly details: Readonly<Record<string, string | number | boolean>>;
    readonly leadId: LeadId | null;
    /** ISO 8601. */
    readonly createdAt: string;
  };
}

/** One an organization at a time, so that a receiver that hangs holds up nobody else's. */
export async function claimAlertDeliveries(
  database: Database,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<AlertDelivery[]> {
  return await database.query<AlertDelivery>(
    // The organizations are found one after the other in an index: a long queue costs no more than a short one.
    sql`with recursive waiting as (
        (select organization_id from alert_deliveries where state = 'pending' order by organization_id limit 1)
        union all
        select next.organization_id from waiting w cross join lateral (
          select d.organization_id from alert_deliveries d
          where d.state = 'pending' and d.organization_id > w.organization_id order by d.organization_id limit 1
        ) next
      ), first as materialized (
        select oldest.* from waiting w cross join lateral (
          select d.alert_id, d.channel, d.due_at from alert_deliveries d
          where d.state = 'pending' and d.organization_id = w.organization_id and d.due_at <= ${nowRounded}
          order by d.due_at limit 1
        ) oldest
        where not exists (select 1 from alert_deliveries busy where busy.organization_id = w.organization_id
          and busy.lease_until is not null and busy.lease_until > clock_timestamp())
        order by oldest.due_at limit ${limit}
      ), due as (
        select d.alert_id, d.channel from alert_deliveries d join first f using (alert_id, channel)
        where d.state = 'pending' and d.due_at <= ${nowRounded}
          and (d.lease_until is null or d.lease_until <= clock_timestamp())
        for no key update of d skip locked
      ), claimed as (
        update alert_deliveries d set attempts = d.attempts + 1, fence = d.fence + 1,
          lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
        from due where d.alert_id = due.alert_id and d.channel = due.channel returning d.*
      )
      select c.alert_id as "alertId", c.organization_id as "organizationId", c.fence::float8 as fence, c.attempts,
        (extract(epoch from clock_timestamp() - a.created_at) * 1000)::float8 as "ageMs",
        o.settings #>> '{alerts,webhookUrl}' as url,
        to_jsonb(array_remove(array[s.secret_sealed,
          case when s.previous_until > clock_timestamp() then s.previous_sealed end], null)) as "secretsSealed",
        jsonb_build_object('kind', a.kind, 'reason', a.reason, 'details', a.details, 'leadId', v.lead_id,
          'createdAt', ${isoUtc(sql`a.created_at`)}) as alert
      from claimed c join staff_alerts a on a.id = c.alert_id join organizations o on o.id = c.organization_id
      left join webhook_secrets s on s.organization_id = c.organization_id
      left join conversations v on v.id = a.conversation_id and v.organization_id = c.organization_id`,
  );
}

export interface DeliveryOutcome {
  readonly state: AlertDeliveryState;
  /** When it is tried again; 0 for the final states. */
  readonly delayMs: number;
  readonly httpStatus: number | null;
  readonly reason: string | null;
}

/** @returns false when the claim was lost: somebody else has the delivery, or had. */
export async function settleAlertDelivery(
  database: Database,
  { alertId, fence }: Pick<AlertDelivery, 'alertId' | 'fence'>,
  { state, delayMs, httpStatus, reason }: DeliveryOutcome,
): Promise<boolean> {
  const rows = await database.query(
    sql`update alert_deliveries set state = ${state}, lease_until = null, http_status = ${httpStatus}::int,
        reason = ${reason}::text, due_at = clock_timestamp() + ${milliseconds(delayMs)},
        settled_at = case when ${state} = 'pending' then null else clock_timestamp() end
      where alert_id = ${alertId} and channel = 'webhook' and fence = ${fence} and state = 'pending'
      returning alert_id`,
    database.orm,
  );
  return rows.length > 0;
}
