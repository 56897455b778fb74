/** What the record holds, in the forms that services/migration reads: page by page, so that no export holds everything. */
import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type { MapKind } from '../migration/types.js';
import type { Secrets } from '../secrets.js';
import type { OrganizationId } from '../types.js';

/** A key of a Map and its value. */
export type MapEntry = readonly [key: string, value: unknown];

export interface ExportScope {
  /** All organizations when absent. */
  readonly organizationId: OrganizationId | undefined;
}

const PAGE = 200;
/** Histories are large, and a statement has five seconds. */
const HISTORY_PAGE = 20;

/** One Map. Its pages are not of one moment: what is said meanwhile may be in one Map and not in another. */
export function exportMap(
  database: Database,
  kind: MapKind,
  { organizationId }: ExportScope,
): AsyncGenerator<MapEntry> {
  const ofOne = (column: SQL) =>
    organizationId === undefined ? sql`true` : sql`${column} = ${organizationId}`;
  if (kind === 'organizations' || kind === 'agentConfigs') {
    return pages(database, PAGE, (after, limit) => organizationPage(kind, ofOne(sql`o.id`), after, limit));
  }
  const limit = kind === 'conversationHistory' ? HISTORY_PAGE : PAGE;
  return pages(
    database,
    limit,
    (after) => sql`select l.id::text as cursor, ${KEYS[kind]} as key, ${VALUES[kind]} as value
      from leads l join conversations c on c.lead_id = l.id
      where ${ofOne(sql`l.organization_id`)} and l.kind = 'shopper' and ${kind === 'conversationSummaries' ? sql`c.summary <> ''` : sql`true`}
        and l.id > coalesce(nullif(${after}, '')::uuid, ${NO_UUID}::uuid)
      order by l.id limit ${limit}`,
  );
}

const NO_UUID = '00000000-0000-0000-0000-000000000000';

const organizationPage = (kind: MapKind, isWanted: SQL, after: string, limit: number): SQL =>
  sql`select o.id as cursor, o.id as key, ${kind === 'organizations' ? PROFILE : AGENT} as value
    from organizations o where ${isWanted} and o.id > ${after} order by o.id limit ${limit}`;

const PROFILE = sql`jsonb_build_object('id', o.id, 'name', o.name, 'timezone', o.timezone, 'settings', o.settings,
  'phoneNumbers', (select coalesce(jsonb_agg(p.phone_number order by p.created_at, p.phone_number), '[]')
    from phone_numbers p where p.organization_id = o.id))`;

const AGENT = sql`jsonb_build_object('settings', o.settings, 'inventory',
  (select coalesce(jsonb_agg(jsonb_build_object('stockNumber', v.stock_number, 'condition', v.condition, 'year', v.year,
      'make', v.make, 'model', v.model, 'trim', v.trim, 'bodyStyle', v.body_style, 'color', v.color,
      'odometerKm', v.odometer_km, 'price', v.price, 'currency', v.currency) order by v.stock_number), '[]')
    from vehicles v where v.organization_id = o.id))`;

type PersonKind = Exclude<MapKind, 'organizations' | 'agentConfigs'>;

const BY_PHONE = sql`l.organization_id || ':' || l.phone`;
const KEYS: Readonly<Record<PersonKind, SQL>> = {
  phoneToLead: BY_PHONE,
  leadToPhone: sql`l.organization_id || ':' || l.id`,
  conversationHistory: BY_PHONE,
  conversationContexts: BY_PHONE,
  conversationSummaries: BY_PHONE,
};
const VALUES: Readonly<Record<PersonKind, SQL>> = {
  phoneToLead: sql`jsonb_strip_nulls(jsonb_build_object('id', l.id, 'name', l.name, 'email', l.email, 'status', l.status))`,
  leadToPhone: sql`to_jsonb(l.phone)`,
  conversationHistory: sql`(select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', m.id,
      'direction', m.direction, 'sender', m.sender, 'body', m.body, 'media', m.media, 'status', m.status,
      'createdAt', m.created_at, 'accountSid', m.account_sid, 'messageSid', m.message_sid)) order by m.seq), '[]')
    from messages m where m.conversation_id = c.id)`,
  conversationContexts: sql`jsonb_strip_nulls(jsonb_build_object('slots', c.slots, 'optedOut', c.opted_out,
    'optedOutAt', c.opted_out_at, 'owner', c.owner, 'ownerName', c.owner_name,
    'dealershipNumber', c.dealership_number, 'email', l.email, 'updatedAt', c.last_message_at))`,
  conversationSummaries: sql`to_jsonb(c.summary)`,
};

export interface ExportedChat {
  readonly id: string;
  readonly userName: string;
  readonly messages: readonly unknown[];
}

/** Transcripts whose time is not over. */
export async function* exportChats(
  database: Database,
  organizationId: OrganizationId,
): AsyncGenerator<ExportedChat> {
  const chats = pages(
    database,
    HISTORY_PAGE,
    (after, limit) => sql`select chat_id as cursor, chat_id as key,
        jsonb_build_object('id', chat_id, 'userName', user_name, 'messages', messages) as value
      from imported_chats where organization_id = ${organizationId} and chat_id > ${after}
        and expires_at > clock_timestamp()
      order by chat_id limit ${limit}`,
  );
  for await (const [, chat] of chats) yield chat as ExportedChat;
}

/** In clear: for an operator who asked for exactly that. */
export async function* exportProviderKeys(
  database: Database,
  secrets: Secrets,
  organizationId: OrganizationId,
): AsyncGenerator<{ key: string; queries: number; tokens: number; balance: number | null }> {
  const keys = pages(
    database,
    PAGE,
    (after, limit) => sql`select key_hash as cursor, key_sealed as key,
        jsonb_build_object('queries', queries, 'tokens', tokens, 'balance', balance) as value
      from provider_keys where organization_id = ${organizationId} and key_hash > ${after}
      order by key_hash limit ${limit}`,
  );
  for await (const [sealed, use] of keys) {
    const counts = use as { queries: number; tokens: number; balance: number | null };
    yield { key: secrets.unseal(organizationId, sealed), ...counts };
  }
}

async function* pages(
  database: Database,
  size: number,
  page: (after: string, limit: number) => SQL,
): AsyncGenerator<MapEntry> {
  let after = '';
  for (;;) {
    const rows = await database.query<{ cursor: string; key: string; value: unknown }>(page(after, size));
    for (const { key, value } of rows) yield [key, value];
    const last = rows.at(-1);
    if (!last || rows.length < size) return;
    after = last.cursor;
  }
}
