/** Leads of the organization that asks. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { eraseLead } from '../services/record/erasure.js';
import { changeLead, createOrMergeLead, listLeads, readLead } from '../services/record/leads.js';
import { cursorSchema, toListAnswer } from './cursor.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import {
  attributesSchema,
  emailSchema,
  leadIdSchema,
  leadSchema,
  limitSchema,
  listOf,
  personNameSchema,
  phoneSchema,
  sourceSchema,
  statusSchema,
} from './schemas.js';

type Context = Pick<AppContext, 'database' | 'secrets' | 'state'>;

const organization = { access: 'organization', tag: 'Leads' } as const;
const byId = z.object({ leadId: leadIdSchema });

const newLeadSchema = z.strictObject({
  phone: phoneSchema,
  name: personNameSchema.nullable().optional(),
  email: emailSchema.nullable().optional(),
  source: sourceSchema.optional(),
  attributes: attributesSchema.optional(),
});

const leadChangeSchema = z
  .strictObject({
    name: personNameSchema.nullable().optional(),
    email: emailSchema.nullable().optional(),
    status: statusSchema.optional(),
    attributes: attributesSchema.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'must change something');

export const leadRoutes = (ctx: Context): readonly Route[] => [
  ...collectionRoutes(ctx),
  ...singleRoutes(ctx),
  eraseRoute(ctx),
];

const collectionRoutes = (ctx: Context): readonly Route[] => [
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/leads',
    summary: 'Leads, newest first.',
    query: z.strictObject({ limit: limitSchema(20), cursor: cursorSchema('leads').optional() }),
    answers: { 200: { description: 'A page.', schema: listOf(leadSchema, 'LeadList') } },
    handle: async ({ caller, query: { limit, cursor } }) => {
      const page = await listLeads(ctx.database, caller.organizationId, { limit, after: cursor });
      return reply(200, toListAnswer('leads', page));
    },
  }),
  defineRoute({
    ...organization,
    method: 'post',
    path: '/api/leads',
    summary:
      'Adds a lead. A phone that is known keeps its lead: name and email fill gaps, attributes are merged.',
    body: newLeadSchema,
    answers: {
      200: { description: 'The phone was known: its lead, with what was added.', schema: leadSchema },
      201: { description: 'A new lead, with an empty conversation.', schema: leadSchema },
    },
    handle: async ({ caller, body }) => {
      const { lead, isNew } = await createOrMergeLead(ctx, caller.organizationId, body);
      return isNew ? reply(201, lead) : reply(200, lead);
    },
  }),
];

const singleRoutes = ({ database }: Context): readonly Route[] => [
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/leads/{leadId}',
    summary: 'One lead.',
    params: byId,
    answers: { 200: { description: 'The lead.', schema: leadSchema } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller, params }) =>
      reply(200, orNotFound(await readLead(database, caller.organizationId, params.leadId))),
  }),
  defineRoute({
    ...organization,
    method: 'patch',
    path: '/api/leads/{leadId}',
    summary: 'Changes what is given. Attributes are merged; null takes a value away.',
    params: byId,
    body: leadChangeSchema,
    answers: { 200: { description: 'The lead as it is now.', schema: leadSchema } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller, params, body }) =>
      reply(200, orNotFound(await changeLead(database, caller.organizationId, params.leadId, body))),
  }),
];

const eraseRoute = ({ database, state }: Context): Route =>
  defineRoute({
    ...organization,
    method: 'delete',
    path: '/api/leads/{leadId}',
    summary:
      'Erases a lead with everything that was said, cached state included. An opt-out and the consent ledger stay, by keyed hash of the phone.',
    params: byId,
    answers: { 204: { description: 'Erased.' } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller: { organizationId, actor }, params: { leadId } }) => {
      const erased = orNotFound(await eraseLead(database, { organizationId, leadId, actor }));
      await state.dropLead(organizationId, leadId, erased.phone);
      if (erased.conversationId !== undefined) {
        await state.dropConversation(organizationId, { conversationId: erased.conversationId, leadId });
      }
      return reply(204);
    },
  });

/** Another organization's lead is as unknown as one that never was. */
export function orNotFound<Found>(found: Found | undefined): Found {
  if (found !== undefined) return found;
  throw new JackError('E_NOT_FOUND', 'There is no such lead.');
}
