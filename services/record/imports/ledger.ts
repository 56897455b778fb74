/** Which entries were moved in, and as what: an entry that has not changed since then is left alone. */
import { createHmac } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import type { Database, Orm } from '../../db/client.js';
import { jsonRows } from '../../db/sqlHelpers.js';
import type { ImportItem } from '../../migration/types.js';
import type { Secrets } from '../../secrets.js';
import type { ConversationId, OrganizationId, Rev } from '../../types.js';

export interface LedgerKey {
  readonly organizationId: OrganizationId;
  readonly kind: string;
  readonly sourceKey: string;
}

export interface LedgerRow {
  readonly contentHash: string;
  readonly baseRev: Rev | null;
}

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger(database: Database, secrets: Secrets) {
  const hash = (text: string): string =>
    createHmac('sha256', secrets.cacheKeyHash).update(`jack:import:${text}`).digest('base64url');
  const keyOf = (item: ImportItem): LedgerKey => ({
    organizationId: item.organizationId,
    kind: item.kind,
    sourceKey: 'phone' in item ? secrets.hashPhone(item.organizationId, item.phone) : hash(sourceOf(item)),
  });
  return {
    hash,
    hashPhone: secrets.hashPhone,
    keyOf,
    contentHashOf: (item: ImportItem): string => hash(JSON.stringify([item.kind, item.value])),

    read: async (key: LedgerKey, tx: Orm): Promise<LedgerRow | undefined> => {
      const [row] = await database.query<LedgerRow>(
        sql`select content_hash as "contentHash", base_rev as "baseRev" from imported_entries where ${isKey(key)}`,
        tx,
      );
      return row;
    },

    /** Keeps the organization from being erased meanwhile. @returns undefined when there is none. */
    readWithOrganization: async (
      key: LedgerKey,
      tx: Orm,
    ): Promise<{ contentHash: string | null } | undefined> => {
      const [row] = await database.query<{ contentHash: string | null }>(
        sql`select (select content_hash from imported_entries where ${isKey(key)}) as "contentHash"
          from organizations where id = ${key.organizationId} for key share`,
        tx,
      );
      return row;
    },

    write: async (key: LedgerKey, row: LedgerRow, tx: Orm): Promise<void> => {
      await tx.execute(
        sql`insert into imported_entries (organization_id, kind, source_key, content_hash, base_rev)
          values (${key.organizationId}, ${key.kind}, ${key.sourceKey}, ${row.contentHash}, ${row.baseRev})
          on conflict (organization_id, source_key, kind) do update
            set content_hash = excluded.content_hash, base_rev = excluded.base_rev, imported_at = clock_timestamp()`,
      );
    },

    /**
     * Notes the entry of a conversation at its base rev of now. Entries that stood at the rev before the change move
     * along, since it was an import that changed the conversation and nobody else.
     */
    writeForConversation: async (
      key: LedgerKey,
      entry: { readonly id: ConversationId; readonly baseRev: Rev; readonly contentHash: string },
      tx: Orm,
    ): Promise<void> => {
      await tx.execute(
        sql`with now as (select base_rev from conversations where id = ${entry.id}),
          followed as (
            update imported_entries e set base_rev = now.base_rev from now
            where e.organization_id = ${key.organizationId} and e.source_key = ${key.sourceKey}
              and e.base_rev = ${entry.baseRev} and e.kind <> ${key.kind} and now.base_rev <> ${entry.baseRev}
          )
          insert into imported_entries (organization_id, kind, source_key, content_hash, base_rev)
          select ${key.organizationId}, ${key.kind}, ${key.sourceKey}, ${entry.contentHash}, now.base_rev from now
          on conflict (organization_id, source_key, kind) do update
            set content_hash = excluded.content_hash, base_rev = excluded.base_rev, imported_at = clock_timestamp()`,
      );
    },

    /** For each item, in order, whether exactly this was moved in. */
    areKnown: async (items: readonly ImportItem[]): Promise<boolean[]> => {
      const rows = items.map((item, idx) => {
        const { organizationId, kind, sourceKey } = keyOf(item);
        return { idx, organization_id: organizationId, kind, source_key: sourceKey };
      });
      const found = await database.query<{ idx: number; contentHash: string }>(
        sql`select r.idx, e.content_hash as "contentHash"
          from jsonb_to_recordset(${jsonRows(rows)}) as r(idx int, organization_id text, kind text, source_key text)
          join imported_entries e on e.organization_id = r.organization_id and e.source_key = r.source_key
            and e.kind = r.kind`,
      );
      const hashes = new Map(found.map(({ idx, contentHash }) => [idx, contentHash]));
      return items.map(
        (item, idx) => hashes.has(idx) && hashes.get(idx) === hash(JSON.stringify([item.kind, item.value])),
      );
    },
  };
}

const isKey = ({ organizationId, kind, sourceKey }: LedgerKey): SQL =>
  sql`organization_id = ${organizationId} and source_key = ${sourceKey} and kind = ${kind}`;

function sourceOf(item: Exclude<ImportItem, { phone: unknown }>): string {
  switch (item.kind) {
    case 'conversations':
      return `chat:${item.value.id}`;
    case 'keys':
      return `key:${item.value.key}`;
    case 'organizations':
    case 'agentConfigs':
      return `organization:${item.organizationId}`;
    default:
      return item satisfies never;
  }
}
