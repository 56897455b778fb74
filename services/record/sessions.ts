/**
 * Sessions in the record. A token names its organization, as an API key does, so questions by token have none. An ended
 * session stays for an hour, so that other processes hear of its end (`readSessionChanges`).
 */
import { randomUUID } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { milliseconds } from '../db/sqlHelpers.js';
import type { OrganizationId, Session, SessionData } from '../types.js';
import { writeAudit } from './audit.js';

const inMs = (moment: SQL): SQL => sql`(extract(epoch from ${moment}) * 1000)::float8`;
const nowMs = inMs(sql`clock_timestamp()`);
/** The planner takes no index for a bound that changes while the statement runs (60 ms instead of 0.07 ms with 67,000 changed rows). */
const INDEXABLE_NOW = sql`statement_timestamp()`;

const COLUMNS = sql`s.id, s.token_hash as "tokenHash", s.organization_id as "organizationId", s.kind,
  s.user_id as "userId", s.api_key_id as "apiKeyId", s.data, s.rev, ${inMs(sql`s.created_at`)} as "createdAtMs",
  ${inMs(sql`s.last_seen_at`)} as "lastSeenAtMs", ${inMs(sql`s.expires_at`)} as "expiresAtMs",
  ${inMs(sql`s.ends_at`)} as "endsAtMs", ${nowMs} as "readAtMs"`;

/** A key that is gone takes its sessions along, whoever removed it. */
const IS_LIVE = sql`s.ended_at is null and s.expires_at > clock_timestamp() and (s.api_key_id is null
  or exists (select 1 from api_keys k where k.id = s.api_key_id and k.organization_id = s.organization_id))`;

const END = sql`ended_at = clock_timestamp(), changed_at = clock_timestamp(), rev = s.rev + 1,
  expires_at = least(s.expires_at, clock_timestamp())`;

/** Sessions ended by one statement at most. */
const END_BATCH = 500;

/** One person's sessions: staff are told apart by the key they came with, too. */
export interface SessionUser {
  readonly kind: Session['kind'];
  readonly userId: string;
  readonly apiKeyId: string | null;
}

const ofUser = (organizationId: OrganizationId, { kind, userId, apiKeyId }: SessionUser): SQL =>
  sql`s.organization_id = ${organizationId} and s.kind = ${kind} and s.user_id = ${userId}
    and s.api_key_id is not distinct from ${apiKeyId}::uuid`;

export interface NewSession extends SessionUser {
  readonly tokenHash: string;
  readonly data: SessionData;
  readonly idleTtlMs: number;
  /** Null: only idleness ends it. */
  readonly absoluteTtlMs: number | null;
  /** The oldest of the user's sessions give way. */
  readonly maxPerUser: number;
  /** Who opens it, for the audit trail; absent: no entry. */
  readonly actor?: string | undefined;
}

/** @returns undefined when there is no such organization or key; `ended` are token hashes of those that gave way. */
export async function createSession(
  database: Database,
  organizationId: OrganizationId,
  session: NewSession,
): Promise<{ readonly session: Session; readonly ended: readonly string[] } | undefined> {
  const { tokenHash, kind, userId, apiKeyId, data, idleTtlMs, absoluteTtlMs } = session;
  const idleTtlSeconds = Math.ceil(idleTtlMs / 1000);
  // Held until the commit: who revokes the key waits, and then finds this session.
  const owner =
    apiKeyId === null
      ? sql`select id as "organizationId" from organizations where id = ${organizationId} for key share`
      : sql`select organization_id as "organizationId" from api_keys
          where id = ${apiKeyId} and organization_id = ${organizationId} for key share`;
  return await database.transaction(async (tx) => {
    if ((await database.query(owner, tx)).length === 0) return undefined;
    const ended = await database.query<{ tokenHash: string }>(
      sql`update sessions s set ${END} where s.id in (select s.id from sessions s
          where ${ofUser(organizationId, session)} and s.ended_at is null
          order by s.last_seen_at desc, s.id offset ${session.maxPerUser - 1})
        returning token_hash as "tokenHash"`,
      tx,
    );
    const ends =
      absoluteTtlMs === null
        ? sql`null::timestamptz`
        : sql`clock_timestamp() + ${milliseconds(absoluteTtlMs)}`;
    const [created] = await database.query<Session>(
      sql`insert into sessions as s (id, organization_id, token_hash, kind, user_id, api_key_id, data,
          idle_ttl_seconds, ends_at, expires_at)
        select ${randomUUID()}::uuid, ${organizationId}, ${tokenHash}, ${kind}, ${userId}, ${apiKeyId}::uuid,
          ${JSON.stringify(data)}::jsonb, ${idleTtlSeconds}::int, e.ends_at,
          least(clock_timestamp() + make_interval(secs => ${idleTtlSeconds}::float8), e.ends_at)
        from (select ${ends} as ends_at) e returning ${COLUMNS}`,
      tx,
    );
    if (!created) throw new Error('The new session cannot be read.');
    const { actor } = session;
    if (actor !== undefined) {
      const entry = { organizationId, actor, action: 'session.open', subject: created.id };
      await writeAudit(tx, { ...entry, details: { name: userId } });
    }
    return { session: created, ended: ended.map((row) => row.tokenHash) };
  });
}

/** @returns undefined when it has ended, expired, lost its key, or never was. */
export async function readSession(database: Database, tokenHash: string): Promise<Session | undefined> {
  const [session] = await database.query<Session>(
    sql`select ${COLUMNS} from sessions s where s.token_hash = ${tokenHash} and ${IS_LIVE}`,
  );
  return session;
}

/** @returns undefined when the session is no longer at `rev`, or no longer live. */
export async function writeSessionData(
  database: Database,
  { organizationId, tokenHash, rev }: Pick<Session, 'organizationId' | 'tokenHash' | 'rev'>,
  data: SessionData,
): Promise<Session | undefined> {
  const [session] = await database.query<Session>(
    sql`update sessions s set data = ${JSON.stringify(data)}::jsonb, rev = s.rev + 1, changed_at = clock_timestamp()
      where s.token_hash = ${tokenHash} and s.organization_id = ${organizationId} and s.rev = ${rev} and ${IS_LIVE}
      returning ${COLUMNS}`,
  );
  return session;
}

/**
 * Notes that the session is in use, unless that was noted less than `everyMs` ago.
 * @returns undefined when there was nothing to note; an ended or expired session is never brought back.
 */
export async function touchSession(
  database: Database,
  { organizationId, tokenHash }: Pick<Session, 'organizationId' | 'tokenHash'>,
  everyMs: number,
): Promise<Session | undefined> {
  const [session] = await database.query<Session>(
    sql`update sessions s set last_seen_at = clock_timestamp(),
        expires_at = least(clock_timestamp() + make_interval(secs => s.idle_ttl_seconds), s.ends_at)
      where s.token_hash = ${tokenHash} and s.organization_id = ${organizationId}
        and s.last_seen_at < clock_timestamp() - ${milliseconds(everyMs)} and ${IS_LIVE}
      returning ${COLUMNS}`,
  );
  return session;
}

/** Live sessions of one person, the one used last first; at most 100. */
export const listSessions = (
  database: Database,
  organizationId: OrganizationId,
  user: SessionUser,
): Promise<Session[]> =>
  database.query<Session>(
    sql`select ${COLUMNS} from sessions s where ${ofUser(organizationId, user)} and ${IS_LIVE}
      order by s.last_seen_at desc, s.id limit 100`,
  );

/** @returns whether this call ended it. */
export async function endSession(
  database: Database,
  { organizationId, tokenHash }: Pick<Session, 'organizationId' | 'tokenHash'>,
): Promise<boolean> {
  const rows = await database.query(
    sql`update sessions s set ${END}
      where s.token_hash = ${tokenHash} and s.organization_id = ${organizationId} and s.ended_at is null returning 1`,
  );
  return rows.length > 0;
}

/** In batches, so that no statement holds the record for long. @returns the token hashes, a batch at a time. */
export async function* endSessions(
  database: Database,
  organizationId: OrganizationId,
  user?: SessionUser,
): AsyncGenerator<readonly string[]> {
  const whose = user ? ofUser(organizationId, user) : sql`s.organization_id = ${organizationId}`;
  for (let ended = END_BATCH; ended === END_BATCH; ) {
    const rows = await database.query<{ tokenHash: string }>(
      sql`update sessions s set ${END} where s.id in (select s.id from sessions s
          where ${whose} and s.ended_at is null order by s.id limit ${END_BATCH} for update)
        returning token_hash as "tokenHash"`,
    );
    ended = rows.length;
    if (ended > 0) yield rows.map(({ tokenHash }) => tokenHash);
  }
}

/** In the transaction that removes the key, after the removal: whoever opens a session with it has then committed or fails. */
export async function endSessionsOfKey(
  tx: Orm,
  organizationId: OrganizationId,
  apiKeyId: string,
): Promise<void> {
  await tx.execute(
    sql`update sessions s set ${END}
      where s.api_key_id = ${apiKeyId}::uuid and s.organization_id = ${organizationId} and s.ended_at is null`,
  );
}

export interface SessionChange {
  readonly tokenHash: string;
  readonly rev: number;
  readonly isEnded: boolean;
  readonly changedAtMs: number;
}

export interface SessionChangesRead {
  /** The record's clock, not before the moment that the changes are as of. */
  readonly nowMs: number;
  readonly changes: readonly SessionChange[];
}

/** Of all organizations: what a process must know before it trusts a copy. At most `limit` of the last `windowMs`. */
export async function readSessionChanges(
  database: Database,
  { sinceMs, windowMs, limit }: { sinceMs: number; windowMs: number; limit: number },
): Promise<SessionChangesRead> {
  const [row] = await database.query<SessionChangesRead>(
    sql`select ${nowMs} as "nowMs", coalesce((select jsonb_agg(jsonb_build_object('tokenHash', c.token_hash,
        'rev', c.rev, 'isEnded', c.ended_at is not null, 'changedAtMs', ${inMs(sql`c.changed_at`)}))
      from (select * from sessions where changed_at > greatest(to_timestamp(${sinceMs / 1000}::float8),
        ${INDEXABLE_NOW} - ${milliseconds(windowMs)}) order by changed_at desc limit ${limit}) c), '[]') as changes`,
  );
  if (!row) throw new Error('A statement without a table gave no row.');
  return row;
}

/** Removes sessions that ended or expired more than `keptMs` ago; at most `limit`. @returns how many. */
export async function purgeSessions(
  database: Database,
  { keptMs, limit }: { keptMs: number; limit: number },
): Promise<number> {
  const rows = await database.query(
    sql`delete from sessions where id in (select id from sessions
        where expires_at < ${INDEXABLE_NOW} - ${milliseconds(keptMs)}
        order by expires_at limit ${limit} for update skip locked) returning 1`,
  );
  return rows.length;
}
