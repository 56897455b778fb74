/** How messages get into the archive. What is in a block is services/archive/block.ts's business. */
import { type SQL, sql } from 'drizzle-orm';
import type { ArchivedDecision, ArchivedMessage, NewBlock } from '../archive/types.js';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, milliseconds, uuidList } from '../db/sqlHelpers.js';
import type { ConversationId, LeadId, MessageId, OrganizationId } from '../types.js';
import { messageJson, toMessage } from './messageRow.js';
import { isoUtc } from './utc.js';

export interface Quiet {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  /** Messages that are not in the archive. */
  readonly messages: number;
  /** ISO 8601. */
  readonly lastMessageAt: string;
}

/** For conversations aliased `c`: nothing said for so long, and nothing under way. */
const isQuiet = (afterMs: number): SQL => sql`c.archived_seq < c.last_seq
  and c.last_message_at <= clock_timestamp() - ${milliseconds(afterMs)}
  and c.reply_due_at is null and (c.lease_until is null or c.lease_until <= clock_timestamp())
  and not exists (select 1 from outbox o where o.conversation_id = c.id and o.state in ('queued', 'sending', 'unknown'))`;

/** The longest quiet first. @param after where the last list ended. */
export const listQuiet = (
  database: Database,
  request: {
    readonly afterMs: number;
    readonly organizationId?: OrganizationId | undefined;
    readonly after?: Quiet | undefined;
    readonly limit: number;
  },
): Promise<Quiet[]> => {
  const { organizationId = null, after, limit } = request;
  return database.query<Quiet>(
    sql`select c.organization_id as "organizationId", c.id as "conversationId",
        c.last_seq - c.archived_seq as messages, ${isoUtc(sql`c.last_message_at`)} as "lastMessageAt"
      from conversations c
      where ${isQuiet(request.afterMs)} and (${organizationId}::text is null or c.organization_id = ${organizationId})
        and (${after === undefined} or (c.last_message_at, c.id)
          > (${after?.lastMessageAt ?? null}::timestamptz, ${after?.conversationId ?? null}::uuid))
      order by c.last_message_at, c.id limit ${limit}`,
  );
};

export interface QuietHead {
  readonly organizationId: OrganizationId;
  readonly id: ConversationId;
  readonly leadId: LeadId;
  readonly archivedSeq: number;
  readonly lastSeq: number;
}

/** Of `ids` those that are still quiet and that nobody else is at; locked until the transaction ends. */
export const lockQuiet = (
  database: Database,
  tx: Orm,
  ids: readonly ConversationId[],
  afterMs: number,
): Promise<QuietHead[]> =>
  database.query<QuietHead>(
    sql`select c.id, c.organization_id as "organizationId", c.lead_id as "leadId",
        c.archived_seq as "archivedSeq", c.last_seq as "lastSeq"
      from conversations c where c.id in ${uuidList(ids)} and ${isQuiet(afterMs)}
      order by c.id for update of c skip locked`,
    tx,
  );

/** Which messages of a locked conversation are moved: those up to `upTo`. */
export interface Part extends QuietHead {
  readonly upTo: number;
}

export interface HotPart {
  readonly id: ConversationId;
  readonly messages: readonly ArchivedMessage[];
  /** Those of the messages and, with the last part, those that no message came of. */
  readonly decisions: readonly ArchivedDecision[];
}

const partRows = (parts: readonly Part[]): SQL =>
  sql`jsonb_to_recordset(${jsonRows(parts.map(({ id, upTo, lastSeq }) => ({ id, up_to: upTo, is_last: upTo >= lastSeq })))})
    as r(id uuid, up_to int, is_last boolean)`;

/** For `r` as above and decisions aliased `d`. */
const isDecided = sql`d.conversation_id = r.id and (r.is_last or d.message_id in (
  select id from messages where conversation_id = r.id and seq <= r.up_to))`;

export async function readHotParts(
  database: Database,
  tx: Orm,
  parts: readonly Part[],
): Promise<readonly HotPart[]> {
  const rows = await database.query<HotPart>(
    sql`select r.id,
        (select coalesce(jsonb_agg(${messageJson} || jsonb_build_object('encoding', m.encoding,
            'accountSid', m.account_sid, 'messageSid', m.message_sid,
            'sent', case when o.message_id is not null then jsonb_build_object('account', o.account,
              'from', o.from_number, 'to', o.to_number, 'state', o.state, 'attempts', o.attempts,
              'code', o.last_code, 'reason', o.last_reason) end) order by m.seq), '[]')
          from messages m left join outbox o on o.message_id = m.id
          where m.conversation_id = r.id and m.seq <= r.up_to) as messages,
        (select coalesce(jsonb_agg(jsonb_build_object('messageId', d.message_id, 'origin', d.origin, 'stage', d.stage,
            'allowed', d.allowed, 'reason', d.reason, 'createdAt', d.created_at) order by d.id), '[]')
          from gate_decisions d where ${isDecided}) as decisions
      from ${partRows(parts)}`,
    tx,
  );
  return rows.map(({ id, messages, decisions }) => ({
    id,
    messages: messages.map((message) => ({ ...message, ...toMessage(message) })),
    decisions: decisions.map((decision) => ({
      ...decision,
      createdAt: new Date(decision.createdAt).toISOString(),
    })),
  }));
}

/** Puts the blocks in and takes the messages, with all that hangs on them, out of the hot tables. */
export async function replaceByBlocks(
  tx: Orm,
  parts: readonly Part[],
  blocks: readonly NewBlock[],
  messageIds: readonly MessageId[],
): Promise<void> {
  // First, so that the triggers find the tokens renewed and do not renew them again for every message.
  await tx.execute(
    sql`update conversations c set archived_seq = r.up_to from ${partRows(parts)} where c.id = r.id`,
  );
  await tx.execute(
    sql`insert into archived_messages (conversation_id, first_seq, last_seq, organization_id, message_count, first_at,
        last_at, digest, content, carrier_keys)
      select conversation_id, first_seq, last_seq, organization_id, message_count, first_at, last_at,
        decode(digest, 'base64'), decode(content, 'base64'),
        array(select value::uuid from jsonb_array_elements_text(carrier_keys))
      from jsonb_to_recordset(${jsonRows(blocks.map(blockRow))}) as r(conversation_id uuid, first_seq int, last_seq int,
        organization_id text, message_count int, first_at timestamptz, last_at timestamptz, digest text, content text,
        carrier_keys jsonb)`,
  );
  await tx.execute(sql`delete from gate_decisions d using ${partRows(parts)} where ${isDecided}`);
  await tx.execute(sql`delete from simulated_texts where message_id in ${uuidList(messageIds)}`);
  await tx.execute(
    sql`delete from messages m using ${partRows(parts)} where m.conversation_id = r.id and m.seq <= r.up_to`,
  );
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const blockRow = (block: NewBlock): object => ({
  conversation_id: block.conversationId,
  first_seq: block.firstSeq,
  last_seq: block.lastSeq,
  organization_id: block.organizationId,
  message_count: block.messageCount,
  first_at: block.firstAt,
  last_at: block.lastAt,
  digest: base64(block.digest),
  content: base64(block.content),
  carrier_keys: block.carrierKeys,
});

/** How much is quiet and would be moved. */
export async function countQuiet(
  database: Database,
  request: { readonly afterMs: number; readonly organizationId?: OrganizationId | undefined },
): Promise<{ readonly conversations: number; readonly messages: number }> {
  const { organizationId = null } = request;
  const [row] = await database.query<{ conversations: number; messages: number }>(
    sql`select count(*)::int as conversations, coalesce(sum(c.last_seq - c.archived_seq), 0)::int as messages
      from conversations c
      where ${isQuiet(request.afterMs)} and (${organizationId}::text is null or c.organization_id = ${organizationId})`,
  );
  return row ?? { conversations: 0, messages: 0 };
}
