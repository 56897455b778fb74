/**
 * Who speaks in a conversation: the assistant, or a person by name, since when and until when. Each change is one
 * transaction under the conversation's lock, which replies take as well: a reply is committed before a takeover or not
 * at all.
 */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { nowRounded, uuidList } from '../db/sqlHelpers.js';
import { classifyKeyword } from '../sms/keywords.js';
import type { ConversationId, LeadId, OrganizationId } from '../types.js';
import { resolveAlertsOf } from './alerts.js';
import { type Steered, type Steering, steer } from './conversations.js';
import { takeBackAfterTakeover } from './takeBack.js';

/**
 * From here on a person speaks. A reply that is being written loses its claim; what the assistant has committed, or we
 * wanted to start, and the carrier has not been handed is taken back, and out of the assistant's context: the shopper
 * never saw it. What staff have committed leaves, and so do fixed answers about texts themselves. Alerts that asked for a
 * person are seen to.
 */
export async function takeOver(
  database: Database,
  { ownerName, ...at }: Steering & { readonly ownerName: string },
): Promise<Steered | undefined> {
  return await steer(database, at, 'conversation.takeover', async (tx) => {
    const [row] = await database.query<{ id: ConversationId; optedOut: boolean }>(
      sql`update conversations c set owner = 'human', owner_name = ${ownerName},
          owner_since = case when c.owner = 'human' and c.owner_name = ${ownerName} then c.owner_since
            else clock_timestamp() end,
          owner_until = ${OWNER_UNTIL},
          reply_due_at = null, reply_waiting_since = null,
          fence = c.fence + 1, lease_until = null, lease_holder = null, turn_attempts = 0
        from organizations o where o.id = c.organization_id
          and c.organization_id = ${at.organizationId} and c.lead_id = ${at.leadId}
        returning c.id, c.opted_out as "optedOut"`,
      tx,
    );
    if (!row) return undefined;
    // The opt-out has taken back what it had to; what it left, such as its confirmation, stays.
    if (!row.optedOut) await takeBackAfterTakeover(tx, row.id);
    await resolveAlertsOf(tx, { ...at, conversationId: row.id });
    return row.id;
  });
}

/** For a conversation aliased `c` and its organization `o`: from now on, by the organization's setting; null without one. */
export const OWNER_UNTIL = sql`clock_timestamp()
  + make_interval(mins => (o.settings #>> '{takeover,returnAfterMinutes}')::int)`;

/**
 * For a conversation aliased `c`: whether the message `m` is a text of the shopper that nobody has answered; what was taken
 * back is no answer.
 */
const WAITS = sql`m.conversation_id = c.id and m.direction = 'inbound' and not m.retracted
  and m.seq > coalesce((select max(said.seq) from messages said where said.conversation_id = c.id
    and said.direction = 'outbound' and said.status <> 'canceled'), 0)`;
const IS_UNANSWERED = sql`(not c.opted_out and exists (select 1 from messages m where ${WAITS})
  and exists (select 1 from leads l where l.id = c.lead_id and l.kind = 'shopper'))`;

/** For a conversation aliased `c` that a person owns. */
const TO_ASSISTANT = sql`owner = 'assistant', owner_name = null, owner_until = null, owner_since = clock_timestamp(),
  reply_due_at = case when ${IS_UNANSWERED} then clock_timestamp() end,
  reply_waiting_since = case when ${IS_UNANSWERED} then clock_timestamp() end`;

/**
 * The assistant speaks again, and knows what was said meanwhile: it is in the messages. A text that no one has answered
 * is due at once, so that nobody is ignored. What the assistant owns already stays as it is.
 */
export async function release(database: Database, at: Steering): Promise<Steered | undefined> {
  return await steer(database, at, 'conversation.release', async (tx) => {
    const { organizationId, leadId } = at;
    const [row] = await database.query<{ id: ConversationId }>(
      sql`select id from conversations where organization_id = ${organizationId} and lead_id = ${leadId}
        for no key update`,
      tx,
    );
    if (!row) return undefined;
    await tx.execute(
      sql`update conversations c set ${TO_ASSISTANT} where c.id = ${row.id} and c.owner = 'human'`,
    );
    await leaveKeywords(database, tx, [row.id]);
    return row.id;
  });
}

/** HELP and START are answered by the carrier or by rule: where nothing else waits, the assistant has nothing to say. */
async function leaveKeywords(
  database: Database,
  tx: Orm,
  conversationIds: readonly ConversationId[],
): Promise<void> {
  const waiting = await database.query<{ id: ConversationId; bodies: readonly string[] }>(
    sql`select c.id, jsonb_agg(m.body) as bodies from conversations c join messages m on ${WAITS}
      where c.id in ${uuidList(conversationIds)} and c.reply_due_at is not null group by c.id`,
    tx,
  );
  const silent = waiting.filter(({ bodies }) =>
    bodies.every((body) => classifyKeyword({ body, optedOut: false }) !== undefined),
  );
  if (silent.length === 0) return;
  await tx.execute(
    sql`update conversations set reply_due_at = null, reply_waiting_since = null
      where id in ${uuidList(silent.map(({ id }) => id))}`,
  );
}

/** A conversation that went back to the assistant because staff said nothing for as long as their organization allows. */
export interface Returned {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly leadId: LeadId;
}

/**
 * Gives back up to `limit` conversations whose time is over, on the database's clock, each with its entry in the audit
 * trail. Any number of processes may do it: none takes a row of another. Where the organization no longer wants it, the
 * person keeps the conversation.
 * @returns those given back, and how many were looked at.
 */
export async function returnSilent(
  database: Database,
  limit: number,
): Promise<{ readonly returned: readonly Returned[]; readonly seen: number }> {
  return await database.transaction(async (tx) => {
    const rows = await giveBack(database, tx, limit);
    const returned = rows.flatMap(({ isReturned, ...row }) => (isReturned ? [row] : []));
    if (returned.length > 0)
      await leaveKeywords(
        database,
        tx,
        returned.map(({ conversationId }) => conversationId),
      );
    return { returned, seen: rows.length };
  });
}

const giveBack = (
  database: Database,
  tx: Orm,
  limit: number,
): Promise<(Returned & { readonly isReturned: boolean })[]> =>
  database.query(
    sql`with due as (
        select c.id, (o.settings #>> '{takeover,returnAfterMinutes}') is not null as is_wanted
        from conversations c join organizations o on o.id = c.organization_id
        where c.owner_until <= ${nowRounded}
        order by c.owner_until limit ${limit} for no key update of c skip locked
      ), kept as (
        update conversations c set owner_until = null from due where c.id = due.id and not due.is_wanted
        returning c.id, c.organization_id, c.lead_id
      ), returned as (
        update conversations c set ${TO_ASSISTANT} from due where c.id = due.id and due.is_wanted and c.owner = 'human'
        returning c.id, c.organization_id, c.lead_id
      ), noted as (
        insert into audit (organization_id, actor, action, subject)
        select organization_id, 'system', 'conversation.return', lead_id from returned
      )
      select id as "conversationId", organization_id as "organizationId", lead_id as "leadId", true as "isReturned"
        from returned
      union all select id, organization_id, lead_id, false from kept`,
    tx,
  );
