/** The inquiries of a lead as people see them. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type { InquiryConsent } from '../db/schema/inquiries.js';
import type { Prospect } from '../leads/prospect.js';
import type { LeadId, OrganizationId } from '../types.js';
import { isoUtc } from './utc.js';

export interface Inquiry {
  readonly id: string;
  readonly source: string;
  readonly externalId: string | null;
  readonly prospect: Prospect;
  readonly guessed: readonly string[];
  readonly consent: InquiryConsent;
  readonly noTextReason: string | null;
  /** ISO 8601. */
  readonly requestedAt: string;
  readonly createdAt: string;
  /** Texts that we start because of it, in their order. */
  readonly followUps: readonly PlannedText[];
}

export interface PlannedText {
  /** 0: the first touch. */
  readonly step: number;
  readonly state: 'waiting' | 'sent' | 'skipped' | 'stopped';
  readonly reason: string | null;
  readonly dueAt: string;
  readonly settledAt: string | null;
}

/** Newest first. */
export const listInquiries = (
  database: Database,
  organizationId: OrganizationId,
  leadId: LeadId,
  limit: number,
): Promise<Inquiry[]> =>
  database.query<Inquiry>(
    sql`select i.id, i.source, i.external_id as "externalId", i.prospect, i.guessed, i.consent,
        i.no_text_reason as "noTextReason", ${isoUtc(sql`i.requested_at`)} as "requestedAt",
        ${isoUtc(sql`i.created_at`)} as "createdAt",
        (select coalesce(jsonb_agg(jsonb_build_object('step', f.step, 'state', f.state, 'reason', f.reason,
            'dueAt', ${isoUtc(sql`f.due_at`)}, 'settledAt', ${isoUtc(sql`f.settled_at`)}) order by f.step), '[]')
          from follow_ups f where f.inquiry_id = i.id) as "followUps"
      from inquiries i where i.organization_id = ${organizationId} and i.lead_id = ${leadId}
      order by i.created_at desc, i.id limit ${limit}`,
  );
