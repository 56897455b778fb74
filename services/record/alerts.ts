/** Staff alerts: raised in the transaction of what they tell of, so that there is none without the other. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import {
  type AlertDeliveryState,
  type AlertKind,
  type StaffAlert,
  TEXTED_KINDS,
} from '../db/schema/alerts.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { ConversationId, LeadId, OrganizationId } from '../types.js';
import { writeAudit } from './audit.js';
import { type Page, type PageRequest, toPage } from './pages.js';
import { isoUtc } from './utc.js';

export { ALERT_KINDS, type StaffAlert } from '../db/schema/alerts.js';

/**
 * Where the organization has named a place for it, the news goes there too (services/alerts): a URL, staff phones. What a text
 * to staff has led to is not texted to staff again.
 */
export async function raiseAlerts(tx: Orm, alerts: readonly StaffAlert[]): Promise<void> {
  if (alerts.length === 0) return;
  const rows = alerts.map(({ organizationId, conversationId, kind, reason, details = {} }) => ({
    id: randomUUID(),
    organization_id: organizationId,
    conversation_id: conversationId,
    kind,
    reason,
    details,
  }));
  await tx.execute(
    sql`with raised as (
        insert into staff_alerts (id, organization_id, conversation_id, kind, reason, details)
        select id, organization_id, conversation_id, kind, reason, details
        from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, organization_id text, conversation_id uuid, kind text,
          reason text, details jsonb)
        returning id, organization_id, conversation_id, kind
      ), posted as (
        insert into alert_deliveries (alert_id, organization_id, channel)
        select r.id, r.organization_id, 'webhook' from raised r join organizations o on o.id = r.organization_id
        where o.settings #>> '{alerts,webhookUrl}' is not null
      )
      insert into alert_texts (alert_id, organization_id, phone)
      select distinct r.id, r.organization_id, p #>> '{}'
      from raised r join organizations o on o.id = r.organization_id
      cross join lateral jsonb_path_query(o.settings, '$.alerts.phones[*]') p
      where coalesce(o.settings #> '{alerts,textedKinds}', ${JSON.stringify(TEXTED_KINDS)}::jsonb) ? r.kind
        and not exists (select 1 from conversations c join leads l on l.id = c.lead_id
          where c.id = r.conversation_id and l.kind = 'staff')`,
  );
}

/** An alert as people see it. Times are ISO 8601 UTC. */
export interface AlertItem {
  readonly id: string;
  readonly kind: AlertKind;
  readonly reason: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** Null where it concerns the organization, or the conversation has been erased. */
  readonly leadId: LeadId | null;
  readonly createdAt: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  /** How far the news has come at the organization's URL; null where none was named when the alert was raised. */
  readonly webhook: {
    readonly state: AlertDeliveryState;
    readonly attempts: number;
    readonly httpStatus: number | null;
    readonly reason: string | null;
    readonly settledAt: string | null;
  } | null;
  /** To how many staff phones it is to be texted, was, and was not; null where none was to hear of it. */
  readonly texts: {
    readonly pending: number;
    readonly texted: number;
    readonly dropped: number;
  } | null;
}

/** For an alert aliased `a`, the conversation `c` and the delivery `d` joined to it. */
const ALERT = sql`a.id, a.kind, a.reason, a.details, c.lead_id as "leadId", ${isoUtc(sql`a.created_at`)} as "createdAt",
  ${isoUtc(sql`a.resolved_at`)} as "resolvedAt", a.resolved_by as "resolvedBy",
  case when d.alert_id is not null then jsonb_build_object('state', d.state, 'attempts', d.attempts,
    'httpStatus', d.http_status, 'reason', d.reason, 'settledAt', ${isoUtc(sql`d.settled_at`)}) end as webhook,
  (select jsonb_build_object('pending', count(*) filter (where t.state = 'pending'),
    'texted', count(*) filter (where t.state = 'texted'), 'dropped', count(*) filter (where t.state = 'dropped'))
    from alert_texts t where t.alert_id = a.id having count(*) > 0) as texts`;
const JOINED = sql`left join conversations c on c.id = a.conversation_id and c.organization_id = a.organization_id
  left join alert_deliveries d on d.alert_id = a.id and d.channel = 'webhook'`;

export interface AlertFilter {
  readonly isResolved?: boolean | undefined;
  readonly kind?: AlertKind | undefined;
  readonly leadId?: LeadId | undefined;
}

/** Newest first. */
export async function listAlerts(
  database: Database,
  organizationId: OrganizationId,
  { limit, after, isResolved, kind, leadId }: PageRequest & AlertFilter,
): Promise<Page<AlertItem>> {
  const conditions = [
    sql`a.organization_id = ${organizationId}`,
    ...(isResolved === undefined ? [] : [sql`(a.resolved_at is not null) = ${isResolved}`]),
    ...(kind === undefined ? [] : [sql`a.kind = ${kind}`]),
    ...(leadId === undefined ? [] : [sql`c.lead_id = ${leadId}`]),
    ...(after
      ? [
          sql`(a.created_at < ${after.at}::timestamptz
      or (a.created_at = ${after.at}::timestamptz and a.id > ${after.id}::uuid))`,
        ]
      : []),
  ];
  const rows = await database.query<AlertItem>(
    sql`select ${ALERT} from staff_alerts a ${JOINED} where ${sql.join(conditions, sql` and `)}
      order by a.created_at desc, a.id limit ${limit + 1}`,
  );
  return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }));
}

/** Somebody has seen to it. Twice changes nothing. @returns undefined when the organization has no such alert. */
export async function resolveAlert(
  database: Database,
  { organizationId, alertId, actor }: { organizationId: OrganizationId; alertId: string; actor: string },
): Promise<AlertItem | undefined> {
  return await database.transaction(async (tx) => {
    const changed = await database.query(
      sql`update staff_alerts set resolved_at = clock_timestamp(), resolved_by = ${actor}
        where id = ${alertId} and organization_id = ${organizationId} and resolved_at is null returning id`,
      tx,
    );
    if (changed.length > 0)
      await writeAudit(tx, { organizationId, actor, action: 'alert.resolve', subject: alertId });
    const [item] = await database.query<AlertItem>(
      sql`select ${ALERT} from staff_alerts a ${JOINED}
        where a.id = ${alertId} and a.organization_id = ${organizationId}`,
      tx,
    );
    return item;
  });
}

/** Alerts that ask for a person in a conversation, when one has come. */
export async function resolveAlertsOf(
  tx: Orm,
  at: { organizationId: OrganizationId; conversationId: ConversationId; actor: string },
): Promise<void> {
  await tx.execute(
    sql`update staff_alerts set resolved_at = clock_timestamp(), resolved_by = ${at.actor}
      where conversation_id = ${at.conversationId} and organization_id = ${at.organizationId} and resolved_at is null
        and kind in ('handoff_requested', 'assistant_failed', 'loop_detected')`,
  );
}
