/** API keys of organizations: `jk_<8>_<43>`. Only a hash is stored, so a key is shown once. */
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { sha256Hex } from '../secrets.js';
import type { OrganizationId } from '../types.js';

/** 32 letters and digits, without those that people mistake for each other. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const FORM = /^jk_([a-z0-9]{8})_[A-Za-z0-9_-]{43}$/;

export interface NewApiKey {
  readonly id: string;
  /** In clear: shown to the caller once. */
  readonly apiKey: string;
}

/** @returns undefined when the text is not of the form of a key. */
export function parseApiKey(text: string): { readonly prefix: string; readonly apiKey: string } | undefined {
  const prefix = FORM.exec(text)?.[1];
  return prefix === undefined ? undefined : { prefix, apiKey: text };
}

export async function createApiKey(tx: Orm, organizationId: OrganizationId): Promise<NewApiKey> {
  const prefix = Array.from(randomBytes(8), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  const apiKey = `jk_${prefix}_${randomBytes(32).toString('base64url')}`;
  const id = randomUUID();
  await tx.execute(
    sql`insert into api_keys (id, organization_id, prefix, secret_hash)
      values (${id}, ${organizationId}, ${prefix}, ${sha256Hex(apiKey)})`,
  );
  return { id, apiKey };
}

export interface StoredApiKey {
  readonly id: string;
  readonly organizationId: OrganizationId;
  readonly secretHash: string;
  /** The last noted use is more than a minute ago. */
  readonly isUseStale: boolean;
}

/** The credential names the organization, so this one question has none. */
export async function findApiKey(database: Database, prefix: string): Promise<StoredApiKey | undefined> {
  const [row] = await database.query<StoredApiKey>(
    sql`select id, organization_id as "organizationId", secret_hash as "secretHash",
        coalesce(last_used_at < clock_timestamp() - interval '1 minute', true) as "isUseStale"
      from api_keys where prefix = ${prefix}`,
  );
  return row;
}

export async function touchApiKey(
  database: Database,
  organizationId: OrganizationId,
  id: string,
): Promise<void> {
  await database.query(
    sql`update api_keys set last_used_at = clock_timestamp()
      where id = ${id} and organization_id = ${organizationId}
        and coalesce(last_used_at < clock_timestamp() - interval '1 minute', true)`,
  );
}

/** @returns false when the organization has no such key. */
export async function deleteApiKey(
  database: Database,
  tx: Orm,
  organizationId: OrganizationId,
  id: string,
): Promise<boolean> {
  const rows = await database.query(
    sql`delete from api_keys where id = ${id} and organization_id = ${organizationId} returning id`,
    tx,
  );
  return rows.length > 0;
}
