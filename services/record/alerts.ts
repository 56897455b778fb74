/** Staff alerts: raised in the transaction of what they tell of, so that there is none without the other. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Orm } from '../db/client.js';
import type { AlertKind } from '../db/schema/alerts.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { ConversationId, OrganizationId } from '../types.js';

export interface StaffAlert {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId | null;
  readonly kind: AlertKind;
  /** For people, in a few words; never what somebody wrote, a phone or a secret. */
  readonly reason: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

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
    sql`insert into staff_alerts (id, organization_id, conversation_id, kind, reason, details)
      select id, organization_id, conversation_id, kind, reason, details
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, organization_id text, conversation_id uuid, kind text,
        reason text, details jsonb)`,
  );
}
