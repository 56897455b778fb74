/**
 * A lead document with what was read from it, in one transaction: the same request twice changes nothing, the same person
 * keeps their lead, and what we start because of it is planned once.
 *
 * Locks are taken in the order of the record: keys of the request and of the people, leads by phone, conversations by id.
 */
import { randomUUID } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import { type Database, type Orm, sqlState } from '../db/client.js';
import { uuidList } from '../db/sqlHelpers.js';
import { JackError } from '../errors.js';
import type { NewInquiry } from '../leads/inquiry.js';
import { learnedFrom } from '../leads/learned.js';
import type { Secrets } from '../secrets.js';
import {
  type ConversationId,
  type E164,
  type LeadId,
  newConversationId,
  type OrganizationId,
  type OrganizationSettings,
  type Owner,
  type Slots,
} from '../types.js';
import { raiseAlerts } from './alerts.js';
import { optedOutSince, storeConsentEvents } from './consent.js';
import { planFollowUps } from './followUps.js';
import { type NewLead, putLead } from './leads.js';

export interface LeadDocument {
  /** `key:…` with the caller's Idempotency-Key; undefined: the same bytes within a day are the same request. */
  readonly requestKey: string | undefined;
  /** SHA-256 of the bytes as they came, hex. */
  readonly digest: string;
  readonly contentType: string;
  readonly form: 'adf' | 'json';
  /** As it came, with identifiers masked. */
  readonly text: string;
}

/** Why there is no first touch. */
export type FirstTouch =
  | { readonly state: 'due' }
  | {
      readonly state: 'none';
      readonly reason:
        | 'no_consent_basis'
        | 'asked_not_to_be_texted'
        | 'already_greeted'
        | 'opted_out'
        | 'human_owns_conversation'
        | 'repeated';
    };

export type StoredInquiry =
  | {
      readonly outcome: 'created' | 'appended' | 'repeated';
      readonly leadId: LeadId;
      readonly inquiryId: string;
      readonly matchedBy: 'phone' | 'email' | null;
      readonly firstTouch: FirstTouch;
      readonly guessed: readonly string[];
    }
  /** No phone that could be texted, and no lead with the e-mail address. */
  | { readonly outcome: 'refused'; readonly reason: 'no_phone'; readonly guessed: readonly string[] };

interface StoreDeps {
  readonly database: Database;
  readonly secrets: Secrets;
}

/**
 * @throws JackError E_CONFLICT when the Idempotency-Key came with another document before, E_LEAD_UNREACHABLE when nobody
 * in the document can be reached: nothing is kept then.
 */
export async function storeLeadDocument(
  deps: StoreDeps,
  organizationId: OrganizationId,
  document: LeadDocument,
  inquiries: readonly NewInquiry[],
): Promise<StoredInquiry[]> {
  const store = () =>
    deps.database.transaction((tx) => new Intake(deps, tx, organizationId).store(document, inquiries));
  try {
    return await store();
  } catch (error) {
    // A text of the same new people may lock in another order; whom the database picks tries again.
    if (sqlState(error) !== '40P01') throw error;
    return await store();
  }
}

interface Person {
  readonly leadId: LeadId;
  readonly isNew: boolean;
  readonly matchedBy: 'phone' | 'email' | null;
}

interface Conversation {
  readonly id: ConversationId;
  readonly leadId: LeadId;
  readonly owner: Owner;
  readonly optedOut: boolean;
  readonly lastSeq: number;
  readonly lastInboundSeq: number;
  readonly phone: E164;
  readonly slots: Slots;
}

/** One transaction's work. */
class Intake {
  readonly #deps: StoreDeps;
  readonly #tx: Orm;
  readonly #organizationId: OrganizationId;

  constructor(deps: StoreDeps, tx: Orm, organizationId: OrganizationId) {
    this.#deps = deps;
    this.#tx = tx;
    this.#organizationId = organizationId;
  }

  async store(document: LeadDocument, inquiries: readonly NewInquiry[]): Promise<StoredInquiry[]> {
    await this.#lock([
      document.requestKey ?? `doc:${document.digest}`,
      ...inquiries.flatMap(({ phone, email, source, externalId }) => [
        ...(phone === undefined ? [] : [`phone:${phone}`]),
        ...(email === null ? [] : [`email:${email.toLowerCase()}`]),
        ...(externalId === null ? [] : [`id:${source}:${externalId}`]),
      ]),
    ]);
    const documentId = await this.#putDocument(document);
    const known = await this.#findKnown(documentId, inquiries);
    const people = await this.#putPeople(inquiries, known);
    const conversations = await this.#lockConversations([...people.values()]);
    const followUps = await this.#settings();
    const results: StoredInquiry[] = [];
    for (const [position, inquiry] of inquiries.entries()) {
      const repeated = known.get(position);
      const person = people.get(position);
      if (repeated) results.push(repeated);
      else if (!person) results.push({ outcome: 'refused', reason: 'no_phone', guessed: inquiry.guessed });
      else {
        const conversation = conversations.get(person.leadId);
        if (!conversation) throw new Error('The conversation of a lead cannot be read.');
        results.push(await this.#append({ documentId, position, inquiry, person, conversation, followUps }));
      }
    }
    if (results.every(({ outcome }) => outcome === 'refused')) {
      throw new JackError(
        'E_LEAD_UNREACHABLE',
        'There is no phone number of a possible length in this lead.',
      );
    }
    return results;
  }

  /** By key, for the transaction: copies of a request and requests about one person go one after the other. */
  async #lock(keys: readonly string[]): Promise<void> {
    const all = keys.map((key) => `${this.#organizationId}/${key}`);
    await this.#tx.execute(
      sql`select pg_advisory_xact_lock(k) from (
        select distinct hashtextextended(value, 0) as k
        from jsonb_array_elements_text(${JSON.stringify(all)}::jsonb) order by 1) keys`,
    );
  }

  async #putDocument(document: LeadDocument): Promise<string> {
    const { database } = this.#deps;
    const requestKey = document.requestKey ?? `doc:${document.digest}`;
    if (document.requestKey === undefined) {
      // The same form filled in again another day is another inquiry.
      await this.#tx.execute(
        sql`update lead_documents set request_key = null where organization_id = ${this.#organizationId}
          and request_key = ${requestKey} and created_at < clock_timestamp() - interval '1 day'`,
      );
    }
    const bytes = Buffer.from(document.text, 'utf8');
    const content = deflateRawSync(bytes).toString('base64');
    const [row] = await database.query<{ id: string; digest: string }>(
      sql`insert into lead_documents as d (id, organization_id, request_key, digest, content_type, form, byte_length,
          content)
        values (${randomUUID()}, ${this.#organizationId}, ${requestKey}, ${document.digest}, ${document.contentType},
          ${document.form}, ${bytes.length}, decode(${content}, 'base64'))
        on conflict (organization_id, request_key) do update set request_key = d.request_key
        returning d.id, d.digest`,
      this.#tx,
    );
    if (!row) throw new Error('The lead document cannot be stored.');
    if (row.digest === document.digest) return row.id;
    throw new JackError('E_CONFLICT', 'This Idempotency-Key was used with another document.');
  }

  /** Inquiries that came before: by the source's id, or as the same prospect of the same request. */
  async #findKnown(
    documentId: string,
    inquiries: readonly NewInquiry[],
  ): Promise<Map<number, StoredInquiry>> {
    const rows = inquiries.map(({ source, externalId }, position) => ({
      position,
      source,
      external_id: externalId,
    }));
    const known = await this.#deps.database.query<{
      position: number;
      inquiryId: string;
      leadId: LeadId;
      guessed: readonly string[];
    }>(
      sql`select r.position, i.id as "inquiryId", i.lead_id as "leadId", i.guessed
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(position int, source text, external_id text)
        join inquiries i on i.organization_id = ${this.#organizationId}
          and ((i.source = r.source and i.external_id = r.external_id)
            or (i.document_id = ${documentId} and i.position = r.position))`,
      this.#tx,
    );
    return new Map(
      known.map(({ position, ...found }) => [
        position,
        {
          outcome: 'repeated',
          ...found,
          matchedBy: null,
          firstTouch: { state: 'none', reason: 'repeated' },
        } satisfies StoredInquiry,
      ]),
    );
  }

  /** By phone, then by e-mail address; made when new. @returns by position; without those who cannot be reached. */
  async #putPeople(
    inquiries: readonly NewInquiry[],
    known: ReadonlyMap<number, StoredInquiry>,
  ): Promise<Map<number, Person>> {
    const people = new Map<number, Person>();
    const byPhone = [...inquiries.entries()]
      .filter(([position]) => !known.has(position))
      .sort(([, a], [, b]) => ((a.phone ?? '') < (b.phone ?? '') ? -1 : 1));
    for (const [position, inquiry] of byPhone) {
      const person = await this.#putPerson(inquiry);
      if (person) people.set(position, person);
    }
    return people;
  }

  async #putPerson({ phone, email, name, source, attributes }: NewInquiry): Promise<Person | undefined> {
    const { database } = this.#deps;
    const [match] = await database.query<{ id: LeadId; phone: E164 }>(
      sql`select id, phone from leads where organization_id = ${this.#organizationId} and kind = 'shopper'
        and (phone = ${phone ?? null} or lower(email) = lower(${email}))
        order by (phone = ${phone ?? null}) desc nulls last, created_at, id limit 1`,
      this.#tx,
    );
    const leadPhone = match?.phone ?? phone;
    if (leadPhone === undefined) return undefined;
    const request: NewLead = { phone: leadPhone, name, email, source, attributes };
    const { leadId, isNew } = await putLead(database, this.#tx, this.#organizationId, request);
    if (isNew) return { leadId, isNew, matchedBy: null };
    return { leadId, isNew, matchedBy: leadPhone === phone ? 'phone' : 'email' };
  }

  /** Of these leads, made where there is none; a phone that opted out before has opted out still. */
  async #lockConversations(people: readonly Person[]): Promise<Map<LeadId, Conversation>> {
    const { database, secrets } = this.#deps;
    const ids = [...new Set(people.map(({ leadId }) => leadId))];
    if (ids.length === 0) return new Map();
    const without = await database.query<{ leadId: LeadId; phone: E164 }>(
      sql`select l.id as "leadId", l.phone from leads l where l.id in ${uuidList(ids)}
        and not exists (select 1 from conversations c where c.lead_id = l.id) order by l.id`,
      this.#tx,
    );
    for (const { leadId, phone } of without) {
      const since = optedOutSince(this.#organizationId, secrets.hashPhone(this.#organizationId, phone));
      await this.#tx.execute(
        sql`insert into conversations (id, organization_id, lead_id, opted_out, opted_out_at)
          select ${newConversationId()}, ${this.#organizationId}, ${leadId}, s.since is not null, s.since
          from (select ${since} as since) s on conflict (lead_id) do nothing`,
      );
    }
    const rows = await database.query<Conversation>(
      sql`select c.id, c.lead_id as "leadId", c.owner, c.opted_out as "optedOut", c.last_seq as "lastSeq",
          c.last_inbound_seq as "lastInboundSeq", l.phone, c.slots
        from conversations c join leads l on l.id = c.lead_id
        where c.lead_id in ${uuidList(ids)} order by c.id for no key update of c`,
      this.#tx,
    );
    return new Map(rows.map((row) => [row.leadId, row]));
  }

  async #settings(): Promise<OrganizationSettings['followUps']> {
    const [row] = await this.#deps.database.query<{ followUps: OrganizationSettings['followUps'] | null }>(
      sql`select settings -> 'followUps' as "followUps" from organizations where id = ${this.#organizationId}`,
      this.#tx,
    );
    return row?.followUps ?? [];
  }

  async #append(entry: {
    readonly documentId: string;
    readonly position: number;
    readonly inquiry: NewInquiry;
    readonly person: Person;
    readonly conversation: Conversation;
    readonly followUps: OrganizationSettings['followUps'];
  }): Promise<StoredInquiry> {
    const { inquiry, person, conversation } = entry;
    const inquiryId = randomUUID();
    await this.#tx.execute(
      sql`insert into inquiries (id, organization_id, lead_id, document_id, position, source, external_id, prospect,
          guessed, consent, no_text_reason, requested_at)
        values (${inquiryId}, ${this.#organizationId}, ${person.leadId}, ${entry.documentId}, ${entry.position},
          ${inquiry.source}, ${inquiry.externalId}, ${JSON.stringify(inquiry.prospect)}::jsonb,
          ${JSON.stringify(inquiry.guessed)}::jsonb, ${JSON.stringify(inquiry.consent)}::jsonb,
          ${inquiry.noTextReason}, least(clock_timestamp(),
            coalesce(${inquiry.prospect.requestedAt ?? null}::timestamptz, clock_timestamp())))`,
    );
    await this.#keepConsent(inquiryId, inquiry, conversation);
    await this.#tellMasked(inquiry, conversation);
    await this.#learn(inquiry, conversation);
    const refusal = refusalOf(inquiry, conversation);
    const isDue = await planFollowUps(this.#deps.database, this.#tx, {
      organizationId: this.#organizationId,
      conversationId: conversation.id,
      inquiryId,
      knownSeq: conversation.lastInboundSeq,
      // Somebody who has written or was written to is not greeted.
      greets: refusal === undefined && conversation.lastSeq === 0,
      delaysHours: refusal === undefined ? (entry.followUps ?? []).map(({ afterHours }) => afterHours) : [],
    });
    return {
      outcome: person.isNew ? 'created' : 'appended',
      leadId: person.leadId,
      inquiryId,
      matchedBy: person.matchedBy,
      firstTouch: isDue ? { state: 'due' } : { state: 'none', reason: refusal ?? 'already_greeted' },
      guessed: inquiry.guessed,
    };
  }

  async #keepConsent(inquiryId: string, inquiry: NewInquiry, conversation: Conversation): Promise<void> {
    const { basis, disclosure, at, ip, evidence } = inquiry.consent;
    // Of the phone that was given: consent to text one phone is none for another.
    if (basis === null || inquiry.phone !== conversation.phone) return;
    await storeConsentEvents(this.#tx, [
      {
        organizationId: this.#organizationId,
        leadId: conversation.leadId,
        conversationId: conversation.id,
        phoneHash: this.#deps.secrets.hashPhone(this.#organizationId, conversation.phone),
        kind: 'consent',
        method: 'form',
        words: '',
        messageSid: null,
        basis,
        ...(disclosure === undefined ? {} : { disclosure }),
        evidence: {
          inquiry: inquiryId,
          source: inquiry.source,
          ...(inquiry.externalId === null ? {} : { externalId: inquiry.externalId }),
          ...(at === undefined ? {} : { at }),
          ...(ip === undefined ? {} : { ip }),
          ...(evidence === undefined ? {} : { reference: evidence }),
        },
      },
    ]);
  }

  async #tellMasked({ masked }: NewInquiry, { id }: Conversation): Promise<void> {
    if (masked.length === 0) return;
    await raiseAlerts(this.#tx, [
      {
        organizationId: this.#organizationId,
        conversationId: id,
        kind: 'identifiers_masked',
        reason: 'An inquiry had numbers in it that are not kept; they were masked.',
        details: { kinds: masked.join(' ') },
      },
    ]);
  }

  /** What the assistant may know from the start; what it has learned itself stays. */
  async #learn(inquiry: NewInquiry, { id, slots }: Conversation): Promise<void> {
    const learned = learnedFrom(inquiry, slots);
    if (!learned) return;
    await this.#tx.execute(
      sql`update conversations set slots = ${JSON.stringify(learned)}::jsonb
        where id = ${id} and organization_id = ${this.#organizationId}`,
    );
  }
}

function refusalOf(
  { noTextReason, phone }: NewInquiry,
  conversation: Conversation,
): Extract<FirstTouch, { state: 'none' }>['reason'] | undefined {
  if (conversation.optedOut) return 'opted_out';
  if (noTextReason !== null) return noTextReason as 'no_consent_basis' | 'asked_not_to_be_texted';
  // Found by the e-mail address: nobody said that this lead's phone may be texted.
  if (phone !== conversation.phone && conversation.lastSeq === 0) return 'no_consent_basis';
  return conversation.owner === 'human' ? 'human_owns_conversation' : undefined;
}
