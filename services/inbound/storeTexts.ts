/**
 * One transaction for many inbound texts (DESIGN: path of a text, step 2): organization by (account, number), lead
 * and conversation made when new, deduplication, order, keywords, and when the reply is due.
 *
 * Locks are taken in one order: new leads by phone, then conversations by id. No text waits for another process in
 * the second step while that one waits in the first.
 */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, milliseconds, uuidList } from '../db/sqlHelpers.js';
import { carrierKey } from '../record/carrierKey.js';
import { type ConsentEvent, storeConsentEvents } from '../record/consent.js';
import type { Secrets } from '../secrets.js';
import { countSegments } from '../sms/segments.js';
import type { InboundSms } from '../twilio/webhook.js';
import type { ConversationId, E164, LeadId, MessageId, OrganizationId, Owner } from '../types.js';
import { newMessageId } from '../types.js';
import { decideInbound, type InboundMeaning } from './decide.js';
import { type Place, resolvePlaces } from './places.js';

export type StoredText =
  | {
      readonly outcome: 'stored';
      readonly organizationId: OrganizationId;
      readonly conversationId: ConversationId;
      readonly leadId: LeadId;
      readonly seq: number;
      readonly replyDue: boolean;
    }
  | { readonly outcome: 'duplicate' }
  | { readonly outcome: 'quarantined'; readonly messageSid: string };

interface StoreDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly defaultAccountSid: string | undefined;
  readonly reply: { readonly windowMs: number; readonly maxWaitMs: number };
}

export async function storeTexts(deps: StoreDeps, texts: readonly InboundSms[]): Promise<StoredText[]> {
  return await deps.database.transaction(async (tx) => {
    const places = await resolvePlaces(deps, tx, texts);
    const heads = await lockConversations(deps, tx, places);
    const known = await findKnown(deps, tx, texts);
    const plan = planTexts(texts, places, heads, known);
    await writeTexts(deps, tx, plan);
    await recordConsent(deps, tx, plan);
    await quarantineTexts(tx, plan);
    return plan.map((entry) => entry.result);
  });
}

interface Head {
  readonly id: ConversationId;
  readonly lastSeq: number;
  readonly owner: Owner;
  readonly optedOut: boolean;
}

async function lockConversations(
  deps: StoreDeps,
  tx: Orm,
  places: readonly Place[],
): Promise<Map<ConversationId, Head>> {
  const ids = [...new Set(places.flatMap(({ conversationId }) => conversationId ?? []))];
  if (ids.length === 0) return new Map();
  const heads = await deps.database.query<Head>(
    sql`select id, last_seq as "lastSeq", owner, opted_out as "optedOut" from conversations
      where id in ${uuidList(ids)} order by id for no key update`,
    tx,
  );
  return new Map(heads.map((head) => [head.id, head]));
}

const sidKey = (accountSid: string, messageSid: string): string => `${accountSid}:${messageSid}`;

/** Texts that are stored already. Asked after the locks: a copy that was being written is visible by now. */
async function findKnown(deps: StoreDeps, tx: Orm, texts: readonly InboundSms[]): Promise<Set<string>> {
  const rows = texts.map(({ accountSid, messageSid }) => ({
    account_sid: accountSid,
    message_sid: messageSid,
    key: carrierKey(accountSid, messageSid),
  }));
  // Both places in one statement: a text that is being moved is in one of them.
  const known = await deps.database.query<{ accountSid: string; messageSid: string }>(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(rows)}) as r(account_sid text, message_sid text, key uuid)
      )
      select r.account_sid as "accountSid", r.message_sid as "messageSid"
      from r join messages m on m.account_sid = r.account_sid and m.message_sid = r.message_sid
      union all
      select r.account_sid, r.message_sid from r join archived_messages a on a.carrier_keys @> array[r.key]`,
    tx,
  );
  return new Set(known.map(({ accountSid, messageSid }) => sidKey(accountSid, messageSid)));
}

interface Planned {
  readonly text: InboundSms;
  readonly result: StoredText;
  /** Present when the text is to be written. */
  readonly write?: {
    readonly messageId: MessageId;
    readonly place: Place;
    readonly meaning: InboundMeaning;
  };
}

function planTexts(
  texts: readonly InboundSms[],
  places: readonly Place[],
  heads: Map<ConversationId, Head>,
  known: Set<string>,
): Planned[] {
  return texts.map((text, index) => {
    const key = sidKey(text.accountSid, text.messageSid);
    if (known.has(key)) return { text, result: { outcome: 'duplicate' } };
    known.add(key);
    const place = places[index];
    const head = place?.conversationId ? heads.get(place.conversationId) : undefined;
    if (!place?.organizationId || !place.leadId || !head) {
      return { text, result: { outcome: 'quarantined', messageSid: text.messageSid } };
    }
    const meaning = decideInbound(text, head);
    const seq = head.lastSeq + 1;
    heads.set(head.id, { ...head, lastSeq: seq, optedOut: meaning.optedOut });
    const { organizationId, leadId } = place;
    return {
      text,
      result: {
        outcome: 'stored',
        organizationId,
        conversationId: head.id,
        leadId,
        seq,
        replyDue: meaning.reply === 'due',
      },
      write: { messageId: newMessageId(), place, meaning },
    };
  });
}

type Written = Planned & {
  readonly write: NonNullable<Planned['write']>;
  readonly result: { readonly outcome: 'stored' };
};

const written = (plan: readonly Planned[]): Written[] =>
  plan.filter((entry): entry is Written => entry.write !== undefined);

/** Messages and conversations in one statement. */
async function writeTexts(deps: StoreDeps, tx: Orm, plan: readonly Planned[]): Promise<void> {
  const texts = written(plan);
  if (texts.length === 0) return;
  const now = sql`clock_timestamp()`;
  await tx.execute(
    sql`with texts as (
        insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, media, encoding,
          segments, account_sid, message_sid, status)
        select id, organization_id, conversation_id, seq, 'inbound', 'lead', body, media, encoding, segments,
          account_sid, message_sid, 'received'
        from jsonb_to_recordset(${jsonRows(texts.map(messageRow))}) as r(id uuid, organization_id text,
          conversation_id uuid, seq int, body text, media jsonb, encoding text, segments int, account_sid text,
          message_sid text)
      )
      update conversations c set
        last_seq = r.last_seq, last_inbound_seq = r.last_seq, last_message_at = ${now},
        account = r.account, dealership_number = r.dealership_number,
        opted_out = r.opted_out,
        opted_out_at = case when not r.opted_out then null when c.opted_out then c.opted_out_at else ${now} end,
        reply_waiting_since = case r.reply when 'due' then coalesce(c.reply_waiting_since, ${now})
          when 'cancel' then null else c.reply_waiting_since end,
        reply_due_at = case r.reply when 'cancel' then null when 'keep' then c.reply_due_at else
          least(${now} + ${milliseconds(deps.reply.windowMs)},
            coalesce(c.reply_waiting_since, ${now}) + ${milliseconds(deps.reply.maxWaitMs)}) end
      from jsonb_to_recordset(${jsonRows(conversationRows(texts))})
        as r(id uuid, last_seq int, opted_out boolean, account text, dealership_number text, reply text)
      where c.id = r.id`,
  );
}

/** One row a conversation: the last text of the batch decides, and one that keeps leaves what an earlier one said. */
function conversationRows(texts: readonly Written[]): object[] {
  const rows = new Map<ConversationId, { readonly reply: InboundMeaning['reply'] }>();
  for (const { result, write, text } of texts) {
    const earlier = rows.get(result.conversationId)?.reply ?? 'keep';
    const row = {
      id: result.conversationId,
      last_seq: result.seq,
      opted_out: write.meaning.optedOut,
      account: write.place.account,
      dealership_number: text.to,
      reply: write.meaning.reply === 'keep' ? earlier : write.meaning.reply,
    };
    rows.set(result.conversationId, row);
  }
  return [...rows.values()];
}

const messageRow = ({ text, result, write }: Written): object => ({
  id: write.messageId,
  organization_id: result.organizationId,
  conversation_id: result.conversationId,
  seq: result.seq,
  body: text.body,
  media: text.media,
  account_sid: text.accountSid,
  message_sid: text.messageSid,
  ...segmentsOf(text),
});

function segmentsOf(text: InboundSms): { encoding: string; segments: number } {
  const { encoding, segments } = countSegments(text.body);
  return { encoding, segments };
}

const CONSENT_KINDS = { stop: 'opt_out', start: 'opt_in', help: 'help' } as const;

async function recordConsent({ secrets }: StoreDeps, tx: Orm, plan: readonly Planned[]): Promise<void> {
  const events = written(plan).flatMap(({ text, result, write: { meaning } }): ConsentEvent[] =>
    meaning.keyword
      ? [
          {
            organizationId: result.organizationId,
            leadId: result.leadId,
            conversationId: result.conversationId,
            phoneHash: secrets.hashPhone(result.organizationId, text.fromPhone as E164),
            kind: CONSENT_KINDS[meaning.keyword],
            method: text.optOutType ? 'carrier' : 'keyword',
            words: text.body,
            messageSid: text.messageSid,
          },
        ]
      : [],
  );
  if (events.length > 0) await storeConsentEvents(tx, events);
}

async function quarantineTexts(tx: Orm, plan: readonly Planned[]): Promise<void> {
  const rows = plan
    .filter(({ result }) => result.outcome === 'quarantined')
    .map(({ text }) => ({
      account_sid: text.accountSid,
      message_sid: text.messageSid,
      from_address: text.from,
      to_address: text.to,
      body: text.body,
      reason: text.fromPhone ? 'unknown_number' : 'sender_is_not_a_phone',
    }));
  if (rows.length === 0) return;
  await tx.execute(
    sql`insert into quarantine (account_sid, message_sid, from_address, to_address, body, reason)
      select * from jsonb_to_recordset(${jsonRows(rows)}) as r(account_sid text, message_sid text, from_address text,
        to_address text, body text, reason text)
      on conflict (account_sid, message_sid) do nothing`,
  );
}
