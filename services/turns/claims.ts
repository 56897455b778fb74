/**
 * Claims: a fenced lease on a conversation whose reply is due, taken with one statement on the database's clock.
 * The same statement returns what the revision rule needs: the base rev, and every message after it.
 */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import { jsonRows, milliseconds, nowRounded } from '../db/sqlHelpers.js';
import { type MessageRow, messageJson, toContextMessage } from '../record/messageRow.js';
import type { ContextMessage, ConversationId, LeadId, OrganizationId, Rev } from '../types.js';

export interface Claim {
  readonly organizationId: OrganizationId;
  readonly organizationRev: Rev;
  readonly conversationId: ConversationId;
  readonly leadId: LeadId;
  /** Fencing token: the reply commits only while this is still the conversation's fence. */
  readonly fence: number;
  /** How often this turn was begun, this time included. */
  readonly attempts: number;
  readonly lastSeq: number;
  readonly baseRev: Rev;
  readonly baseSeq: number;
  /** Messages with `seq > baseSeq`, oldest first. */
  readonly since: readonly ContextMessage[];
}

export interface ClaimOptions {
  readonly limit: number;
  readonly leaseMs: number;
  /** Names this process in the row, for people who look. */
  readonly holder: string;
}

type ClaimRow = Omit<Claim, 'since'> & { readonly since: readonly MessageRow[] };

/** Claims up to `limit` conversations whose reply is due and whose lease is free or has run out. */
export async function claimDue(database: Database, options: ClaimOptions): Promise<Claim[]> {
  const rows = await database.query<ClaimRow>(
    sql`with due as (
        select id from conversations
        where reply_due_at <= ${nowRounded} and (lease_until is null or lease_until <= clock_timestamp())
          and owner = 'assistant' and not opted_out
        order by reply_due_at limit ${options.limit} for no key update skip locked
      ), claimed as (
        update conversations c set fence = c.fence + 1, turn_attempts = c.turn_attempts + 1,
          lease_until = clock_timestamp() + ${milliseconds(options.leaseMs)}, lease_holder = ${options.holder}
        from due where c.id = due.id
        returning c.*
      )
      select c.organization_id as "organizationId", o.rev as "organizationRev", c.id as "conversationId",
        c.lead_id as "leadId", c.fence::float8 as fence, c.turn_attempts as attempts, c.last_seq as "lastSeq",
        c.base_rev as "baseRev", c.base_seq as "baseSeq",
        (select coalesce(jsonb_agg(${messageJson} order by m.seq), '[]') from messages m
          where m.conversation_id = c.id and m.seq > c.base_seq) as since
      from claimed c join organizations o on o.id = c.organization_id`,
  );
  return rows.map((row) => ({ ...row, since: row.since.map(toContextMessage) }));
}

export interface Lease {
  readonly conversationId: ConversationId;
  readonly fence: number;
}

const leaseRows = (leases: readonly Lease[]) =>
  jsonRows(leases.map(({ conversationId, fence }) => ({ id: conversationId, fence })));

/** Prolongs leases that still hold. @returns the conversations that still do; the others were lost. */
export async function renewLeases(
  database: Database,
  leases: readonly Lease[],
  leaseMs: number,
): Promise<Set<ConversationId>> {
  const rows = await database.query<{ id: ConversationId }>(
    // Locked in the order that texts and replies lock them: without it the two waited for each other for a second.
    sql`with held as (
        select c.id from conversations c
        join jsonb_to_recordset(${leaseRows(leases)}) as r(id uuid, fence bigint) on r.id = c.id and r.fence = c.fence
        where c.lease_until is not null order by c.id for no key update of c
      )
      update conversations c set lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
      from held where c.id = held.id returning c.id`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** Gives a claim back without a reply; the turn is due again after `delayMs`. */
export async function releaseLease(database: Database, lease: Lease, delayMs: number): Promise<void> {
  await database.orm.execute(
    sql`update conversations set lease_until = null,
        reply_due_at = case when reply_due_at is null then null
          else greatest(reply_due_at, clock_timestamp() + ${milliseconds(delayMs)}) end
      where id = ${lease.conversationId} and fence = ${lease.fence}`,
  );
}

/**
 * Frees every lease at once. Only for the embedded record, whose directory lock proves that the processes which
 * held them are gone.
 */
export async function freeAllLeases(database: Database): Promise<void> {
  await database.orm.execute(sql`update conversations set lease_until = null where lease_until is not null`);
}
