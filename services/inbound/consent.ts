/**
 * What inbound texts say about texts themselves, in the transaction that stores them: the ledger, the opt-out, what staff
 * must know, and the fixed answers that no carrier gives.
 */
import { sql } from 'drizzle-orm';
import { disclosureOf, fillDisclosure } from '../consent/disclosures.js';
import type { Database, Orm } from '../db/client.js';
import { jsonRows, uuidList } from '../db/sqlHelpers.js';
import { commitWithin } from '../outbound/commitOutbound.js';
import type { DoorConditions } from '../outbound/plan.js';
import type { StaffAlert } from '../record/alerts.js';
import { type ConsentEvent, storeConsentEvents } from '../record/consent.js';
import type { Secrets } from '../secrets.js';
import type { ConversationId, E164, LeadId, OrganizationId, OrganizationSettings } from '../types.js';
import type { FixedAnswer, InboundMeaning } from './decide.js';
import type { MaskedSms } from './maskedText.js';

export interface SaidText {
  readonly text: MaskedSms;
  readonly meaning: InboundMeaning;
  /** The first text of this lead: it is why we may text. */
  readonly isFirst: boolean;
  /** Of a phone of the dealership's own that gets alerts. */
  readonly isStaff: boolean;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly leadId: LeadId;
  readonly seq: number;
}

interface ConsentDeps {
  readonly database: Database;
  readonly secrets: Secrets;
}

export async function recordConsent(deps: ConsentDeps, tx: Orm, texts: readonly SaidText[]): Promise<void> {
  await storeConsentEvents(
    tx,
    texts.flatMap((said) => eventsOf(deps.secrets, said)),
  );
  await markLeads(tx, texts);
}

const KINDS = { stop: 'opt_out', start: 'opt_in', help: 'help' } as const;

function eventsOf(secrets: Secrets, said: SaidText): ConsentEvent[] {
  const { text, meaning, organizationId, leadId, conversationId, isFirst, isStaff } = said;
  const { keyword, revocation } = meaning;
  const common = {
    organizationId,
    leadId,
    conversationId,
    messageSid: text.messageSid,
  };
  const phoneHash = () => secrets.hashPhone(organizationId, text.fromPhone as E164);
  if (revocation) {
    const scope = revocation.result === 'wrong_number' ? 'wrong_number' : 'organization';
    return [
      {
        ...common,
        phoneHash: phoneHash(),
        kind: 'opt_out',
        method: 'words',
        scope,
        words: text.body,
        evidence: { rule: revocation.rule },
      },
    ];
  }
  if (keyword) {
    const method = text.optOutType ? 'carrier' : 'keyword';
    return [{ ...common, phoneHash: phoneHash(), kind: KINDS[keyword], method, words: text.body }];
  }
  if (!isFirst || isStaff || meaning.optedOut) return [];
  // The words are in the message, which goes with its lead; that there was one stays.
  return [
    {
      ...common,
      phoneHash: phoneHash(),
      kind: 'consent',
      method: 'text',
      words: '',
      basis: 'inbound_text',
      evidence: { number: text.to },
    },
  ];
}

/** The phone of a wrong number is not the lead's: staff see it in the list. Whoever has it now may opt in again. */
const WRONG_NUMBER = 'wrong_number';

async function markLeads(tx: Orm, texts: readonly SaidText[]): Promise<void> {
  const rows = texts.flatMap(({ meaning, leadId, organizationId }) => {
    if (meaning.revocation?.result === 'wrong_number') {
      return [{ id: leadId, organization_id: organizationId, is_wrong: true }];
    }
    if (meaning.keyword === 'start')
      return [{ id: leadId, organization_id: organizationId, is_wrong: false }];
    return [];
  });
  if (rows.length === 0) return;
  await tx.execute(
    sql`update leads l set status = case when r.is_wrong then ${WRONG_NUMBER} else 'new' end
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, organization_id text, is_wrong boolean)
      where l.id = r.id and l.organization_id = r.organization_id and (r.is_wrong or l.status = ${WRONG_NUMBER})`,
  );
}

/** What people at the dealership must look at. */
export async function consentAlerts(
  { database }: ConsentDeps,
  tx: Orm,
  texts: readonly SaidText[],
): Promise<StaffAlert[]> {
  const collided = await collisions(database, tx, texts);
  return texts.flatMap((said) => alertsOf(said, collided.has(keyOf(said))));
}

function alertsOf({ text, meaning, isStaff, ...at }: SaidText, hasCollided: boolean): StaffAlert[] {
  const { organizationId, conversationId } = at;
  const place = { organizationId, conversationId };
  const { revocation, keyword } = meaning;
  return [
    ...(revocation?.result === 'revoked'
      ? [
          {
            ...place,
            kind: 'revoked_in_words' as const,
            reason: isStaff
              ? 'A phone that gets alerts wants no more texts.'
              : 'The shopper wants no more texts, and said so in other words than STOP.',
            details: { rule: revocation.rule },
          },
        ]
      : []),
    ...(revocation?.result === 'wrong_number'
      ? [
          {
            ...place,
            kind: 'wrong_number' as const,
            reason: 'Somebody else has this number. No text goes there any more.',
            details: { rule: revocation.rule },
          },
        ]
      : []),
    ...(keyword && hasCollided
      ? [
          {
            ...place,
            kind: 'keyword_collision' as const,
            reason:
              keyword === 'stop'
                ? 'The answer to a question was a word that unsubscribes: call if it was not meant so.'
                : 'The answer to a question was a word that the carrier takes for itself: no reply was sent.',
            details: { keyword },
          },
        ]
      : []),
    ...(text.masked.length > 0
      ? [
          {
            ...place,
            kind: 'identifiers_masked' as const,
            reason: 'Numbers that must not be texted were removed: ask for them in person or by phone.',
            details: { kinds: text.masked.join(' ') },
          },
        ]
      : []),
  ];
}

const keyOf = ({ conversationId, seq }: { conversationId: ConversationId; seq: number }): string =>
  `${conversationId}:${seq}`;

/** Keywords that are ordinary words too and came right after a question of ours. Asked for such texts alone. */
async function collisions(
  database: Database,
  tx: Orm,
  texts: readonly SaidText[],
): Promise<ReadonlySet<string>> {
  const rows = texts
    .filter(({ meaning }) => meaning.keyword !== undefined && meaning.isOrdinaryWord)
    .map(({ conversationId, seq }) => ({ conversation_id: conversationId, seq }));
  if (rows.length === 0) return new Set();
  const found = await database.query<{ conversationId: ConversationId; seq: number }>(
    sql`select r.conversation_id as "conversationId", r.seq
      from jsonb_to_recordset(${jsonRows(rows)}) as r(conversation_id uuid, seq int)
      join messages m on m.conversation_id = r.conversation_id and m.seq = r.seq - 1
      where m.direction = 'outbound' and (m.body like '%?%' or m.body ~* '\\m(reply|text) 1\\M')`,
    tx,
  );
  return new Set(found.map(keyOf));
}

/**
 * The fixed answers, through the gate and into the outbox. An opt-out is confirmed by the last text of the batch that
 * says it, and only if nothing has lifted it since.
 * @returns the answered conversations, with the seq of the answer.
 */
export async function giveFixedAnswers(
  { database }: ConsentDeps,
  tx: Orm,
  texts: readonly SaidText[],
  conditions: DoorConditions,
): Promise<ReadonlyMap<ConversationId, number>> {
  const last = new Map<ConversationId, SaidText & { readonly meaning: { readonly answer: FixedAnswer } }>();
  for (const said of texts) {
    const { keyword, answer } = said.meaning;
    if (answer) last.set(said.conversationId, { ...said, meaning: { ...said.meaning, answer } });
    else if (keyword === 'start' || keyword === 'stop') last.delete(said.conversationId);
  }
  if (last.size === 0) return new Map();
  const facts = await readFacts(database, tx, [...last.keys()]);
  const requests = [...last.values()].map(({ organizationId, conversationId, meaning }) => ({
    organizationId,
    conversationId,
    origin: 'rule' as const,
    answers: meaning.answer.answers,
    body: bodyOf(meaning.answer, facts.get(conversationId)),
  }));
  const results = await commitWithin(database, tx, requests, conditions);
  return new Map(
    results.flatMap((result, at) =>
      result?.allowed ? [[requests[at]?.conversationId as ConversationId, result.message.seq] as const] : [],
    ),
  );
}

interface Facts {
  readonly id: ConversationId;
  readonly name: string;
  readonly settings: OrganizationSettings;
}

async function readFacts(
  database: Database,
  tx: Orm,
  ids: readonly ConversationId[],
): Promise<ReadonlyMap<ConversationId, Facts>> {
  const rows = await database.query<Facts>(
    sql`select c.id, o.name, o.settings from conversations c join organizations o on o.id = c.organization_id
      where c.id in ${uuidList(ids)}`,
    tx,
  );
  return new Map(rows.map((row) => [row.id, row]));
}

const DISCLOSED = {
  opt_out: 'opt_out_confirmation',
  opt_in: 'opt_in_confirmation',
  help: 'help_answer',
} as const;

function bodyOf({ answers, language }: FixedAnswer, facts: Facts | undefined): string {
  const contact = facts?.settings.publicPhone;
  return fillDisclosure(disclosureOf(DISCLOSED[answers], language), {
    dealership: facts?.name ?? 'us',
    ...(contact === undefined ? {} : { contact }),
  });
}
