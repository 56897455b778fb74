/** How messages are read from the archive, beside those that are not in it. */
import { sql } from 'drizzle-orm';
import type { StoredBlock } from '../archive/types.js';
import type { Database } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { ConversationId, Message, OrganizationId, Owner, Slots } from '../types.js';
import type { Lead } from './leads.js';
import { messageJson, toMessage } from './messageRow.js';
import { isoUtc } from './utc.js';

export interface ConversationPlace {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
}

/** For archived_messages aliased `a`. */
const BLOCK = sql`a.organization_id as "organizationId", a.conversation_id as "conversationId",
  a.first_seq as "firstSeq", a.last_seq as "lastSeq", a.message_count as "messageCount", a.digest, a.content`;

/** The newest `limit` blocks that hold something before `before`, newest first. */
export const readBlocksBefore = (
  database: Database,
  { organizationId, conversationId }: ConversationPlace,
  before: number,
  limit: number,
): Promise<StoredBlock[]> =>
  database.query<StoredBlock>(
    sql`select ${BLOCK} from archived_messages a
      where a.conversation_id = ${conversationId} and a.organization_id = ${organizationId}
        and a.first_seq < ${before}
      order by a.first_seq desc limit ${limit}`,
  );

/** The blocks that end conversations: what was said last there. */
export const readLastBlocks = (
  database: Database,
  organizationId: OrganizationId,
  conversations: readonly { readonly id: ConversationId; readonly lastSeq: number }[],
): Promise<StoredBlock[]> =>
  database.query<StoredBlock>(
    sql`select ${BLOCK} from jsonb_to_recordset(${jsonRows(conversations)}) as r(id uuid, "lastSeq" int)
      join archived_messages a on a.conversation_id = r.id and a.last_seq = r."lastSeq"
      where a.organization_id = ${organizationId}`,
  );

export interface NextMessages {
  readonly block: StoredBlock | undefined;
  /** Hot ones: those among the block's, or the next ones when there is no block. */
  readonly hot: readonly Message[];
}

/** What comes after `after` in the order of `seq`. One statement: what is being moved is in one of the two. */
export async function readNext(
  database: Database,
  { organizationId, conversationId }: ConversationPlace,
  after: number,
  limit: number,
): Promise<NextMessages> {
  const [row] = await database.query<StoredBlock & { hot: readonly Message[]; firstSeq: number | null }>(
    sql`select b.*, (select coalesce(jsonb_agg(${messageJson} order by m.seq), '[]') from (
          select * from messages where conversation_id = ${conversationId} and organization_id = ${organizationId}
            and seq > ${after} and (b."lastSeq" is null or seq <= b."lastSeq") order by seq limit ${limit}
        ) m) as hot
      from (select 1) one left join lateral (
        select ${BLOCK} from archived_messages a
        where a.conversation_id = ${conversationId} and a.organization_id = ${organizationId} and a.last_seq > ${after}
        order by a.first_seq limit 1
      ) b on true`,
  );
  if (!row) return { block: undefined, hot: [] };
  const { hot, ...block } = row;
  return { block: block.firstSeq === null ? undefined : block, hot: hot.map(toMessage) };
}

/** Of a conversation what is not said in messages. */
export interface ExportHead {
  readonly conversationId: ConversationId;
  readonly lead: Lead;
  readonly owner: Owner;
  readonly ownerName: string | null;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  readonly summary: string;
  readonly slots: Slots;
}

/** In the order of their ids, which nothing that is said changes. @param after where the last list ended. */
export const listForExport = (
  database: Database,
  organizationId: OrganizationId,
  after: ConversationId | undefined,
  limit: number,
): Promise<ExportHead[]> =>
  database.query<ExportHead>(
    sql`select c.id as "conversationId", jsonb_build_object('id', l.id, 'phone', l.phone, 'name', l.name,
          'email', l.email, 'status', l.status, 'source', l.source, 'attributes', l.attributes,
          'createdAt', ${isoUtc(sql`l.created_at`)}) as lead,
        c.owner, c.owner_name as "ownerName", c.opted_out as "optedOut", c.last_seq as "lastSeq", c.summary, c.slots
      from conversations c join leads l on l.id = c.lead_id
      where c.organization_id = ${organizationId} and l.kind = 'shopper'
        and (${after === undefined} or c.id > ${after ?? null}::uuid)
      order by c.id limit ${limit}`,
  );
