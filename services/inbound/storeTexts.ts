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
import type { DoorConditions } from '../outbound/plan.js';
import { raiseAlerts } from '../record/alerts.js';
import { carrierKey } from '../record/carrierKey.js';
import { insertMedia, type NewMedia } from '../record/media.js';
import type { Secrets } from '../secrets.js';
import { countSegments } from '../sms/segments.js';
import { quietWindow, windowFor } from '../turns/quietWindow.js';
import type { InboundSms } from '../twilio/webhook.js';
import type {
  ConversationId,
  LeadId,
  MessageId,
  OrganizationId,
  OrganizationSettings,
  Owner,
} from '../types.js';
import { newMessageId } from '../types.js';
import { alertOf, asAssigned } from './assigned.js';
import { consentAlerts, giveFixedAnswers, recordConsent, type SaidText } from './consent.js';
import { decideInbound, type InboundMeaning } from './decide.js';
import { type MaskedSms, maskedText } from './maskedText.js';
import { planMedia, shownMedia } from './media.js';
import { type Place, resolvePlaces } from './places.js';

export type StoredText =
  | {
      readonly outcome: 'stored';
      readonly organizationId: OrganizationId;
      readonly conversationId: ConversationId;
      readonly leadId: LeadId;
      readonly seq: number;
      /** Milliseconds until a turn is due; absent when this text asks for none. */
      readonly dueInMs?: number;
      /** Of the fixed answer that was committed with it. */
      readonly answeredSeq?: number;
    }
  | { readonly outcome: 'duplicate' }
  | { readonly outcome: 'quarantined'; readonly messageSid: string };

interface StoreDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly defaultAccountSid: string | undefined;
  /** The normal quiet window, and how long the first waiting text waits at most. */
  readonly reply: { readonly windowMs: number; readonly maxWaitMs: number };
}

/** @param conditions of the door, for the fixed answers that are stored with the texts. */
export async function storeTexts(
  deps: StoreDeps,
  incoming: readonly InboundSms[],
  conditions: DoorConditions,
): Promise<StoredText[]> {
  const texts = incoming.map(maskedText);
  return await deps.database.transaction(async (tx) => {
    const { places, heads } = await lockPlaces(deps, tx, texts);
    const known = await findKnown(deps, tx, texts);
    const plan = planTexts(deps, texts, places, heads, known);
    const dues = await writeTexts(deps, tx, plan);
    const said = written(plan).map(toSaid);
    await recordConsent(deps, tx, said);
    await insertMedia(
      tx,
      written(plan).flatMap(({ write }) => write.media),
    );
    await raiseAlerts(tx, [...written(plan).flatMap(lateAlerts), ...(await consentAlerts(deps, tx, said))]);
    await quarantineTexts(tx, plan);
    const answered = await giveFixedAnswers(deps, tx, said, conditions);
    return plan.map(({ result, write }) => {
      const due = write?.meaning.reply === 'due' ? dues.get(write.conversationId) : undefined;
      const answeredSeq = write?.meaning.answer ? answered.get(write.conversationId) : undefined;
      return { ...result, ...due, ...(answeredSeq === undefined ? {} : { answeredSeq }) };
    });
  });
}

/** Again when a lead was erased in between: its phone gets a new one, and the text is not lost. */
async function lockPlaces(
  deps: StoreDeps,
  tx: Orm,
  texts: readonly InboundSms[],
): Promise<{ readonly places: readonly Place[]; readonly heads: Map<ConversationId, Head> }> {
  const places = await resolvePlaces(deps, tx, texts);
  const heads = await lockConversations(deps, tx, places);
  if (places.every(({ conversationId }) => !conversationId || heads.has(conversationId))) {
    return { places, heads };
  }
  const again = await resolvePlaces(deps, tx, texts);
  return { places: again, heads: await lockConversations(deps, tx, again) };
}

const toSaid = ({ text, result, write: { meaning, isFirst, place } }: Written): SaidText => ({
  text,
  meaning,
  isFirst,
  isStaff: place.isStaff,
  organizationId: result.organizationId,
  conversationId: result.conversationId,
  leadId: result.leadId,
  seq: result.seq,
});

interface Head {
  readonly id: ConversationId;
  readonly lastSeq: number;
  readonly lastInboundSeq: number;
  readonly owner: Owner;
  readonly optedOut: boolean;
  readonly replyWindow: OrganizationSettings['replyWindow'] | null;
}

async function lockConversations(
  deps: StoreDeps,
  tx: Orm,
  places: readonly Place[],
): Promise<Map<ConversationId, Head>> {
  const ids = [...new Set(places.flatMap(({ conversationId }) => conversationId ?? []))];
  if (ids.length === 0) return new Map();
  const heads = await deps.database.query<Head>(
    // With the organization's quiet window: a look-up by key in a statement that is made anyway.
    sql`select id, last_seq as "lastSeq", last_inbound_seq as "lastInboundSeq", owner, opted_out as "optedOut",
        (select o.settings -> 'replyWindow' from organizations o where o.id = conversations.organization_id) as "replyWindow"
      from conversations where id in ${uuidList(ids)} order by id for no key update`,
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
  readonly text: MaskedSms;
  readonly result: StoredText;
  /** Present when the text is to be written. */
  readonly write?: {
    readonly messageId: MessageId;
    readonly conversationId: ConversationId;
    readonly place: Place;
    readonly meaning: InboundMeaning;
    readonly isFirst: boolean;
    readonly media: readonly NewMedia[];
    /** How long to wait for more, if it is to be answered. */
    readonly windowMs: number;
  };
}

function planTexts(
  { reply }: StoreDeps,
  texts: readonly MaskedSms[],
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
    const facts = { ...head, keywordAnswers: place.keywordAnswers, isStaff: place.isStaff };
    const meaning = asAssigned(decideInbound(text, facts), text, head);
    const windowMs = quietWindow(text.body, windowFor(head.replyWindow, reply.windowMs));
    const seq = head.lastSeq + 1;
    heads.set(head.id, { ...head, lastSeq: seq, lastInboundSeq: seq, optedOut: meaning.optedOut });
    const isFirst = head.lastInboundSeq === 0;
    const { organizationId, leadId } = place;
    const messageId = newMessageId();
    const media = planMedia(text, { organizationId, conversationId: head.id, messageId });
    return {
      text,
      result: {
        outcome: 'stored',
        organizationId,
        conversationId: head.id,
        leadId,
        seq,
      },
      write: { messageId, conversationId: head.id, place, meaning, isFirst, media, windowMs },
    };
  });
}

type Written = Planned & {
  readonly write: NonNullable<Planned['write']>;
  readonly result: { readonly outcome: 'stored' };
};

const written = (plan: readonly Planned[]): Written[] =>
  plan.filter((entry): entry is Written => entry.write !== undefined);

type Due = { readonly dueInMs: number };

/**
 * Messages and conversations in one statement. Whose reply is due already and waits for a turn to begin keeps its place.
 * @returns when replies are due.
 */
async function writeTexts(
  deps: StoreDeps,
  tx: Orm,
  plan: readonly Planned[],
): Promise<ReadonlyMap<ConversationId, Due>> {
  const texts = written(plan);
  if (texts.length === 0) return new Map();
  const now = sql`clock_timestamp()`;
  const rows = await deps.database.query<Due & { readonly id: ConversationId }>(
    sql`with texts as (
        insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, media, encoding,
          segments, account_sid, message_sid, status, masked, created_at)
        select id, organization_id, conversation_id, seq, 'inbound', 'lead', body, media, encoding, segments,
          account_sid, message_sid, 'received', masked, coalesce(received_at, ${now})
        from jsonb_to_recordset(${jsonRows(texts.map(messageRow))}) as r(id uuid, organization_id text,
          conversation_id uuid, seq int, body text, media jsonb, encoding text, segments int, account_sid text,
          message_sid text, masked jsonb, received_at timestamptz)
      ), r as (
        select * from jsonb_to_recordset(${jsonRows(conversationRows(texts))}) as r(id uuid, lead_id uuid,
          last_seq int, opted_out boolean, account text, dealership_number text, reply text, window_ms float8)
      ), textable as (
        -- A phone that texts can be texted, whatever the carrier has said of it.
        update leads l set untextable_code = null, untextable_at = null from r
        where l.id = r.lead_id and l.untextable_code is not null
      )
      update conversations c set
        last_seq = r.last_seq, last_inbound_seq = r.last_seq, last_message_at = ${now},
        account = coalesce(r.account, c.account), dealership_number = coalesce(r.dealership_number, c.dealership_number),
        opted_out = r.opted_out,
        opted_out_at = case when not r.opted_out then null when c.opted_out then c.opted_out_at else ${now} end,
        reply_waiting_since = case r.reply when 'due' then coalesce(c.reply_waiting_since, ${now})
          when 'cancel' then null else c.reply_waiting_since end,
        reply_due_at = case when r.reply = 'cancel' then null
          when r.reply = 'keep' or (c.reply_due_at <= ${now} and c.lease_until is null) then c.reply_due_at else
          least(${now} + make_interval(secs => r.window_ms / 1000),
            coalesce(c.reply_waiting_since, ${now}) + ${milliseconds(deps.reply.maxWaitMs)}) end
      from r where c.id = r.id
      returning c.id, greatest(0, extract(epoch from c.reply_due_at - ${now}) * 1000)::float8 as "dueInMs"`,
    tx,
  );
  return new Map(rows.map(({ id, dueInMs }) => [id, { dueInMs }]));
}

/** One row a conversation: the last text of the batch decides, and one that keeps leaves what an earlier one said. */
function conversationRows(texts: readonly Written[]): object[] {
  const rows = new Map<
    ConversationId,
    {
      readonly reply: InboundMeaning['reply'];
      readonly window_ms: number;
      readonly account: string | null;
      readonly dealership_number: string | null;
    }
  >();
  for (const { result, write, text } of texts) {
    const keeps = write.meaning.reply === 'keep';
    const earlier = rows.get(result.conversationId);
    const row = {
      id: result.conversationId,
      lead_id: result.leadId,
      last_seq: result.seq,
      opted_out: write.meaning.optedOut,
      // Replies leave from a number of the organization's own, which that of an assigned text may not be.
      account: write.place.account ?? earlier?.account ?? null,
      dealership_number: write.place.account === null ? (earlier?.dealership_number ?? null) : text.to,
      reply: keeps ? (earlier?.reply ?? 'keep') : write.meaning.reply,
      window_ms: keeps ? (earlier?.window_ms ?? 0) : write.windowMs,
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
  media: shownMedia(result.leadId, write.media),
  received_at: text.assigned?.receivedAt,
  account_sid: text.accountSid,
  message_sid: text.messageSid,
  masked: text.masked.length > 0 ? text.masked : null,
  ...segmentsOf(text),
});

const lateAlerts = ({ text, result, write }: Written) =>
  write.place.isStaff ? [] : alertOf(text, result, write.meaning);

function segmentsOf(text: InboundSms): { encoding: string; segments: number } {
  const { encoding, segments } = countSegments(text.body);
  return { encoding, segments };
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
      facts: {
        media: text.media,
        numMedia: text.numMedia,
        geography: text.geography,
        messagingServiceSid: text.messagingServiceSid,
        optOutType: text.optOutType,
        numSegments: text.numSegments,
        masked: text.masked,
      },
      reason: text.fromPhone ? 'unknown_number' : 'sender_is_not_a_phone',
    }));
  if (rows.length === 0) return;
  await tx.execute(
    sql`insert into quarantine (account_sid, message_sid, from_address, to_address, body, facts, reason)
      select * from jsonb_to_recordset(${jsonRows(rows)}) as r(account_sid text, message_sid text, from_address text,
        to_address text, body text, facts jsonb, reason text)
      on conflict (account_sid, message_sid) do nothing`,
  );
}
