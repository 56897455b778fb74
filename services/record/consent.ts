/** The consent ledger: what people said and agreed to, their opt-outs, and what an opt-out stops at once. */
import { type SQL, sql } from 'drizzle-orm';
import type { Orm } from '../db/client.js';
import type {
  ConsentBasis,
  ConsentEvidence,
  ConsentKind,
  ConsentMethod,
  OptOutScope,
} from '../db/schema/consent.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { ConversationId, LeadId, OrganizationId } from '../types.js';
import { takeBackAfterOptOut } from './takeBack.js';

export interface ConsentEvent {
  readonly organizationId: OrganizationId;
  readonly leadId: LeadId;
  readonly conversationId: ConversationId;
  /** `Secrets.hashPhone`, so that the event keeps its meaning when the lead is erased. */
  readonly phoneHash: string;
  readonly kind: ConsentKind;
  readonly method: ConsentMethod;
  /** The exact words. */
  readonly words: string;
  readonly messageSid: string | null;
  /** Of an opt-out; `organization` when absent. */
  readonly scope?: OptOutScope;
  /** Of a consent: what it rests on. */
  readonly basis?: ConsentBasis;
  /** `id@version` of the text that the person was shown. */
  readonly disclosure?: string;
  readonly evidence?: ConsentEvidence;
}

/**
 * Appends the events. An opt-out also goes into the person's own ledger, where it outlives the lead, and takes back
 * what is committed but not yet handed to the carrier (P5); an opt-in lifts it.
 */
export async function storeConsentEvents(tx: Orm, events: readonly ConsentEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    organization_id: event.organizationId,
    lead_id: event.leadId,
    phone_hash: event.phoneHash,
    kind: event.kind,
    method: event.method,
    words: event.words,
    message_sid: event.messageSid,
    basis: event.basis ?? null,
    disclosure: event.disclosure ?? null,
    evidence: event.evidence ?? {},
  }));
  await tx.execute(
    sql`insert into consent_events (organization_id, lead_id, phone_hash, kind, method, words, message_sid, basis,
        disclosure, evidence)
      select organization_id, lead_id, phone_hash, kind, method, words, message_sid, basis, disclosure, evidence
      from jsonb_to_recordset(${jsonRows(rows)}) as r(organization_id text, lead_id uuid, phone_hash text, kind text,
        method text, words text, message_sid text, basis text, disclosure text, evidence jsonb)`,
  );
  await keepOptOuts(tx, events);
  const others = await tellOtherConversations(tx, events);
  const stopped = [
    ...events.filter(({ kind }) => kind === 'opt_out').map(({ conversationId }) => conversationId),
    ...others,
  ];
  if (stopped.length > 0) await takeBackAfterOptOut(tx, stopped);
}

/** The last word of each person counts; an opt-out that is in force keeps its date and its first words. */
async function keepOptOuts(tx: Orm, events: readonly ConsentEvent[]): Promise<void> {
  const last = new Map<string, ConsentEvent>();
  for (const event of events) {
    if (event.kind !== 'opt_out' && event.kind !== 'opt_in') continue;
    last.set(`${event.organizationId}:${event.phoneHash}`, event);
  }
  const rowsOf = (kind: ConsentKind) =>
    [...last.values()]
      .filter((event) => event.kind === kind)
      .map((event) => ({
        organization_id: event.organizationId,
        phone_hash: event.phoneHash,
        scope: event.scope ?? 'organization',
        method: event.method,
        words: event.words,
      }))
      // Two processes lock in the same order.
      .sort((a, b) =>
        `${a.organization_id}:${a.phone_hash}` < `${b.organization_id}:${b.phone_hash}` ? -1 : 1,
      );
  const [outs, ins] = [rowsOf('opt_out'), rowsOf('opt_in')];
  if (outs.length > 0) {
    await tx.execute(
      sql`insert into opt_outs as o (organization_id, phone_hash, scope, method, words)
        select organization_id, phone_hash, scope, method, words from jsonb_to_recordset(${jsonRows(outs)})
          as r(organization_id text, phone_hash text, scope text, method text, words text)
        on conflict (organization_id, phone_hash) where lifted_at is null
        do update set scope = excluded.scope where excluded.scope = 'wrong_number' and o.scope <> 'wrong_number'`,
    );
  }
  if (ins.length > 0) {
    await tx.execute(
      sql`update opt_outs o set lifted_at = clock_timestamp() from jsonb_to_recordset(${jsonRows(ins)})
          as r(organization_id text, phone_hash text)
        where o.organization_id = r.organization_id and o.phone_hash = r.phone_hash and o.lifted_at is null`,
    );
  }
}

/**
 * A phone that gets alerts may be a shopper's too, with a conversation for each: what it says of texts counts in both.
 * @returns the others that were stopped by it.
 */
async function tellOtherConversations(tx: Orm, events: readonly ConsentEvent[]): Promise<ConversationId[]> {
  const last = new Map<ConversationId, boolean>();
  for (const { conversationId, kind } of events) {
    if (kind === 'opt_out' || kind === 'opt_in') last.set(conversationId, kind === 'opt_out');
  }
  if (last.size === 0) return [];
  const rows = [...last].map(([id, is_out]) => ({ id, is_out }));
  const told = (await tx.execute(
    sql`update conversations c set opted_out = r.is_out,
        opted_out_at = case when r.is_out then clock_timestamp() end,
        reply_due_at = case when not r.is_out then c.reply_due_at end,
        reply_waiting_since = case when not r.is_out then c.reply_waiting_since end
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, is_out boolean)
      join conversations said on said.id = r.id join leads l on l.id = said.lead_id
      join leads same on same.organization_id = l.organization_id and same.phone = l.phone and same.kind <> l.kind
      where c.lead_id = same.id and c.opted_out <> r.is_out
      returning c.id, c.opted_out as "optedOut"`,
  )) as unknown as { rows: { id: ConversationId; optedOut: boolean }[] };
  return told.rows.flatMap(({ id, optedOut }) => (optedOut ? [id] : []));
}

/** Since when a person has opted out, or null: for a new conversation, whose phone may have had one before. */
export const optedOutSince = (organizationId: SQL | OrganizationId, phoneHash: SQL | string): SQL =>
  sql`(select o.since from opt_outs o where o.organization_id = ${organizationId} and o.phone_hash = ${phoneHash}
    and o.lifted_at is null)`;

/**
 * Marks one conversation opted out, whoever found out, in the caller's transaction.
 * @returns false when the organization has no such conversation.
 */
export async function optOut(tx: Orm, event: ConsentEvent & { readonly kind: 'opt_out' }): Promise<boolean> {
  const result = (await tx.execute(
    sql`update conversations set opted_out = true, opted_out_at = coalesce(opted_out_at, clock_timestamp()),
        reply_due_at = null, reply_waiting_since = null
      where id = ${event.conversationId} and organization_id = ${event.organizationId} returning id`,
  )) as unknown as { rows: unknown[] };
  if (result.rows.length === 0) return false;
  await storeConsentEvents(tx, [event]);
  return true;
}
