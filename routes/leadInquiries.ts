/** What a lead asked, as it was understood, and the same as ADF for a CRM. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { toOutgoing } from '../services/leads/adf/outgoing.js';
import { ADF_TYPE, writeAdf } from '../services/leads/adf/write.js';
import { listInquiries } from '../services/record/inquiryReads.js';
import { readLead } from '../services/record/leads.js';
import { readProfile } from '../services/record/organizations.js';
import { orNotFound } from './leads.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { leadIdSchema } from './schemas.js';

type Context = Pick<AppContext, 'database'>;

const organization = { access: 'organization', tag: 'Leads' } as const;
const byId = z.object({ leadId: leadIdSchema });
const MOST = 100;
const time = z.iso.datetime();

const inquirySchema = z
  .strictObject({
    id: z.uuid(),
    source: z.string(),
    externalId: z.string().nullable(),
    prospect: z
      .custom<object>((value) => typeof value === 'object' && value !== null)
      .meta({ type: 'object', additionalProperties: true, description: 'Vehicles, contact, comments.' }),
    guessed: z.array(z.string()).readonly(),
    consent: z.strictObject({
      basis: z.string().nullable(),
      disclosure: z.string().optional(),
      at: z.string().optional(),
      ip: z.string().optional(),
      evidence: z.string().optional(),
    }),
    noTextReason: z.string().nullable().meta({ description: 'Why nobody is texted because of it.' }),
    requestedAt: time,
    createdAt: time,
    followUps: z
      .array(
        z.strictObject({
          step: z.int().min(0).meta({ description: '0: the first touch.' }),
          state: z.enum(['waiting', 'sent', 'skipped', 'stopped']),
          reason: z.string().nullable(),
          dueAt: time,
          settledAt: time.nullable(),
        }),
      )
      .readonly(),
  })
  .meta({ id: 'Inquiry' });

export const leadInquiryRoutes = ({ database }: Context): readonly Route[] => [
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/leads/{leadId}/inquiries',
    summary: `The last ${MOST} inquiries of a lead, newest first, with the texts that were planned because of them.`,
    params: byId,
    answers: {
      200: {
        description: 'The inquiries.',
        schema: z.strictObject({ items: z.array(inquirySchema).readonly(), nextCursor: z.null() }),
      },
    },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller: { organizationId }, params: { leadId } }) => {
      orNotFound(await readLead(database, organizationId, leadId));
      const items = await listInquiries(database, organizationId, leadId, MOST);
      return reply(200, { items, nextCursor: null });
    },
  }),
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/leads/{leadId}/adf',
    summary: 'The lead with its newest inquiry as ADF 1.0.',
    params: byId,
    answers: { 200: { description: 'An ADF document.', files: [ADF_TYPE] } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller: { organizationId }, params: { leadId } }) => {
      const lead = orNotFound(await readLead(database, organizationId, leadId));
      const [newest] = await listInquiries(database, organizationId, leadId, 1);
      const profile = await readProfile(database, organizationId);
      const xml = writeAdf(toOutgoing(lead, newest, profile?.name ?? ''));
      return reply(
        200,
        { bytes: Buffer.from(xml, 'utf8'), contentType: ADF_TYPE },
        { 'Content-Disposition': `attachment; filename="lead-${leadId}.xml"` },
      );
    },
  }),
];
