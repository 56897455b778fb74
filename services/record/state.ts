/** What the state door reads from the record on a miss. */
import { sql } from 'drizzle-orm';
import type { StateRecord } from '../../redis-migration.js';
import type { Database } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type {
  AgentConfiguration,
  ConversationSnapshot,
  E164,
  LeadId,
  Message,
  Organization,
  OrganizationId,
  Rev,
  Vehicle,
} from '../types.js';
import { readLiveView } from './liveView.js';
import { type MessageRow, messageJson, toContextMessage, toMessage } from './messageRow.js';
import { readSession } from './sessions.js';

/** A dealership with more vehicles than this shows its newest ones to the assistant. */
const MAX_INVENTORY = 300;
const SNAPSHOT_MESSAGES = 50;

export function createStateRecord(database: Database): StateRecord {
  const one = async <Row>(statement: ReturnType<typeof sql>): Promise<Row | undefined> =>
    (await database.query<Row>(statement))[0];
  const readOrganization = (organizationId: OrganizationId) =>
    one<Organization>(
      sql`select o.id, o.rev, o.name, o.timezone, o.settings,
          (select coalesce(jsonb_agg(p.phone_number order by p.created_at, p.phone_number), '[]') from phone_numbers p
            where p.organization_id = o.id) as "phoneNumbers"
        from organizations o where o.id = ${organizationId}`,
    );
  return {
    readOrganization,
    readSnapshot: (organizationId, conversationId) => readSnapshot(database, organizationId, conversationId),
    readHistoryRev: async (organizationId, leadId) =>
      (
        await one<{ rev: Rev }>(
          sql`select rev from conversations where lead_id = ${leadId} and organization_id = ${organizationId}`,
        )
      )?.rev,
    readHistory: (organizationId, leadId, limit) => readHistory(database, organizationId, leadId, limit),
    findLeadIdByPhone: async (organizationId, phone) =>
      (
        await one<{ id: LeadId }>(
          sql`select id from leads
            where organization_id = ${organizationId} and phone = ${phone} and kind = 'shopper'`,
        )
      )?.id,
    findPhoneByLeadId: async (organizationId, leadId) =>
      (
        await one<{ phone: E164 }>(
          sql`select phone from leads where organization_id = ${organizationId} and id = ${leadId}`,
        )
      )?.phone,
    findOrganizationIdByNumber: async (account, phone) =>
      (
        await one<{ id: OrganizationId }>(
          sql`select organization_id as id from phone_numbers where account = ${account} and phone_number = ${phone}`,
        )
      )?.id,
    readSession: (tokenHash) => readSession(database, tokenHash),
    readLiveView: (organizationId) => readLiveView(database, organizationId),
    readAgentConfiguration: async (organizationId) => {
      const organization = await readOrganization(organizationId);
      return organization && { organization, inventory: await readInventory(database, organizationId) };
    },
  } satisfies StateRecord;
}

type SnapshotRow = Omit<ConversationSnapshot, 'messages'> & { readonly messages: MessageRow[] };

/** State and messages as of the same moment. `rev` is the base rev, which is what a snapshot is checked by. */
const SNAPSHOTS = sql`select c.organization_id as "organizationId", c.id as "conversationId", c.lead_id as "leadId",
    c.base_rev as rev, c.last_seq as "lastSeq", c.owner, c.opted_out as "optedOut", c.summary, c.slots,
    (select coalesce(jsonb_agg(${messageJson} order by m.seq), '[]') from (
      select * from messages where conversation_id = c.id and not retracted
      order by seq desc limit ${SNAPSHOT_MESSAGES}
    ) m) as messages
  from conversations c`;

const toSnapshot = (row: SnapshotRow): ConversationSnapshot => ({
  ...row,
  messages: row.messages.map(toContextMessage),
});

/** Of many organizations in one statement, for warming. */
export async function readSnapshots(
  database: Database,
  conversations: readonly Pick<ConversationSnapshot, 'organizationId' | 'conversationId'>[],
): Promise<ConversationSnapshot[]> {
  const rows = await database.query<SnapshotRow>(
    sql`${SNAPSHOTS} join jsonb_to_recordset(${jsonRows(conversations)})
        as r("organizationId" text, "conversationId" uuid)
      on c.id = r."conversationId" and c.organization_id = r."organizationId"`,
  );
  return rows.map(toSnapshot);
}

async function readSnapshot(
  database: Database,
  organizationId: OrganizationId,
  conversationId: string,
): Promise<ConversationSnapshot | undefined> {
  const [row] = await database.query<SnapshotRow>(
    sql`${SNAPSHOTS} where c.id = ${conversationId} and c.organization_id = ${organizationId}`,
  );
  return row && toSnapshot(row);
}

async function readHistory(
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
  limit: number,
): Promise<{ rev: Rev; messages: Message[] } | undefined> {
  const [row] = await database.query<{ rev: Rev; messages: MessageRow[] }>(
    sql`select c.rev, (select coalesce(jsonb_agg(${messageJson} order by m.seq), '[]') from (
          select * from messages where conversation_id = c.id order by seq desc limit ${limit}
        ) m) as messages
      from conversations c where c.lead_id = ${leadId} and c.organization_id = ${organizationId}`,
  );
  return row && { rev: row.rev, messages: row.messages.map(toMessage) };
}

const readInventory = (
  database: Database,
  organizationId: OrganizationId,
): Promise<AgentConfiguration['inventory'] & Vehicle[]> =>
  database.query<Vehicle>(
    sql`select stock_number as "stockNumber", condition, year, make, model, trim, body_style as "bodyStyle", color,
        odometer_km as "odometerKm", price, currency
      from vehicles where organization_id = ${organizationId} order by year desc, stock_number limit ${MAX_INVENTORY}`,
  );
