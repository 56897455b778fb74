/** Who may be texted: what people said and agreed to, and who wants no texts. Neither ever expires. */
import { sql } from 'drizzle-orm';
import { bigserial, index, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { LeadId } from '../../types.js';
import { createdAt, moment, organizationId } from './organizations.js';

/** `consent`: why we may text. The others: what somebody said about it. */
export type ConsentKind = 'consent' | 'opt_out' | 'opt_in' | 'help';

/** How it became known. `words`: a text that is no keyword; `form`: whatever form the lead came with. */
export type ConsentMethod = 'keyword' | 'words' | 'carrier' | 'staff' | 'import' | 'text' | 'form';

/** What a consent rests on (DOMAIN.md 8.3). */
export type ConsentBasis = 'inbound_text' | 'web_form' | 'paper' | 'verbal' | 'import';

/** Of small values: the address and session of a form, the channel of what was said, the number that was texted. */
export type ConsentEvidence = Readonly<Record<string, string | number | boolean>>;

export const consentEvents = pgTable(
  'consent_events',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    organizationId: organizationId(),
    leadId: uuid('lead_id').$type<LeadId>().notNull(),
    /** Keyed hash of the phone, so that the event keeps its meaning when the lead is erased. */
    phoneHash: text('phone_hash').notNull(),
    kind: text('kind').$type<ConsentKind>().notNull(),
    method: text('method').$type<ConsentMethod>().notNull(),
    /** The exact words; empty where they are in the message, which goes with its lead. */
    words: text('words').notNull(),
    messageSid: text('message_sid'),
    /** Of a consent. */
    basis: text('basis').$type<ConsentBasis>(),
    /** `id@version` of the text that the person was shown (services/consent/disclosures.ts). */
    disclosure: text('disclosure'),
    evidence: jsonb('evidence').$type<ConsentEvidence>().notNull().default({}),
    createdAt: createdAt(),
  },
  (t) => [index('consent_events_person').on(t.organizationId, t.phoneHash, t.id)],
);

/** `organization`: no text of the dealership. `wrong_number`: nor is the phone that of the lead who had it. */
export type OptOutScope = 'organization' | 'wrong_number';

/** The opt-outs of people, by keyed hash of the phone: they outlive leads and conversations. */
export const optOuts = pgTable(
  'opt_outs',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    organizationId: organizationId(),
    phoneHash: text('phone_hash').notNull(),
    scope: text('scope').$type<OptOutScope>().notNull().default('organization'),
    since: moment('since').notNull().default(sql`clock_timestamp()`),
    method: text('method').$type<ConsentMethod>().notNull(),
    /** The exact words. */
    words: text('words').notNull(),
    /** When the person wanted texts again. */
    liftedAt: moment('lifted_at'),
  },
  (t) => [
    uniqueIndex('opt_outs_in_force').on(t.organizationId, t.phoneHash).where(sql`lifted_at is null`),
    index('opt_outs_person').on(t.organizationId, t.phoneHash, t.id),
  ],
);
