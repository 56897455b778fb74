/** Delivery reports. They come in any order and more than once, so a message's status only moves up (DOMAIN.md 4.2). */
import { sql } from 'drizzle-orm';
import { createBatcher } from '../batcher.js';
import { type Database, isRecordAway } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { LiveEvents } from '../events.js';
import { isLocked, lockedConversations } from '../record/lockOrder.js';
import type { ConversationId, MessageId, MessageStatus, OrganizationId } from '../types.js';

export interface StatusReport {
  readonly organizationId: OrganizationId;
  readonly messageId: MessageId;
  readonly status: MessageStatus;
  readonly errorCode: number | null;
}

export interface StatusWriter {
  report(report: StatusReport): Promise<void>;
  idle(): Promise<void>;
}

const RANKS: Readonly<Record<MessageStatus, number>> = {
  received: 0,
  queued: 1,
  sending: 2,
  sent: 3,
  delivered: 4,
  undelivered: 4,
  failed: 4,
  canceled: 4,
};

export function createStatusWriter(database: Database, events: LiveEvents): StatusWriter {
  const batcher = createBatcher<StatusReport, null>({
    maxBatch: 200,
    run: async (reports) => {
      await writeReports(database, events, reports);
      return reports.map(() => null);
    },
    isWorthSplitting: (error) => !isRecordAway(error),
  });
  return {
    report: async (report) => {
      await batcher.add(report);
    },
    idle: () => batcher.idle(),
  };
}

async function writeReports(
  database: Database,
  events: LiveEvents,
  reports: readonly StatusReport[],
): Promise<void> {
  const changed = await database.query<{ organizationId: OrganizationId; conversationId: ConversationId }>(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(highest(reports))})
          as r(id uuid, organization_id text, status text, rank int, error_code int)
      ), ${lockedConversations(sql`select m.conversation_id from messages m join r on r.id = m.id`)}
      update messages m set status = r.status, error_code = coalesce(r.error_code, m.error_code) from r
      where m.id = r.id and m.organization_id = r.organization_id and ${isLocked(sql`m.conversation_id`)}
        and r.rank > (${JSON.stringify(RANKS)}::jsonb ->> m.status)::int
      returning m.organization_id as "organizationId", m.conversation_id as "conversationId"`,
  );
  for (const change of changed) events.publish({ type: 'message.status', ...change });
}

/** An update meets each row once, so of several reports for one message the highest goes in. */
function highest(reports: readonly StatusReport[]): object[] {
  const byId = new Map<MessageId, StatusReport>();
  for (const report of reports) {
    const known = byId.get(report.messageId);
    if (!known || RANKS[report.status] > RANKS[known.status]) byId.set(report.messageId, report);
  }
  return [...byId.values()].map(({ messageId, organizationId, status, errorCode }) => ({
    id: messageId,
    organization_id: organizationId,
    status,
    rank: RANKS[status],
    error_code: errorCode,
  }));
}
