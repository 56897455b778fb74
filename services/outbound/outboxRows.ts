/** Outbox rows in hand: keeping them, and what became of them. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, milliseconds } from '../db/sqlHelpers.js';
import { isLocked, lockedConversations } from '../record/lockOrder.js';
import { takeBackStopped } from '../record/takeBack.js';
import type { ConversationId, MessageId, MessageStatus } from '../types.js';
import type { OutboxClaim } from './claimOutbox.js';
import { type ReactDeps, react } from './react.js';
import { POLL_AFTER_MS } from './statuses.js';

/** While a send is under way, so that only a dead process loses its claim. */
export async function renewOutboxLeases(
  database: Database,
  claims: readonly OutboxClaim[],
  leaseMs: number,
): Promise<void> {
  const rows = claims.map(({ text, fence }) => ({ message_id: text.id, fence }));
  await database.orm.execute(
    sql`update outbox o set lease_until = clock_timestamp() + ${milliseconds(leaseMs)}
      from jsonb_to_recordset(${jsonRows(rows)}) as r(message_id uuid, fence bigint)
      where o.message_id = r.message_id and o.fence = r.fence and o.lease_until is not null`,
  );
}

/** What became of one claim. */
export interface OutboxOutcome {
  readonly messageId: MessageId;
  readonly fence: number;
  readonly state: 'accepted' | 'refused' | 'unknown' | 'queued';
  /** When the row is looked at again; does not count for the final states. */
  readonly delayMs: number;
  readonly code: number | null;
  readonly reason: string | null;
  readonly accountSid: string | null;
  readonly providerSid: string | null;
  readonly messageStatus: MessageStatus | null;
  /** Of the credentials that the carrier refused. */
  readonly credentialHash?: string | undefined;
}

/**
 * One statement for many outcomes: the outbox rows, and the messages' carrier ids and statuses. A row that a report of the
 * carrier has settled meanwhile stays as it is. Reactions to errors are in the same transaction.
 */
export async function storeOutcomes(deps: ReactDeps, outcomes: readonly OutboxOutcome[]): Promise<null[]> {
  const { database } = deps;
  if (!outcomes.some((outcome) => isFailure(outcome) || outcome.state === 'queued')) {
    await writeOutcomes(database, database.orm, outcomes);
  } else {
    await database.transaction(async (tx) => {
      const kept = await writeOutcomes(database, tx, outcomes);
      const again = outcomes.flatMap(({ messageId, state }) =>
        state === 'queued' ? (kept.get(messageId) ?? []) : [],
      );
      if (again.length > 0) await takeBackStopped(database, tx, again);
      const failures = outcomes.filter((outcome) => isFailure(outcome) && kept.has(outcome.messageId));
      await react(
        deps,
        tx,
        failures.map(({ messageId, code, state, credentialHash }) => ({
          messageId,
          code,
          wasTaken: false,
          isFinal: state === 'refused',
          credentialHash,
        })),
      );
    });
  }
  return outcomes.map(() => null);
}

const isFailure = ({ state, code }: OutboxOutcome): boolean => state === 'refused' || code !== null;

/** @returns the conversations of the texts that were still in hand. */
async function writeOutcomes(
  database: Database,
  orm: Orm,
  outcomes: readonly OutboxOutcome[],
): Promise<ReadonlyMap<MessageId, ConversationId>> {
  const rows = outcomes.map((outcome) => ({
    message_id: outcome.messageId,
    fence: outcome.fence,
    state: outcome.state,
    delay_s: (outcome.state === 'accepted' ? POLL_AFTER_MS : outcome.delayMs) / 1000,
    code: outcome.code,
    reason: outcome.reason,
    account_sid: outcome.accountSid,
    provider_sid: outcome.providerSid,
    status: outcome.messageStatus,
  }));
  const kept = await database.query<{ messageId: MessageId; conversationId: ConversationId }>(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(rows)}) as r(message_id uuid, fence bigint, state text,
          delay_s float8, code int, reason text, account_sid text, provider_sid text, status text)
      ), ${lockedConversations(sql`select o.conversation_id from outbox o join r on r.message_id = o.message_id`)},
      kept as (
        update outbox o set state = r.state, lease_until = null, last_code = r.code, last_reason = r.reason,
          due_at = clock_timestamp() + make_interval(secs => r.delay_s)
        from r where o.message_id = r.message_id and o.fence = r.fence and o.state in ('sending', 'unknown')
          and ${isLocked(sql`o.conversation_id`)}
        returning o.message_id, o.conversation_id, o.resends
      ), written as (
        update messages m set
          account_sid = coalesce(r.account_sid, m.account_sid), message_sid = coalesce(r.provider_sid, m.message_sid),
          error_code = coalesce(r.code, m.error_code),
          status = case when m.status in ('queued', 'sending') or k.resends > 0
            then coalesce(r.status, m.status) else m.status end
        from r join kept k on k.message_id = r.message_id
        where m.id = r.message_id and (r.provider_sid is not null or r.status is not null)
      )
      select message_id as "messageId", conversation_id as "conversationId" from kept`,
    orm,
  );
  return new Map(kept.map(({ messageId, conversationId }) => [messageId, conversationId]));
}

/**
 * For the embedded record at start: the processes that held leases are gone, so what they may have sent is looked up
 * as soon as the carrier has had `settleMs` to list it.
 */
export async function freeOutboxLeases(
  database: Database,
  { leaseMs, settleMs }: { readonly leaseMs: number; readonly settleMs: number },
): Promise<void> {
  await database.orm.execute(
    sql`update outbox set lease_until = lease_until - ${milliseconds(leaseMs - settleMs)}
      where lease_until is not null and state in ('queued', 'sending', 'unknown')`,
  );
}

/**
 * Carrier ids of the conversation's other messages, and of an attempt of this one that was not delivered: the same words may
 * have been sent twice on purpose.
 */
export async function knownSids(database: Database, claim: OutboxClaim): Promise<ReadonlySet<string>> {
  const rows = await database.query<{ sid: string }>(
    sql`select message_sid as sid from messages where conversation_id = ${claim.conversationId}
      and organization_id = ${claim.text.organizationId} and direction = 'outbound' and message_sid is not null
      union all
      select failed_sid from outbox where conversation_id = ${claim.conversationId}
        and organization_id = ${claim.text.organizationId} and failed_sid is not null`,
  );
  return new Set(rows.map(({ sid }) => sid));
}
