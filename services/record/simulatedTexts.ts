/** What the simulated carrier took over: one row a text, whoever hands it in how often. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { jsonRows, milliseconds, uuidList } from '../db/sqlHelpers.js';
import type { E164, MessageId, OrganizationId } from '../types.js';

export interface SimulatedText {
  readonly organizationId: OrganizationId;
  readonly messageId: MessageId;
  readonly providerSid: string;
  readonly from: E164;
  readonly to: E164;
  readonly body: string;
}

/**
 * Stores texts in one statement. A text that is stored already stays as it is.
 * @returns the provider id that each text has, in the order given.
 */
export async function storeSimulatedTexts(
  database: Database,
  texts: readonly SimulatedText[],
): Promise<readonly string[]> {
  const distinct = [...new Map(texts.map((text) => [text.messageId, text])).values()];
  const rows = distinct.map((text) => ({
    message_id: text.messageId,
    organization_id: text.organizationId,
    provider_sid: text.providerSid,
    from_number: text.from,
    to_number: text.to,
    body: text.body,
  }));
  // The update changes nothing; it is what makes RETURNING answer for a row that was there before.
  const stored = await database.query<{ messageId: MessageId; providerSid: string }>(
    sql`insert into simulated_texts (message_id, organization_id, provider_sid, from_number, to_number, body)
      select message_id, organization_id, provider_sid, from_number, to_number, body
      from jsonb_to_recordset(${jsonRows(rows)}) as r(message_id uuid, organization_id text, provider_sid text,
        from_number text, to_number text, body text)
      order by message_id
      on conflict (message_id) do update set message_id = excluded.message_id
      returning message_id as "messageId", provider_sid as "providerSid"`,
  );
  const sids = new Map(stored.map(({ messageId, providerSid }) => [messageId, providerSid]));
  return texts.map(({ messageId, providerSid }) => sids.get(messageId) ?? providerSid);
}

export async function findSimulatedText(
  database: Database,
  organizationId: OrganizationId,
  messageId: MessageId,
): Promise<{ readonly providerSid: string; readonly isDelivered: boolean } | undefined> {
  const [row] = await database.query<{ providerSid: string; isDelivered: boolean }>(
    sql`select provider_sid as "providerSid", delivered_at is not null as "isDelivered" from simulated_texts
      where organization_id = ${organizationId} and message_id = ${messageId}`,
  );
  return row;
}

export async function markSimulatedDelivered(
  database: Database,
  messageIds: readonly MessageId[],
): Promise<void> {
  await database.query(
    sql`update simulated_texts set delivered_at = clock_timestamp()
      where message_id in ${uuidList(messageIds)} and delivered_at is null`,
  );
}

export interface UndeliveredText {
  readonly organizationId: OrganizationId;
  readonly messageId: MessageId;
}

/** Of all organizations, since one carrier serves them all. In the order of their ids, from `after` on. */
export const listUndelivered = (
  database: Database,
  { olderThanMs, after, limit }: { olderThanMs: number; after: string | undefined; limit: number },
): Promise<UndeliveredText[]> =>
  database.query<UndeliveredText>(
    sql`select organization_id as "organizationId", message_id as "messageId" from simulated_texts
      where delivered_at is null and accepted_at <= clock_timestamp() - ${milliseconds(olderThanMs)}
        and message_id > ${after ?? '00000000-0000-0000-0000-000000000000'}::uuid
      order by message_id limit ${limit}`,
  );
