/** What a person must look at: the list, seeing to it, and the secret that its webhooks are signed with. */
import { z } from 'zod';
import { newWebhookSecret } from '../services/alerts/message.js';
import type { AppContext } from '../services/context.js';
import { ALERT_KINDS, listAlerts, resolveAlert } from '../services/record/alerts.js';
import { storeWebhookSecret } from '../services/record/webhookSecrets.js';
import { cursorSchema, toListAnswer } from './cursor.js';
import { orNotFound } from './leads.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { alertIdSchema, leadIdSchema, limitSchema, listOf, yesNoSchema } from './schemas.js';

type Context = Pick<AppContext, 'database' | 'secrets'>;

const organization = { access: 'organization', tag: 'Alerts' } as const;

const alertKindSchema = z.enum(ALERT_KINDS);
const time = z.iso.datetime();

/** Of an alert in a list and in a stream. */
export const alertShape = {
  id: z.uuid(),
  kind: alertKindSchema,
  reason: z.string().meta({ description: 'In a few words; never what somebody wrote.' }),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  createdAt: time,
  resolvedAt: time.nullable(),
};

const alertSchema = z
  .strictObject({
    ...alertShape,
    leadId: z.uuid().nullable().meta({ description: 'Null where it concerns the organization.' }),
    resolvedBy: z.string().nullable(),
    webhook: z
      .strictObject({
        state: z.enum(['pending', 'delivered', 'given_up']),
        attempts: z.int(),
        httpStatus: z.int().nullable(),
        reason: z.string().nullable().meta({ description: 'Why the last attempt did not arrive.' }),
        settledAt: time.nullable(),
      })
      .nullable()
      .meta({ description: 'How far it has come at alerts.webhookUrl; null where none was set.' }),
    texts: z.strictObject({ pending: z.int(), texted: z.int(), dropped: z.int() }).nullable().meta({
      description: 'Phones of alerts.phones that are to hear of it, have, and do not; null: none was to.',
    }),
  })
  .meta({ id: 'Alert' });

export const alertRoutes = (ctx: Context): readonly Route[] => [
  listRoute(ctx),
  resolveRoute(ctx),
  secretRoute(ctx),
];

const listRoute = ({ database }: Context): Route =>
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/alerts',
    summary: 'What a person must look at, newest first.',
    query: z.strictObject({
      limit: limitSchema(20),
      cursor: cursorSchema('alerts').optional(),
      resolved: yesNoSchema.optional(),
      kind: alertKindSchema.optional(),
      leadId: leadIdSchema.optional(),
    }),
    answers: { 200: { description: 'A page.', schema: listOf(alertSchema, 'AlertList') } },
    handle: async ({ caller, query: { limit, cursor, resolved, kind, leadId } }) => {
      const request = { limit, after: cursor, isResolved: resolved, kind, leadId };
      return reply(200, toListAnswer('alerts', await listAlerts(database, caller.organizationId, request)));
    },
  });

const resolveRoute = ({ database }: Context): Route =>
  defineRoute({
    ...organization,
    method: 'post',
    path: '/api/alerts/{alertId}/resolve',
    summary: 'Somebody has seen to it. Alerts that ask for a person are also seen to by a takeover.',
    params: z.object({ alertId: alertIdSchema }),
    answers: { 200: { description: 'As it is now.', schema: alertSchema } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller: { organizationId, actor }, params: { alertId } }) =>
      reply(200, orNotFound(await resolveAlert(database, { organizationId, alertId, actor }))),
  });

const secretRoute = (ctx: Context): Route =>
  defineRoute({
    ...organization,
    method: 'post',
    path: '/api/organization/webhook-secret',
    summary:
      'Makes the secret that webhooks are signed with; it is never shown again. The one before signs too for 24 hours.',
    answers: {
      201: { description: 'Made.', schema: z.strictObject({ secret: z.string() }) },
    },
    handle: async ({ caller: { organizationId, actor } }) => {
      const secret = newWebhookSecret();
      await storeWebhookSecret(ctx, organizationId, { secret, actor });
      return reply(201, { secret });
    },
  });
