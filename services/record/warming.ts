/** What a process that has just started reads ahead. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { milliseconds } from '../db/sqlHelpers.js';
import type { ConversationId, OrganizationId, Rev } from '../types.js';
import { isoUtc } from './utc.js';

export interface RecentConversation {
  readonly organizationId: OrganizationId;
  readonly organizationRev: Rev;
  readonly conversationId: ConversationId;
  readonly baseRev: Rev;
  /** ISO 8601. */
  readonly lastMessageAt: string;
}

/** The newest first. @param after where the last list ended. */
export const listRecent = (
  database: Database,
  {
    sinceMs,
    after,
    limit,
  }: {
    readonly sinceMs: number;
    readonly after: RecentConversation | undefined;
    readonly limit: number;
  },
): Promise<RecentConversation[]> =>
  database.query<RecentConversation>(
    sql`select c.organization_id as "organizationId", o.rev as "organizationRev", c.id as "conversationId",
        c.base_rev as "baseRev", ${isoUtc(sql`c.last_message_at`)} as "lastMessageAt"
      from conversations c join organizations o on o.id = c.organization_id
      join leads l on l.id = c.lead_id and l.kind = 'shopper'
      where c.archived_seq < c.last_seq and c.last_message_at > clock_timestamp() - ${milliseconds(sinceMs)}
        and (${after === undefined} or (c.last_message_at, c.id)
          < (${after?.lastMessageAt ?? null}::timestamptz, ${after?.conversationId ?? null}::uuid))
      order by c.last_message_at desc, c.id desc limit ${limit}`,
  );
