/** Chat transcripts and sealed provider keys: kept in the record, read through the tower. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../../db/client.js';
import { milliseconds } from '../../db/sqlHelpers.js';
import type { Applied, ImportedChat, ImportedProviderKey } from '../../migration/types.js';
import type { Secrets } from '../../secrets.js';
import type { OrganizationId, ProviderKey, Transcript } from '../../types.js';

export const CHAT_LIFETIME_MS = 30 * 24 * 60 * 60 * 1000;

/** A transcript with a later last message is newer; the older one never takes its place. */
export async function applyChat(
  database: Database,
  tx: Orm,
  at: { readonly organizationId: OrganizationId; readonly contentHash: string },
  chat: ImportedChat,
): Promise<Applied> {
  const { organizationId, contentHash } = at;
  const lastAt =
    chat.lastMessageAtMs === undefined
      ? sql`null::timestamptz`
      : sql`to_timestamp(${chat.lastMessageAtMs}::float8 / 1000)`;
  const written = await database.query(
    sql`insert into imported_chats as c (organization_id, chat_id, user_name, messages, message_count, content_hash,
        last_message_at, expires_at)
      values (${organizationId}, ${chat.id}, ${chat.userName}, ${JSON.stringify(chat.messages)}::jsonb,
        ${chat.messages.length}, ${contentHash}, ${lastAt}, clock_timestamp() + ${milliseconds(CHAT_LIFETIME_MS)})
      on conflict (organization_id, chat_id) do update set user_name = excluded.user_name, messages = excluded.messages,
        message_count = excluded.message_count, content_hash = excluded.content_hash,
        last_message_at = excluded.last_message_at, imported_at = clock_timestamp(), expires_at = excluded.expires_at
      where c.content_hash <> excluded.content_hash and (c.expires_at <= clock_timestamp()
        or (coalesce(excluded.last_message_at, '-infinity'), excluded.message_count)
          > (coalesce(c.last_message_at, '-infinity'), c.message_count))
      returning chat_id`,
    tx,
  );
  return written.length > 0 ? { outcome: 'written' } : { outcome: 'skipped', notes: ['chat_is_not_newer'] };
}

/** Use only grows, so counters that are lower are older. */
export async function applyProviderKey(
  database: Database,
  tx: Orm,
  secrets: Secrets,
  at: { readonly organizationId: OrganizationId; readonly keyHash: string },
  given: ImportedProviderKey,
): Promise<Applied> {
  const { organizationId, keyHash } = at;
  const written = await database.query(
    sql`insert into provider_keys as k (organization_id, key_hash, key_sealed, queries, tokens, balance)
      values (${organizationId}, ${keyHash}, ${secrets.seal(organizationId, given.key)}, ${given.queries},
        ${given.tokens}, ${given.balance ?? null})
      on conflict (organization_id, key_hash) do update set queries = excluded.queries, tokens = excluded.tokens,
        balance = excluded.balance, updated_at = clock_timestamp()
      where excluded.queries >= k.queries and excluded.tokens >= k.tokens
        and (excluded.queries, excluded.tokens, coalesce(excluded.balance, 0))
          <> (k.queries, k.tokens, coalesce(k.balance, 0))
      returning key_hash`,
    tx,
  );
  return written.length > 0 ? { outcome: 'written' } : { outcome: 'skipped', notes: ['key_is_not_newer'] };
}

/** What a cached transcript is checked by; undefined when there is none or its time is over. */
export async function readTranscriptRev(
  database: Database,
  organizationId: OrganizationId,
  chatId: string,
): Promise<string | undefined> {
  const [row] = await database.query<{ rev: string }>(
    sql`select content_hash as rev from imported_chats
      where organization_id = ${organizationId} and chat_id = ${chatId} and expires_at > clock_timestamp()`,
  );
  return row?.rev;
}

export async function readTranscript(
  database: Database,
  organizationId: OrganizationId,
  chatId: string,
): Promise<Transcript | undefined> {
  const [row] = await database.query<Transcript>(
    sql`select chat_id as id, content_hash as rev, user_name as "userName", messages from imported_chats
      where organization_id = ${organizationId} and chat_id = ${chatId} and expires_at > clock_timestamp()`,
  );
  return row;
}

/** Changes with any of the organization's keys. */
export async function readProviderKeysRev(
  database: Database,
  organizationId: OrganizationId,
): Promise<string> {
  const [row] = await database.query<{ rev: string }>(
    sql`select md5(coalesce(string_agg(key_hash || updated_at::text, ' ' order by key_hash), '')) as rev
      from provider_keys where organization_id = ${organizationId}`,
  );
  return row?.rev ?? '';
}

/** Sealed; `Secrets.unseal` opens them. */
export const readProviderKeys = (
  database: Database,
  organizationId: OrganizationId,
): Promise<ProviderKey[]> =>
  database.query<ProviderKey>(
    sql`select key_sealed as "keySealed", queries::float8 as queries, tokens::float8 as tokens, balance
      from provider_keys where organization_id = ${organizationId} order by created_at, key_hash`,
  );

/** @returns how many were removed; fewer than `limit` means that none is left. */
export async function deleteExpiredChats(database: Database, limit: number): Promise<number> {
  const rows = await database.query(
    sql`delete from imported_chats c using (
        select organization_id, chat_id from imported_chats where expires_at <= clock_timestamp()
        order by expires_at limit ${limit} for update skip locked
      ) gone
      where c.organization_id = gone.organization_id and c.chat_id = gone.chat_id returning c.chat_id`,
  );
  return rows.length;
}
