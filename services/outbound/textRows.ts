/** The texts of a batch as rows. */
import { sql } from 'drizzle-orm';
import type { Orm } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import { confirmsOptOut } from './gate.js';
import { type Entry, senderOf } from './plan.js';

/** Messages, outbox rows and decisions in one statement. */
export async function insertTexts(tx: Orm, plan: readonly Entry[]): Promise<void> {
  const decisions = plan.flatMap(decisionRow);
  if (decisions.length === 0) return;
  await tx.execute(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(plan.flatMap(textRow))}) as r(id uuid, organization_id text,
          conversation_id uuid, seq int, sender text, body text, encoding text, segments int, account text,
          from_number text, to_number text, context_before jsonb, passes_opt_out boolean,
          retracted boolean, purpose text, scheduled_for timestamptz)
      ), texts as (
        insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          status, context_before, retracted, created_at)
        select r.id, r.organization_id, r.conversation_id, r.seq, 'outbound', r.sender, r.body, r.encoding, r.segments,
          'queued', r.context_before, r.retracted, c.last_message_at
        from r join conversations c on c.id = r.conversation_id
      ), queued as (
        insert into outbox (message_id, organization_id, conversation_id, seq, account, from_number, to_number,
          passes_opt_out, purpose, scheduled_for, due_at)
        select id, organization_id, conversation_id, seq, account, from_number, to_number, passes_opt_out, purpose,
          scheduled_for, coalesce(scheduled_for, clock_timestamp()) from r
      )
      insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason, details)
      select organization_id, conversation_id, message_id, origin, 'commit', allowed, reason, details
      from jsonb_to_recordset(${jsonRows(decisions)}) as d(organization_id text, conversation_id uuid,
        message_id uuid, origin text, allowed boolean, reason text, details jsonb)`,
  );
}

const textRow = ({ request, allowed }: Entry): object[] =>
  allowed
    ? [
        {
          id: allowed.message.id,
          organization_id: request.organizationId,
          conversation_id: request.conversationId,
          seq: allowed.message.seq,
          sender: allowed.message.sender,
          body: allowed.message.body,
          encoding: allowed.encoding,
          segments: allowed.message.segments,
          account: allowed.head.account,
          from_number: allowed.head.fromNumber,
          to_number: allowed.head.phone,
          passes_opt_out: confirmsOptOut(request),
          retracted: allowed.message.retracted,
          ...(request.origin === 'system' ? { purpose: request.purpose } : {}),
          ...(allowed.scheduledForMs === undefined
            ? {}
            : { scheduled_for: new Date(allowed.scheduledForMs).toISOString() }),
          // What a retraction of this reply goes back to.
          ...(request.origin === 'assistant'
            ? { context_before: { slots: allowed.head.slots, summary: allowed.head.summary } }
            : {}),
        },
      ]
    : [];

const decisionRow = ({ request, decision, messageId }: Entry): object[] =>
  decision
    ? [
        {
          organization_id: request.organizationId,
          conversation_id: request.conversationId,
          message_id: messageId ?? null,
          origin: senderOf(request),
          allowed: decision.allowed,
          reason: decision.reason,
          details: decision.details ?? null,
        },
      ]
    : [];
