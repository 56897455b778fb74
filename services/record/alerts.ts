/** Staff alerts: raised in the transaction of what they tell of, so that there is none without the other. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Orm } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { ConversationId, OrganizationId } from '../types.js';

export type AlertKind =
  /** The assistant, or a rule, wants a person in the conversation. */
  | 'handoff_requested'
  /** The assistant could not answer, and the shopper was told that a person will. */
  | 'assistant_failed'
  /** A keyword came as the answer to a question: no text reaches the shopper any more. */
  | 'keyword_collision'
  /** Somebody said in their own words that they want no texts. */
  | 'revoked_in_words'
  /** Somebody said that this is not their number. */
  | 'wrong_number'
  /** A text was not delivered; `details.code` has the carrier's code. */
  | 'delivery_failed'
  /** The phone cannot get texts. */
  | 'not_textable'
  /** The carrier refuses the organization's account, number or registration: nothing leaves until that is mended. */
  | 'sending_stopped'
  /** Two machines seem to talk to each other. */
  | 'loop_detected'
  /** Card, identity or licence numbers were sent and masked. */
  | 'identifiers_masked'
  /** A picture or file could not be taken in. */
  | 'media_refused';

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
