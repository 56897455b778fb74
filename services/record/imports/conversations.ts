/** History, context and summary of a conversation. The record's own answers win over an older server's. */
import { sql } from 'drizzle-orm';
import type { Orm } from '../../db/client.js';
import type { Applied, ConversationItem, ImportedContext } from '../../migration/types.js';
import { classifyKeyword } from '../../sms/keywords.js';
import { storeConsentEvents } from '../consent.js';
import { storeHistory } from './history.js';
import type { LedgerKey, LedgerRow } from './ledger.js';
import type { PlacedMessage } from './mergeHistory.js';
import { type ConversationHead, type ImportDeps, lockHead } from './people.js';

interface Work {
  readonly deps: ImportDeps;
  readonly tx: Orm;
  readonly item: ConversationItem;
  readonly key: LedgerKey;
  readonly head: ConversationHead;
  /** What was moved in under this key before. */
  readonly before: LedgerRow | undefined;
  readonly nowMs: number;
}

interface Change {
  readonly isChanged: boolean;
  readonly notes: readonly string[];
  readonly isDifferent?: boolean;
  readonly lastMessageAtMs?: number;
}

export async function applyToConversation(
  deps: ImportDeps,
  tx: Orm,
  item: ConversationItem,
  nowMs: number,
): Promise<Applied> {
  const { ledger } = deps;
  const { organizationId, phone } = item;
  const head = await lockHead(deps, tx, organizationId, phone);
  const key = ledger.keyOf(item);
  const contentHash = ledger.contentHashOf(item);
  // Asked again under the lock: another process may have moved it in meanwhile.
  const before = head.isNew ? undefined : await ledger.read(key, tx);
  if (before?.contentHash === contentHash) return { outcome: 'skipped' };
  const change = await applyPart({ deps, tx, item, key, head, before, nowMs });
  await ledger.writeForConversation(key, { contentHash, ...head }, tx);
  if (!change.isChanged) return { outcome: change.isDifferent ? 'differs' : 'skipped', notes: change.notes };
  const lastMessageAtMs = change.lastMessageAtMs ?? head.lastMessageAtMs;
  const conversation = { id: head.id, leadId: head.leadId, lastMessageAtMs };
  return { outcome: 'written', notes: change.notes, conversation };
}

async function applyPart(work: Work): Promise<Change> {
  const { item } = work;
  switch (item.kind) {
    case 'conversationHistory':
      return await applyHistory(work, item.value);
    case 'conversationContexts':
      return await applyContext(work, item.value);
    case 'conversationSummaries':
      return await applySummary(work, item.value.summary);
    default:
      return item satisfies never;
  }
}

async function applyHistory(
  work: Work,
  messages: (ConversationItem & { kind: 'conversationHistory' })['value'],
): Promise<Change> {
  const { deps, tx, item, key, head, nowMs } = work;
  const at = { organizationId: item.organizationId, head, identity: key.sourceKey };
  const stored = await storeHistory(deps.database, tx, at, messages, nowMs);
  const notes = Array.from({ length: stored.leftOut }, () => 'message_left_out:older_than_the_archive');
  const stop = lastStop(stored.inserted);
  const isStopped = stop !== undefined && (await optOut(work, stop.atMs, stop.message.body));
  return {
    isChanged: stored.inserted.length > 0,
    notes: isStopped ? [...notes, 'opted_out_by_keyword'] : notes,
    lastMessageAtMs: stored.lastMessageAtMs,
  };
}

/** The STOP that no START follows. */
function lastStop(inserted: readonly PlacedMessage[]): PlacedMessage | undefined {
  let stop: PlacedMessage | undefined;
  for (const placed of inserted) {
    if (placed.message.direction !== 'inbound') continue;
    const keyword = classifyKeyword({ body: placed.message.body, optedOut: stop !== undefined });
    if (keyword === 'stop') stop = placed;
    else if (keyword === 'start') stop = undefined;
  }
  return stop;
}

async function applyContext(work: Work, context: ImportedContext): Promise<Change> {
  const { head } = work;
  const isOurs = isUntouched(work);
  const slots = isOurs ? { ...head.slots, ...context.slots } : { ...context.slots, ...head.slots };
  const summary =
    context.summary !== undefined && (isOurs || head.summary === '') ? context.summary : head.summary;
  const isHuman = context.owner === 'human' && !head.isSteered;
  const isDifferent = !isSame(slots, { ...slots, ...context.slots });
  const isNumberNew = context.dealershipNumber !== undefined && head.dealershipNumber === null;
  const isChanged = !isSame(slots, head.slots) || summary !== head.summary || isHuman || isNumberNew;
  if (isChanged) await updateConversation(work, { slots, summary, isHuman, context });
  const isLeadChanged = await fillLead(work, context);
  const isStopped =
    context.isOptedOut &&
    (await optOut(work, context.optedOutAtMs ?? context.updatedAtMs, 'imported as opted out'));
  return {
    isChanged: isChanged || isLeadChanged || isStopped,
    isDifferent,
    notes: isDifferent ? ['slots_differ'] : [],
  };
}

async function applySummary(work: Work, summary: string): Promise<Change> {
  const { head, tx, item } = work;
  if (summary === head.summary) return { isChanged: false, notes: [] };
  if (head.summary !== '' && !isUntouched(work)) {
    return { isChanged: false, isDifferent: true, notes: ['summary_differs'] };
  }
  await tx.execute(
    sql`update conversations set summary = ${summary}
      where id = ${head.id} and organization_id = ${item.organizationId}`,
  );
  return { isChanged: true, notes: [] };
}

/** Nobody has said or learned anything since this entry was moved in, so its newer form may take its place. */
const isUntouched = ({ before, head }: Work): boolean =>
  before !== undefined && before.baseRev === head.baseRev;

/** The database keeps the fields of an object in its own order. */
const isSame = (one: object, other: object): boolean => inOrder(one) === inOrder(other);
const inOrder = (fields: object): string =>
  JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));

interface ConversationChange {
  readonly slots: object;
  readonly summary: string;
  readonly isHuman: boolean;
  readonly context: ImportedContext;
}

async function updateConversation({ tx, item, head }: Work, change: ConversationChange): Promise<void> {
  const { slots, summary, isHuman, context } = change;
  // A number counts only while it is the organization's: replies leave from it.
  await tx.execute(
    sql`update conversations c set slots = ${JSON.stringify(slots)}::jsonb, summary = ${summary},
        owner = case when ${isHuman} then 'human' else c.owner end,
        owner_name = case when ${isHuman} then ${context.ownerName ?? null}::text else c.owner_name end,
        owner_since = case when ${isHuman} then clock_timestamp() else c.owner_since end,
        reply_due_at = case when ${isHuman} then null else c.reply_due_at end,
        reply_waiting_since = case when ${isHuman} then null else c.reply_waiting_since end,
        account = coalesce(n.account, c.account),
        dealership_number = coalesce(c.dealership_number, n.phone_number)
      from (select 1) one left join lateral (
        select account, phone_number from phone_numbers p where p.organization_id = ${item.organizationId}
          and p.phone_number = ${context.dealershipNumber ?? null} and ${head.dealershipNumber === null} limit 1
      ) n on true
      where c.id = ${head.id} and c.organization_id = ${item.organizationId}`,
  );
}

async function fillLead({ tx, item, head }: Work, { slots, email }: ImportedContext): Promise<boolean> {
  const name = head.leadName === null ? slots.name : undefined;
  const newEmail = head.leadEmail === null ? email : undefined;
  if (name === undefined && newEmail === undefined) return false;
  await tx.execute(
    sql`update leads set name = coalesce(name, ${name ?? null}::text), email = coalesce(email, ${newEmail ?? null}::text)
      where id = ${head.leadId} and organization_id = ${item.organizationId}`,
  );
  return true;
}

/**
 * Keeps an opt-out of the source, unless the person has opted in since.
 * @param atMs when it was given; unknown, any opt-in that the record saw counts as newer.
 */
async function optOut(work: Work, atMs: number | undefined, words: string): Promise<boolean> {
  const { deps, tx, item, key, head } = work;
  const at = atMs === undefined ? sql`null` : sql`to_timestamp(${atMs}::float8 / 1000)`;
  const changed = await deps.database.query<{ id: string }>(
    sql`update conversations c set opted_out = true, opted_out_at = coalesce(${at}, clock_timestamp()),
        reply_due_at = null, reply_waiting_since = null
      where c.id = ${head.id} and c.organization_id = ${item.organizationId} and not c.opted_out
        and not exists (select 1 from consent_events e where e.organization_id = ${item.organizationId}
          and e.phone_hash = ${key.sourceKey} and e.kind = 'opt_in' and e.created_at > coalesce(${at}, 'epoch'::timestamptz))
      returning c.id`,
    tx,
  );
  if (changed.length === 0) return false;
  await storeConsentEvents(tx, [
    {
      organizationId: item.organizationId,
      leadId: head.leadId,
      conversationId: head.id,
      phoneHash: key.sourceKey,
      kind: 'opt_out',
      method: 'import',
      words,
      messageSid: null,
    },
  ]);
  return true;
}
