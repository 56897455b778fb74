/** Texts to numbers that belong to nobody here: what waits, and whose it is. */
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { discardQuarantined, listQuarantine } from '../../services/record/quarantine.js';
import { cursorSchema, toListAnswer } from '../cursor.js';
import { defineRoute, type Route, reply } from '../openapi/route.js';
import { limitSchema, listOf, organizationIdSchema } from '../schemas.js';

type Context = Pick<AppContext, 'database' | 'quarantine'>;

const administrator = { access: 'administrator', tag: 'Administrator' } as const;
const BASE = '/api/admin/quarantine';

const byId = z.object({
  quarantineId: z
    .string()
    .regex(/^[1-9]\d{0,17}$/, 'must be the id of a text in quarantine')
    .meta({ example: '17' }),
});
const accountSidSchema = z.string().regex(/^AC[0-9a-zA-Z]{32}$/, 'must be an AccountSid');
const addressSchema = z.string().min(1).max(100).meta({ description: 'The number that was texted.' });

const quarantinedSchema = z
  .strictObject({
    id: z.string(),
    accountSid: z.string(),
    messageSid: z.string(),
    from: z.string(),
    to: z.string(),
    body: z.string().meta({ description: 'Empty once the text is settled.' }),
    mediaCount: z.int().min(0),
    reason: z.string(),
    state: z.enum(['held', 'assigned', 'discarded']),
    organizationId: z.string().nullable().meta({ description: 'Whom it was given to.' }),
    receivedAt: z.iso.datetime(),
    settledAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'QuarantinedText' });

const countsSchema = z.strictObject({
  stored: z.int().min(0),
  duplicates: z.int().min(0).meta({ description: 'In the record already: nothing was changed.' }),
  late: z.int().min(0).meta({
    description:
      'Of those stored: older than 15 minutes, so that the assistant does not answer; staff get an alert.',
  }),
});

export const quarantineAdminRoutes = (ctx: Context): readonly Route[] => [
  listRoute(ctx),
  numberRoute(ctx),
  assignRoute(ctx),
  discardRoute(ctx),
];

const listRoute = ({ database }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'get',
    path: BASE,
    summary: 'Texts to numbers that belong to nobody here, newest first.',
    query: z.strictObject({
      limit: limitSchema(20),
      cursor: cursorSchema('quarantine').optional(),
      state: z.enum(['held', 'assigned', 'discarded']).default('held'),
      accountSid: accountSidSchema.optional(),
      to: addressSchema.optional(),
    }),
    answers: { 200: { description: 'A page.', schema: listOf(quarantinedSchema, 'Quarantine') } },
    handle: async ({ query: { cursor, ...query } }) =>
      reply(200, toListAnswer('quarantine', await listQuarantine(database, { ...query, after: cursor }))),
  });

const numberRoute = ({ quarantine }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'post',
    path: `${BASE}/assign`,
    summary: 'Gives the texts that wait for one number to an organization: the oldest 500 of them.',
    body: z.strictObject({
      accountSid: accountSidSchema,
      to: addressSchema,
      organizationId: organizationIdSchema,
    }),
    answers: { 200: { description: 'What became of them; all 0 when none waits.', schema: countsSchema } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ body: { organizationId, ...number }, caller: { actor } }) =>
      reply(200, await quarantine.assignNumber(number, { organizationId, actor })),
  });

const assignRoute = ({ quarantine }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'post',
    path: `${BASE}/{quarantineId}/assign`,
    summary:
      'Gives one text to an organization, as if it had come there: once, with its own time, STOP included.',
    params: byId,
    body: z.strictObject({ organizationId: organizationIdSchema }),
    answers: { 200: { description: 'What became of it.', schema: countsSchema } },
    problems: ['E_NOT_FOUND', 'E_CONFLICT'],
    handle: async ({ params: { quarantineId }, body: { organizationId }, caller: { actor } }) =>
      reply(200, await quarantine.assign(quarantineId, { organizationId, actor })),
  });

const discardRoute = ({ database }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'post',
    path: `${BASE}/{quarantineId}/discard`,
    summary: 'Erases what one text said. That it came, from whom and when, stays.',
    params: byId,
    answers: { 204: { description: 'Discarded.' } },
    problems: ['E_NOT_FOUND', 'E_CONFLICT'],
    handle: async ({ params: { quarantineId }, caller: { actor } }) => {
      await discardQuarantined(database, quarantineId, actor);
      return reply(204);
    },
  });
