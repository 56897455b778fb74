/** Phone calls that a voice agent took or made: who they were with, and what was said. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { type Database, type Orm, sqlState } from '../db/client.js';
import type { CallLine } from '../db/schema/inquiries.js';
import type { Secrets } from '../secrets.js';
import {
  type ConversationId,
  type E164,
  type LeadId,
  newConversationId,
  newMessageId,
  type OrganizationId,
  type Rev,
} from '../types.js';
import { raiseAlerts } from './alerts.js';
import { optedOutSince } from './consent.js';
import { putLead } from './leads.js';

/** Whom a call is with; lead and conversation are null while the person is not known. */
export interface CallParties {
  readonly organizationId: OrganizationId;
  readonly organizationRev: Rev;
  readonly leadId: LeadId | null;
  readonly leadName: string | null;
  readonly conversationId: ConversationId | null;
  readonly baseRev: Rev | null;
}

/** @returns undefined when the number is nobody's here, or of two organizations with an account each. */
export async function findCallParties(
  database: Database,
  {
    dealershipNumber,
    callerNumber,
  }: { readonly dealershipNumber: E164; readonly callerNumber: E164 | undefined },
): Promise<CallParties | undefined> {
  const rows = await database.query<CallParties>(
    sql`select distinct o.id as "organizationId", o.rev as "organizationRev", l.id as "leadId", l.name as "leadName",
        c.id as "conversationId", c.base_rev as "baseRev"
      from phone_numbers p join organizations o on o.id = p.organization_id
      left join leads l on l.organization_id = o.id and l.phone = ${callerNumber ?? null} and l.kind = 'shopper'
      left join conversations c on c.lead_id = l.id
      where p.phone_number = ${dealershipNumber} limit 2`,
  );
  return rows.length === 1 ? rows[0] : undefined;
}

export interface NewCall {
  readonly externalId: string;
  readonly phone: E164;
  readonly direction: 'inbound' | 'outbound';
  readonly startedAtMs: number | null;
  readonly durationSeconds: number | null;
  readonly summary: string;
  readonly transcript: readonly CallLine[];
  /** What the conversation shows of it. */
  readonly body: string;
  /** Kinds of identifiers that were masked in it. */
  readonly masked: readonly string[];
}

export type StoredCall =
  | {
      readonly outcome: 'stored';
      readonly leadId: LeadId;
      readonly conversationId: ConversationId;
      readonly seq: number;
    }
  | { readonly outcome: 'duplicate' };

/** The call and its message in one transaction; a caller who is new gets a lead. The same call again changes nothing. */
export async function storeCall(
  deps: { readonly database: Database; readonly secrets: Secrets },
  organizationId: OrganizationId,
  call: NewCall,
): Promise<StoredCall> {
  const store = () => deps.database.transaction((tx) => storeWithin(deps, tx, organizationId, call));
  try {
    return await store();
  } catch (error) {
    // A text of the same new person may lock in another order; whom the database picks tries again.
    if (sqlState(error) !== '40P01') throw error;
    return await store();
  }
}

async function storeWithin(
  { database, secrets }: { readonly database: Database; readonly secrets: Secrets },
  tx: Orm,
  organizationId: OrganizationId,
  call: NewCall,
): Promise<StoredCall> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`call/${call.externalId}`}, 0))`);
  const known = await database.query(
    sql`select 1 from voice_calls where provider = 'elevenlabs' and external_id = ${call.externalId}`,
    tx,
  );
  if (known.length > 0) return { outcome: 'duplicate' };
  const { leadId } = await putLead(database, tx, organizationId, { phone: call.phone, source: 'voice' });
  const since = optedOutSince(organizationId, secrets.hashPhone(organizationId, call.phone));
  await tx.execute(
    sql`insert into conversations (id, organization_id, lead_id, opted_out, opted_out_at)
      select ${newConversationId()}, ${organizationId}, ${leadId}, s.since is not null, s.since
      from (select ${since} as since) s on conflict (lead_id) do nothing`,
  );
  // A turn under way does not know the call: its reply is refused as out of date, and is written anew.
  const [row] = await database.query<{ id: ConversationId; seq: number }>(
    sql`update conversations set last_seq = last_seq + 1, last_message_at = clock_timestamp()
      where lead_id = ${leadId} and organization_id = ${organizationId} returning id, last_seq as seq`,
    tx,
  );
  if (!row) throw new Error('The conversation of a call cannot be read.');
  await tx.execute(
    sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
        status, masked)
      values (${newMessageId()}, ${organizationId}, ${row.id}, ${row.seq}, 'outbound', 'system', ${call.body}, 'UCS-2', 0,
        'delivered', ${call.masked.length > 0 ? JSON.stringify(call.masked) : null}::jsonb)`,
  );
  await tx.execute(
    sql`insert into voice_calls (id, organization_id, conversation_id, provider, external_id, direction, started_at,
        duration_seconds, summary, transcript)
      values (${randomUUID()}, ${organizationId}, ${row.id}, 'elevenlabs', ${call.externalId}, ${call.direction},
        ${call.startedAtMs === null ? null : new Date(call.startedAtMs).toISOString()}::timestamptz,
        ${call.durationSeconds}, ${call.summary}, ${JSON.stringify(call.transcript)}::jsonb)`,
  );
  if (call.masked.length > 0) {
    await raiseAlerts(tx, [
      {
        organizationId,
        conversationId: row.id,
        kind: 'identifiers_masked',
        reason: 'Numbers that are not kept were said in a call; they were masked.',
        details: { kinds: call.masked.join(' ') },
      },
    ]);
  }
  return { outcome: 'stored', leadId, conversationId: row.id, seq: row.seq };
}
