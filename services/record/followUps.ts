/** Texts that we start because of an inquiry: rows with a time, claimed with a lease on the record's clock. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, milliseconds, nowRounded } from '../db/sqlHelpers.js';
import type { Prospect } from '../leads/prospect.js';
import {
  type ConversationId,
  type E164,
  type MessageId,
  newMessageId,
  type OrganizationId,
  type OrganizationSettings,
  type Owner,
  type Slots,
} from '../types.js';

export interface FollowUpPlan {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly inquiryId: string;
  /** The shopper's last text so far. */
  readonly knownSeq: number;
  readonly greets: boolean;
  /** Of the steps after the first touch, since now. */
  readonly delaysHours: readonly number[];
}

/**
 * In the transaction of the inquiry. What an earlier inquiry of the same conversation planned is taken back: one cadence
 * at a time.
 * @returns whether a first touch is due; false when there has been one.
 */
export async function planFollowUps(database: Database, tx: Orm, plan: FollowUpPlan): Promise<boolean> {
  const rows = [
    ...(plan.greets ? [{ step: 0, hours: 0 }] : []),
    ...plan.delaysHours.map((hours, index) => ({ step: index + 1, hours })),
  ].map((row) => ({ ...row, id: newMessageId() }));
  if (rows.length === 0) return false;
  await tx.execute(
    sql`update follow_ups set state = 'stopped', reason = 'newer_inquiry', settled_at = clock_timestamp(), lease_until = null
      where conversation_id = ${plan.conversationId} and state = 'waiting' and step > 0`,
  );
  const planned = await database.query<{ step: number }>(
    sql`insert into follow_ups (id, organization_id, conversation_id, inquiry_id, step, due_at, known_seq)
      select r.id, ${plan.organizationId}, ${plan.conversationId}, ${plan.inquiryId}, r.step,
        clock_timestamp() + make_interval(secs => r.hours * 3600), ${plan.knownSeq}
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, step int, hours float8)
      on conflict do nothing returning step`,
    tx,
  );
  return planned.some(({ step }) => step === 0);
}

/** A row in hand, with what is known at this moment. */
export interface FollowUpClaim {
  /** The message's too. */
  readonly id: MessageId;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly fence: number;
  readonly attempts: number;
  readonly step: number;
  readonly knownSeq: number;
  /** The message of this row is in the record already: a process died before it could say so. */
  readonly isSent: boolean;
  readonly owner: Owner;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  readonly lastInboundSeq: number;
  readonly slots: Slots;
  readonly phone: E164;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly prospect: Prospect;
  /** ISO 8601. */
  readonly requestedAt: string;
  readonly now: string;
  readonly dealership: string;
  readonly timezone: string;
  readonly settings: OrganizationSettings;
}

/** @param leaseMs after that another process may take the row. */
export const claimFollowUps = (
  database: Database,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<FollowUpClaim[]> =>
  database.query<FollowUpClaim>(
    sql`with due as (
        select f.id from follow_ups f where state = 'waiting' and due_at <= ${nowRounded}
          and (lease_until is null or lease_until <= clock_timestamp())
          and not exists (select 1 from follow_ups earlier where earlier.conversation_id = f.conversation_id
            and earlier.state = 'waiting' and (earlier.due_at, earlier.step) < (f.due_at, f.step))
        order by due_at limit ${limit} for no key update of f skip locked
      ), claimed as (
        update follow_ups f set fence = f.fence + 1, attempts = f.attempts + 1,
          lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
        from due where f.id = due.id returning f.*
      )
      select f.id, f.organization_id as "organizationId", f.conversation_id as "conversationId", f.fence::float8 as fence,
        f.attempts, f.step, f.known_seq as "knownSeq", exists (select 1 from messages m where m.id = f.id) as "isSent",
        c.owner, c.opted_out as "optedOut", c.last_seq as "lastSeq", c.last_inbound_seq as "lastInboundSeq", c.slots,
        l.phone, l.attributes, i.prospect, to_jsonb(i.requested_at) #>> '{}' as "requestedAt",
        to_jsonb(clock_timestamp()) #>> '{}' as now, o.name as dealership, o.timezone, o.settings
      from claimed f join conversations c on c.id = f.conversation_id join leads l on l.id = c.lead_id
      join inquiries i on i.id = f.inquiry_id join organizations o on o.id = f.organization_id
      order by f.due_at, f.id`,
  );

/** How a claim ends. `wait`: it is tried again later. */
export type FollowUpOutcome =
  | { readonly state: 'sent' | 'skipped' | 'stopped'; readonly reason: string | null }
  | { readonly state: 'wait'; readonly delayMs: number; readonly reason: string };

/**
 * Only under the fence it was claimed with. `stopped` ends the steps after it as well; after one that was late the next
 * keep their distance to it, so that a process that was away does not send them all at once.
 */
export async function settleFollowUp(
  database: Database,
  { id, organizationId, fence }: FollowUpClaim,
  outcome: FollowUpOutcome,
): Promise<void> {
  if (outcome.state === 'wait') {
    await database.orm.execute(
      sql`update follow_ups set lease_until = null, reason = ${outcome.reason},
          due_at = clock_timestamp() + ${milliseconds(outcome.delayMs)}
        where id = ${id} and organization_id = ${organizationId} and fence = ${fence} and state = 'waiting'`,
    );
    return;
  }
  await database.orm.execute(
    sql`with settled as (
        update follow_ups set lease_until = null, state = ${outcome.state}, reason = ${outcome.reason},
          settled_at = clock_timestamp()
        where id = ${id} and organization_id = ${organizationId} and fence = ${fence} and state = 'waiting'
        returning id, conversation_id, due_at, state, reason
      )
      update follow_ups f set
        state = case when s.state = 'stopped' then 'stopped' else f.state end,
        reason = case when s.state = 'stopped' then s.reason else f.reason end,
        settled_at = case when s.state = 'stopped' then clock_timestamp() end,
        due_at = greatest(f.due_at, clock_timestamp() + (f.due_at - s.due_at))
      from settled s where f.conversation_id = s.conversation_id and f.id <> s.id and f.state = 'waiting'`,
  );
}
