/**
 * What the record held at every base rev, written by the record itself: a deferred trigger logs each renewed base at the
 * commit that made it, so whoever has seen a base rev finds here exactly what a copy of that rev may hold. A second
 * trigger logs each text as it came.
 */
import { sql } from 'drizzle-orm';
import type { Database } from '../../../services/db/client.js';
import { jsonRows } from '../../../services/db/sqlHelpers.js';
import type { Slots } from '../../../services/types.js';
import type { Seen } from './checker.js';

const STATEMENTS = [
  sql`create table rev_log (base_rev uuid primary key, organization_id text not null, conversation_id uuid not null,
    base_seq int not null, owner text not null, opted_out boolean not null, slots jsonb not null,
    summary text not null, messages jsonb not null)`,
  sql`create table text_log (conversation_id uuid, seq int, body text not null, primary key (conversation_id, seq))`,
  sql`create function log_base() returns trigger language plpgsql as $$
    begin
      insert into rev_log
        select c.base_rev, c.organization_id, c.id, c.base_seq, c.owner, c.opted_out, c.slots, c.summary,
          (select coalesce(jsonb_agg(jsonb_build_array(m.seq, m.body) order by m.seq), '[]') from (
            select seq, body from messages where conversation_id = c.id and not retracted and seq <= c.base_seq
            order by seq desc limit 50) m)
        from conversations c where c.id = new.id
      on conflict do nothing;
      return null;
    end $$`,
  sql`create constraint trigger log_new_base after insert on conversations deferrable initially deferred
    for each row execute function log_base()`,
  sql`create constraint trigger log_renewed_base after update on conversations deferrable initially deferred
    for each row when (new.base_rev is distinct from old.base_rev) execute function log_base()`,
  sql`create function log_text() returns trigger language plpgsql as $$
    begin
      insert into text_log values (new.conversation_id, new.seq, new.body);
      return null;
    end $$`,
  sql`create trigger log_text after insert on messages for each row execute function log_text()`,
];

export async function installRevLog(database: Database): Promise<void> {
  for (const statement of STATEMENTS) await database.orm.execute(statement);
}

/** What the record held at the base of a turn, and what came after it up to the claim. */
export interface Truth {
  readonly n: number;
  /** Null throughout when no transaction has ever made that base. */
  readonly organizationId: string | null;
  readonly conversationId: string | null;
  readonly owner: string | null;
  readonly optedOut: boolean | null;
  readonly slots: Slots | null;
  readonly summary: string | null;
  /** `[seq, body]`, oldest first: those that are not retracted up to the base, then every text since. */
  readonly messages: readonly (readonly [number, string])[] | null;
  /** Texts with a seq above that of the claim, up to now. */
  readonly later: number;
}

/** @returns one for each turn, in order. */
export const readTruth = (database: Database, seen: readonly Seen[]): Promise<Truth[]> =>
  database.query<Truth>(
    sql`select s.n, l.organization_id as "organizationId", l.conversation_id as "conversationId", l.owner,
        l.opted_out as "optedOut", l.slots, l.summary,
        l.messages || (select coalesce(jsonb_agg(jsonb_build_array(t.seq, t.body) order by t.seq), '[]') from text_log t
          where t.conversation_id = l.conversation_id and t.seq > l.base_seq and t.seq <= s.last_seq) as messages,
        (select count(*)::int from text_log t
          where t.conversation_id = s.conversation_id and t.seq > s.last_seq) as later
      from jsonb_to_recordset(${jsonRows(
        seen.map((each, n) => ({
          n,
          rev: each.rev,
          conversation_id: each.conversationId,
          last_seq: each.lastSeq,
        })),
      )}) as s(n int, rev uuid, conversation_id uuid, last_seq int)
      left join rev_log l on l.base_rev = s.rev
      order by s.n`,
  );
