/**
 * Claims: a fenced lease on a conversation whose reply is due, taken with one statement on the database's clock.
 * The same statement returns what the revision rule needs: the base rev, and every message after it. When more are due
 * than wanted, the organizations take turns.
 */
import { type SQL, sql } from 'drizzle-orm';
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
  /** Turns that this process runs already, by organization: whoever has fewer comes first. */
  readonly running?: ReadonlyMap<OrganizationId, number>;
  /** As many were due as there were places the last time, or one organization has all that it may. */
  readonly isCrowded?: boolean;
  /** The most turns of one organization that this process may run at a time; absent: as many as there are places. */
  readonly mostOfOne?: number;
}

type ClaimRow = Omit<Claim, 'since'> & { readonly since: readonly MessageRow[] };

/** For conversations aliased `c`. */
const CLAIMABLE = sql`c.reply_due_at <= ${nowRounded} and (c.lease_until is null or c.lease_until <= clock_timestamp())
  and c.owner = 'assistant' and not c.opted_out`;

const NO_CEILING = 1_000_000;

/** More than wanted, for other processes may be claiming the first of them in the same moment. */
const SPARE = 16;

/**
 * Claims up to `limit` conversations whose reply is due and whose lease is free or has run out, the oldest first. When
 * more than `limit` are due, the n-th of an organization comes after the (n-1)-th of every other one, its running turns
 * counted; the organizations are then found one by one in the index, so that the cost goes by their number and not by
 * how many replies one of them waits for.
 */
export async function claimDue(database: Database, options: ClaimOptions): Promise<Claim[]> {
  const rows = options.isCrowded
    ? await claimByIndex(database, options)
    : await database.query<ClaimRow>(claimStatement(options));
  return rows.map((row) => ({ ...row, since: row.since.map(toContextMessage) }));
}

/**
 * A server that has no statistics yet takes a table for small, and keeps the plan that it made of that: reading all of the
 * table for each organization. Of 20,000 due in 200 organizations a claim then took 120 to 400 ms, and 9 to 19 this way.
 * The text differs, so that no plan of the other way is found.
 */
async function claimByIndex(database: Database, options: ClaimOptions): Promise<ClaimRow[]> {
  return await database.transaction(async (tx) => {
    await tx.execute(
      sql`select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`,
    );
    return await database.query<ClaimRow>(sql`/* by index */ ${claimStatement(options)}`, tx);
  });
}

/** Apart, so that its plan can be looked at. */
export function claimStatement(options: ClaimOptions): SQL {
  const { limit, leaseMs, holder, running = new Map(), mostOfOne = NO_CEILING } = options;
  const runningRows = [...running].map(([id, turns]) => ({ id, turns }));
  return sql`with recursive busy as materialized (
        select id, turns from jsonb_to_recordset(${jsonRows(runningRows)}) as r(id text, turns int)
      ), ready as materialized (
        select c.id, c.organization_id, c.reply_due_at from conversations c
        where ${CLAIMABLE} order by c.reply_due_at limit ${limit + 1}
      ), crowd as materialized (
        select (select count(*) from ready) > ${limit} or exists (
          select 1 from ready left join busy r on r.id = ready.organization_id
          group by ready.organization_id having count(*) + coalesce(max(r.turns), 0) > ${mostOfOne}::int
        ) as is_there
      ), waiting as (
        (select c.organization_id as id from conversations c
          where c.reply_due_at is not null and (select is_there from crowd) order by c.organization_id limit 1)
        union all
        select (select c.organization_id from conversations c
          where c.reply_due_at is not null and c.organization_id > w.id order by c.organization_id limit 1)
        from waiting w where w.id is not null
      ), fair as (
        select first.id, first.reply_due_at, first.place + coalesce(r.turns, 0) as place
        from waiting w
        left join busy r on r.id = w.id
        cross join lateral (
          select c.id, c.reply_due_at, row_number() over (order by c.reply_due_at) as place from conversations c
          where c.organization_id = w.id and ${CLAIMABLE} order by c.reply_due_at limit ${limit + SPARE}
        ) first
        where first.place + coalesce(r.turns, 0) <= ${mostOfOne}::int
        order by 3, 2 limit ${limit + SPARE}
      ), chosen as (
        select id, reply_due_at, 0 as place from ready where not (select is_there from crowd)
        union all select id, reply_due_at, place from fair
      ), due as (
        select c.id from chosen join conversations c on c.id = chosen.id
        where ${CLAIMABLE} order by chosen.place, chosen.reply_due_at limit ${limit}
        for no key update of c skip locked
      ), claimed as (
        update conversations c set fence = c.fence + 1, turn_attempts = c.turn_attempts + 1,
          lease_until = clock_timestamp() + ${milliseconds(leaseMs)}, lease_holder = ${holder}
        from due where c.id = due.id
        returning c.*
      )
      select c.organization_id as "organizationId", o.rev as "organizationRev", c.id as "conversationId",
        c.lead_id as "leadId", c.fence::float8 as fence, c.turn_attempts as attempts, c.last_seq as "lastSeq",
        c.base_rev as "baseRev", c.base_seq as "baseSeq",
        (select coalesce(jsonb_agg(${messageJson} order by m.seq), '[]') from messages m
          where m.conversation_id = c.id and m.seq > c.base_seq) as since
      from claimed c join organizations o on o.id = c.organization_id`;
}

export interface Lease {
  readonly conversationId: ConversationId;
  readonly fence: number;
}

const leaseRows = (leases: readonly Lease[]) =>
  jsonRows(leases.map(({ conversationId, fence }) => ({ id: conversationId, fence })));

/** A lease that still holds, and whether its reply could still be committed. */
export interface HeldLease {
  readonly lastSeq: number;
  /** Nobody has taken over or opted out. */
  readonly mayReply: boolean;
}

/** Prolongs leases that still hold. @returns those; the others were lost. */
export async function renewLeases(
  database: Database,
  leases: readonly Lease[],
  leaseMs: number,
): Promise<Map<ConversationId, HeldLease>> {
  const rows = await database.query<HeldLease & { readonly id: ConversationId }>(
    // Locked in the order that texts and replies lock them: without it the two waited for each other for a second.
    sql`with held as (
        select c.id from conversations c
        join jsonb_to_recordset(${leaseRows(leases)}) as r(id uuid, fence bigint) on r.id = c.id and r.fence = c.fence
        where c.lease_until is not null order by c.id for no key update of c
      )
      update conversations c set lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
      from held where c.id = held.id
      returning c.id, c.last_seq as "lastSeq", c.owner = 'assistant' and not c.opted_out as "mayReply"`,
  );
  return new Map(rows.map(({ id, lastSeq, mayReply }) => [id, { lastSeq, mayReply }]));
}

/** Gives a claim back after a failed attempt; the turn is due again after `delayMs`. */
export async function releaseLease(database: Database, lease: Lease, delayMs: number): Promise<void> {
  await database.orm.execute(
    sql`update conversations set lease_until = null,
        reply_due_at = case when reply_due_at is null then null
          else greatest(reply_due_at, clock_timestamp() + ${milliseconds(delayMs)}) end
      where id = ${lease.conversationId} and fence = ${lease.fence}`,
  );
}

/** Gives a claim back as if it had not been taken: nothing failed, somebody else or a later turn will answer. */
export async function returnClaim(database: Database, lease: Lease): Promise<void> {
  await database.orm.execute(
    sql`update conversations set lease_until = null, turn_attempts = greatest(turn_attempts - 1, 0)
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
