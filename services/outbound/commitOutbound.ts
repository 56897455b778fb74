/** The door's transaction: lock, decide, store decision, message and outbox row. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, uuidList } from '../db/sqlHelpers.js';
import { normaliseToGsm7 } from '../sms/gsm7.js';
import { countSegments } from '../sms/segments.js';
import type {
  ConversationId,
  E164,
  Message,
  MessageId,
  OrganizationId,
  Owner,
  Rev,
  Slots,
} from '../types.js';
import { newMessageId } from '../types.js';
import { decide, type GateDecision } from './gate.js';
import type { OutboundRequest, OutboundResult } from './types.js';

/** @returns one result a request, in order; undefined where the organization has no such conversation. */
export async function commitOutbound(
  database: Database,
  requests: readonly OutboundRequest[],
): Promise<(OutboundResult | undefined)[]> {
  return await database.transaction(async (tx) => {
    const heads = await lockHeads(database, tx, requests);
    const plan = requests.map((request) => planRequest(request, heads));
    const commits = await updateConversations(database, tx, plan);
    await insertRows(tx, plan);
    return plan.map((entry) => resultOf(entry, commits));
  });
}

interface Head {
  readonly id: ConversationId;
  readonly organizationId: OrganizationId;
  readonly owner: Owner;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  readonly fence: number;
  readonly isLeased: boolean;
  readonly phone: E164;
  readonly account: string | null;
  readonly fromNumber: E164 | null;
  readonly slots: Slots;
  readonly summary: string;
  /** Null for all but the first of a batch. */
  readonly baseRev: Rev | null;
}

async function lockHeads(
  database: Database,
  tx: Orm,
  requests: readonly OutboundRequest[],
): Promise<Map<ConversationId, Head>> {
  const ids = [...new Set(requests.map(({ conversationId }) => conversationId))];
  const heads = await database.query<Head>(
    sql`select c.id, c.organization_id as "organizationId", c.owner, c.opted_out as "optedOut",
        c.last_seq as "lastSeq", c.fence::float8 as fence, c.lease_until is not null as "isLeased", l.phone,
        case when c.dealership_number is null then n.account else c.account end as account,
        coalesce(c.dealership_number, n.phone_number) as "fromNumber", c.slots, c.summary,
        c.base_rev as "baseRev"
      from conversations c join leads l on l.id = c.lead_id
      left join lateral (
        select account, phone_number from phone_numbers p where p.organization_id = c.organization_id
        order by p.created_at, p.phone_number limit 1
      ) n on true
      where c.id in ${uuidList(ids)} order by c.id for no key update of c`,
    tx,
  );
  return new Map(heads.map((head) => [head.id, head]));
}

interface Allowed {
  readonly head: Head;
  readonly message: Omit<Message, 'createdAt'>;
  readonly encoding: 'GSM-7' | 'UCS-2';
}

interface Entry {
  readonly request: OutboundRequest;
  readonly head: Head | undefined;
  readonly decision: GateDecision | undefined;
  readonly messageId: MessageId | undefined;
  readonly allowed: Allowed | undefined;
}

function planRequest(request: OutboundRequest, heads: Map<ConversationId, Head>): Entry {
  const head = heads.get(request.conversationId);
  if (!head || head.organizationId !== request.organizationId) {
    return { request, head: undefined, decision: undefined, messageId: undefined, allowed: undefined };
  }
  const decision = decide(request, { ...head, hasSender: head.fromNumber !== null });
  if (!decision.allowed) return { request, head, decision, messageId: undefined, allowed: undefined };
  const allowed = composeText(request, head);
  // The next request for the same conversation in this batch meets the state that this one leaves.
  const handsOver = request.origin === 'assistant' && request.turn.handoff !== undefined;
  heads.set(head.id, {
    ...head,
    lastSeq: allowed.message.seq,
    baseRev: null,
    owner: handsOver ? 'human' : head.owner,
    isLeased: request.origin === 'assistant' ? false : head.isLeased,
  });
  return { request, head, decision, messageId: allowed.message.id, allowed };
}

function composeText(request: OutboundRequest, head: Head): Allowed {
  const body = normaliseToGsm7(request.body.trim());
  const { encoding, segments } = countSegments(body);
  const message: Allowed['message'] = {
    seq: head.lastSeq + 1,
    id: newMessageId(),
    direction: 'outbound',
    sender: request.origin,
    body,
    media: [],
    segments,
    status: 'queued',
    errorCode: null,
    retracted: false,
  };
  return { head, message, encoding };
}

interface Commit {
  readonly id: ConversationId;
  readonly rev: Rev;
  readonly lastSeq: number;
  /** ISO 8601. */
  readonly at: string;
}

/** Refused replies give their claim back; allowed texts settle whatever waited for an answer. */
async function updateConversations(
  database: Database,
  tx: Orm,
  plan: readonly Entry[],
): Promise<Map<ConversationId, Commit>> {
  const rows = new Map<ConversationId, object>();
  for (const { request, allowed } of plan) {
    if (!allowed) continue;
    const turn = request.origin === 'assistant' ? request.turn : undefined;
    rows.set(request.conversationId, {
      ...rows.get(request.conversationId),
      id: request.conversationId,
      last_seq: allowed.message.seq,
      ...(turn
        ? { is_turn: true, slots: turn.slots, summary: turn.summary, hands_over: turn.handoff !== undefined }
        : {}),
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
        reply_due_at = null, reply_waiting_since = null, turn_attempts = 0,
        lease_until = case when r.is_turn then null else c.lease_until end
      from jsonb_to_recordset(${jsonRows([...rows.values()])})
        as r(id uuid, last_seq int, is_turn boolean, slots jsonb, summary text, hands_over boolean)
      where c.id = r.id
      returning c.id, c.rev, c.last_seq as "lastSeq", to_jsonb(c.last_message_at) #>> '{}' as at`,
    tx,
  );
  return new Map(commits.map((commit) => [commit.id, commit]));
}

async function releaseRefused(tx: Orm, plan: readonly Entry[]): Promise<void> {
  const rows = plan.flatMap(({ request, decision }) =>
    request.origin === 'assistant' && decision && !decision.allowed
      ? { id: request.conversationId, fence: request.turn.fence, is_over: decision.code !== 'E_SUPERSEDED' }
      : [],
  );
  if (rows.length === 0) return;
  await tx.execute(
    sql`update conversations c set lease_until = null, turn_attempts = 0,
        reply_due_at = case when r.is_over then null else c.reply_due_at end,
        reply_waiting_since = case when r.is_over then null else c.reply_waiting_since end
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, fence bigint, is_over boolean)
      where c.id = r.id and c.fence = r.fence`,
  );
}

/** Messages, outbox rows and decisions in one statement. */
async function insertRows(tx: Orm, plan: readonly Entry[]): Promise<void> {
  const decisions = plan.flatMap(decisionRow);
  if (decisions.length === 0) return;
  await tx.execute(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(plan.flatMap(textRow))}) as r(id uuid, organization_id text,
          conversation_id uuid, seq int, sender text, body text, encoding text, segments int, account text,
          from_number text, to_number text, context_before jsonb)
      ), texts as (
        insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          status, context_before, created_at)
        select r.id, r.organization_id, r.conversation_id, r.seq, 'outbound', r.sender, r.body, r.encoding, r.segments,
          'queued', r.context_before, c.last_message_at
        from r join conversations c on c.id = r.conversation_id
      ), queued as (
        insert into outbox (message_id, organization_id, conversation_id, seq, account, from_number, to_number)
        select id, organization_id, conversation_id, seq, account, from_number, to_number from r
      )
      insert into gate_decisions (organization_id, conversation_id, message_id, origin, stage, allowed, reason)
      select organization_id, conversation_id, message_id, origin, 'commit', allowed, reason
      from jsonb_to_recordset(${jsonRows(decisions)}) as d(organization_id text, conversation_id uuid,
        message_id uuid, origin text, allowed boolean, reason text)`,
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
          origin: request.origin,
          allowed: decision.allowed,
          reason: decision.reason,
        },
      ]
    : [];

function resultOf(entry: Entry, commits: Map<ConversationId, Commit>): OutboundResult | undefined {
  const { decision, allowed, request } = entry;
  if (!decision) return undefined;
  if (!decision.allowed) return decision;
  const commit = commits.get(request.conversationId);
  if (!allowed || !commit) throw new Error('An allowed text has no commit.');
  const message = { ...allowed.message, createdAt: new Date(commit.at).toISOString() };
  const follows = commit.lastSeq === message.seq ? allowed.head.baseRev : null;
  return { allowed: true, message, rev: commit.rev, follows, phone: allowed.head.phone };
}
