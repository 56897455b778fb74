/** What a batch changes in its conversations, one statement for all of them. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import { OWNER_UNTIL } from '../record/ownership.js';
import type { ConversationId, Rev } from '../types.js';
import { type Entry, keepsDue } from './plan.js';

/** A conversation after the batch. */
export interface Commit {
  readonly id: ConversationId;
  readonly rev: Rev;
  readonly lastSeq: number;
  /** ISO 8601. */
  readonly at: string;
}

/** Refused replies give their claim back; allowed texts settle whatever waited for an answer. */
export async function updateConversations(
  database: Database,
  tx: Orm,
  plan: readonly Entry[],
): Promise<Map<ConversationId, Commit>> {
  const rows = new Map<ConversationId, { readonly keeps_due: boolean; readonly [column: string]: unknown }>();
  for (const { request, allowed } of plan) {
    if (!allowed) continue;
    const turn = request.origin === 'assistant' ? request.turn : undefined;
    const before = rows.get(request.conversationId);
    rows.set(request.conversationId, {
      ...before,
      id: request.conversationId,
      last_seq: allowed.message.seq,
      keeps_due: keepsDue(request) && (before?.keeps_due ?? true),
      ...(turn
        ? { is_turn: true, slots: turn.slots, summary: turn.summary, hands_over: turn.handoff !== undefined }
        : {}),
      // Silence of staff is counted from here.
      ...(request.origin === 'staff' ? { is_staff: true } : {}),
    });
  }
  await releaseRefused(tx, plan);
  if (rows.size === 0) return new Map();
  const commits = await database.query<Commit>(
    sql`update conversations c set
        last_seq = r.last_seq, last_outbound_seq = r.last_seq, last_message_at = clock_timestamp(),
        slots = coalesce(r.slots, c.slots), summary = coalesce(r.summary, c.summary),
        owner = case when r.hands_over then 'human' else c.owner end,
        owner_name = case when r.hands_over then null else c.owner_name end,
        owner_since = case when r.hands_over then clock_timestamp() else c.owner_since end,
        owner_until = case when r.is_staff and c.owner = 'human'
          then (select ${OWNER_UNTIL} from organizations o where o.id = c.organization_id) else c.owner_until end,
        reply_due_at = case when r.keeps_due then c.reply_due_at end,
        reply_waiting_since = case when r.keeps_due then c.reply_waiting_since end,
        turn_attempts = case when r.keeps_due then c.turn_attempts else 0 end,
        lease_until = case when r.is_turn then null else c.lease_until end
      from jsonb_to_recordset(${jsonRows([...rows.values()])})
        as r(id uuid, last_seq int, keeps_due boolean, is_turn boolean, slots jsonb, summary text,
          hands_over boolean, is_staff boolean)
      where c.id = r.id
      returning c.id, c.rev, c.last_seq as "lastSeq", to_jsonb(c.last_message_at) #>> '{}' as at`,
    tx,
  );
  return new Map(commits.map((commit) => [commit.id, commit]));
}

async function releaseRefused(tx: Orm, plan: readonly Entry[]): Promise<void> {
  const rows = plan.flatMap(({ request, decision }) =>
    request.origin === 'assistant' && decision && !decision.allowed
      ? {
          id: request.conversationId,
          fence: request.turn.fence,
          is_over: decision.code !== 'E_SUPERSEDED' && decision.retryAtMs === undefined,
          // A reply that is held is thought out anew in the morning, with whatever was said until then.
          due_at: decision.retryAtMs === undefined ? null : new Date(decision.retryAtMs).toISOString(),
        }
      : [],
  );
  if (rows.length === 0) return;
  await tx.execute(
    sql`update conversations c set lease_until = null, turn_attempts = 0,
        reply_due_at = case when r.is_over then null else coalesce(r.due_at, c.reply_due_at) end,
        reply_waiting_since = case when r.is_over then null else c.reply_waiting_since end
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, fence bigint, is_over boolean,
        due_at timestamptz)
      where c.id = r.id and c.fence = r.fence`,
  );
}
