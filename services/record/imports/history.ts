/** Imported messages, put among those of the conversation in the caller's transaction, under the row's lock. */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../../db/client.js';
import { jsonRows } from '../../db/sqlHelpers.js';
import type { ImportedMessage } from '../../migration/types.js';
import { countSegments } from '../../sms/segments.js';
import type { MessageId, OrganizationId, Rev } from '../../types.js';
import {
  type IncomingMessage,
  type KnownMessage,
  type Merged,
  mergeHistory,
  type PlacedMessage,
} from './mergeHistory.js';
import type { ConversationHead } from './people.js';

export interface StoredHistory {
  readonly inserted: readonly PlacedMessage[];
  readonly baseRev: Rev;
  readonly lastMessageAtMs: number;
  /** Older than what the archive took away, so that there is no place for them. */
  readonly leftOut: number;
}

/** @param identity of the conversation in its source: a keyed hash. */
export async function storeHistory(
  database: Database,
  tx: Orm,
  at: { readonly organizationId: OrganizationId; readonly head: ConversationHead; readonly identity: string },
  messages: readonly ImportedMessage[],
  nowMs: number,
): Promise<StoredHistory> {
  const { organizationId, head, identity } = at;
  const known = head.lastSeq === 0 ? [] : await readKnown(database, tx, head);
  const incoming = withIds(messages, identity);
  const isWhole = known.length === head.lastSeq;
  const merged = isWhole
    ? mergeHistory(known, incoming, Math.min(nowMs, known.length > 0 ? head.lastMessageAtMs : nowMs))
    : appendOnly(known, incoming, head);
  const leftOut = isWhole ? 0 : incoming.length - merged.inserted.length - merged.knownCount;
  if (merged.inserted.length === 0) {
    return { inserted: [], baseRev: head.baseRev, lastMessageAtMs: head.lastMessageAtMs, leftOut };
  }
  await moveMessages(tx, head, merged);
  await insertMessages(tx, organizationId, head, merged.inserted);
  return { inserted: merged.inserted, leftOut, ...(await updateHead(database, tx, head, merged)) };
}

const readKnown = (database: Database, tx: Orm, head: ConversationHead): Promise<KnownMessage[]> =>
  database.query<KnownMessage>(
    sql`select id, seq, direction, body, message_sid as "messageSid",
        round(extract(epoch from created_at) * 1000)::float8 as "atMs"
      from messages where conversation_id = ${head.id} order by seq`,
    tx,
  );

/** The same entry gets the same id in every run; equal entries without a time or id are told apart by their order. */
function withIds(messages: readonly ImportedMessage[], identity: string): IncomingMessage[] {
  const counts = new Map<string, number>();
  return messages.map((message) => {
    const { direction, body, media, atMs, sourceId } = message;
    const source = JSON.stringify([direction, body, media, atMs ?? sourceId ?? null]);
    const count = counts.get(source) ?? 0;
    counts.set(source, count + 1);
    return { ...message, id: uuidOf(`${identity} ${source} ${count}`) };
  });
}

function uuidOf(text: string): MessageId {
  const hex = createHash('sha256').update(text).digest('hex');
  // Version 8 is RFC 9562's for ids made from something.
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-') as MessageId;
}

/** Part of the conversation is in the archive, so only what is newer than all of it has a place. */
function appendOnly(
  known: readonly KnownMessage[],
  incoming: readonly IncomingMessage[],
  head: ConversationHead,
): Merged {
  const ids = new Set<string>(known.flatMap(({ id, messageSid }) => [id, messageSid ?? id]));
  const isKnown = ({ id, sourceId, messageSid }: IncomingMessage) =>
    ids.has(id) || ids.has(sourceId ?? id) || ids.has(messageSid ?? id);
  const inserted = incoming
    .filter((message) => !isKnown(message) && (message.atMs ?? 0) > head.lastMessageAtMs)
    .map((message, index) => ({ message, seq: head.lastSeq + 1 + index, atMs: message.atMs ?? 0 }));
  return { inserted, moved: [], knownCount: incoming.filter(isKnown).length };
}

/** In two steps, since no two messages may have one seq in between. The outbox sends in the order of `seq`. */
async function moveMessages(tx: Orm, head: ConversationHead, { moved }: Merged): Promise<void> {
  if (moved.length === 0) return;
  await tx.execute(
    sql`update messages m set seq = -r.seq from jsonb_to_recordset(${jsonRows(moved)}) as r(id uuid, seq int)
      where m.id = r.id and m.conversation_id = ${head.id}`,
  );
  await tx.execute(sql`update messages set seq = -seq where conversation_id = ${head.id} and seq < 0`);
  await tx.execute(
    sql`update outbox o set seq = m.seq from messages m
      where o.conversation_id = ${head.id} and m.id = o.message_id and o.seq <> m.seq`,
  );
}

async function insertMessages(
  tx: Orm,
  organizationId: OrganizationId,
  head: ConversationHead,
  placed: readonly PlacedMessage[],
): Promise<void> {
  const rows = placed.map(({ message, seq, atMs }) => {
    const { encoding, segments } = countSegments(message.body);
    const { id, direction, sender, body, media, status } = message;
    const sids =
      message.accountSid === undefined || message.messageSid === undefined
        ? {}
        : { account_sid: message.accountSid, message_sid: message.messageSid };
    return { id, seq, direction, sender, body, media, status, encoding, segments, at_ms: atMs, ...sids };
  });
  // Carrier ids are unique over all: those of a message that is stored elsewhere already stay with it.
  await tx.execute(
    sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, media, encoding,
        segments, account_sid, message_sid, status, created_at)
      select r.id, ${organizationId}, ${head.id}, r.seq, r.direction, r.sender, r.body, r.media, r.encoding, r.segments,
        case when x.id is null then r.account_sid end, case when x.id is null then r.message_sid end, r.status,
        to_timestamp(r.at_ms / 1000)
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, seq int, direction text, sender text, body text,
        media jsonb, encoding text, segments int, account_sid text, message_sid text, status text, at_ms float8)
      left join messages x on x.account_sid = r.account_sid and x.message_sid = r.message_sid`,
  );
}

/** Nothing is due: what was said on another server was answered, or not, there. */
async function updateHead(
  database: Database,
  tx: Orm,
  head: ConversationHead,
  { inserted, moved }: Merged,
): Promise<{ baseRev: Rev; lastMessageAtMs: number }> {
  const latestMs = inserted.reduce((latest, { atMs }) => Math.max(latest, atMs), 0);
  const firstMs = inserted.reduce((first, { atMs }) => Math.min(first, atMs), latestMs);
  const lastMessageAtMs = head.lastSeq === 0 ? latestMs : Math.max(latestMs, head.lastMessageAtMs);
  // -1 is content to the trigger, which then makes the base that of now (migrations/0001_revision_rule.sql).
  // Without a move the earlier ones still count: they may be in the archive.
  const had = moved.length > 0 ? sql`0` : sql`1`;
  const [row] = await database.query<{ baseRev: Rev }>(
    sql`update conversations c set last_seq = s.last_seq,
        last_inbound_seq = greatest(c.last_inbound_seq * ${had}, s.last_inbound),
        last_outbound_seq = greatest(c.last_outbound_seq * ${had}, s.last_outbound), last_message_at = to_timestamp(${lastMessageAtMs}::float8 / 1000),
        base_seq = case when ${moved.length > 0} then -1 else c.base_seq end
      from (select max(seq) as last_seq, coalesce(max(seq) filter (where direction = 'inbound'), 0) as last_inbound,
          coalesce(max(seq) filter (where direction = 'outbound'), 0) as last_outbound
        from messages where conversation_id = ${head.id}) s
      where c.id = ${head.id} returning c.base_rev as "baseRev"`,
    tx,
  );
  if (!head.isImported) return readBack(row, lastMessageAtMs);
  await tx.execute(
    sql`update leads set created_at = least(created_at, to_timestamp(${firstMs}::float8 / 1000))
      where id = ${head.leadId} and created_at > to_timestamp(${firstMs}::float8 / 1000)`,
  );
  return readBack(row, lastMessageAtMs);
}

function readBack(row: { baseRev: Rev } | undefined, lastMessageAtMs: number) {
  if (!row) throw new Error('The imported conversation is gone.');
  return { baseRev: row.baseRev, lastMessageAtMs };
}
