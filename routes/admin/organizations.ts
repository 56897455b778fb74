/** The administrator's calls about organizations, their numbers and their keys. */
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import {
  addApiKey,
  addPhoneNumber,
  createOrganization,
  eraseOrganization,
  listProfiles,
  revokeApiKey,
} from '../../services/record/organizations.js';
import { newOrganizationId } from '../../services/types.js';
import { cursorSchema, toListAnswer } from '../cursor.js';
import { defineRoute, type Route, reply } from '../openapi/route.js';
import {
  keyIdSchema,
  limitSchema,
  listOf,
  organizationIdSchema,
  organizationNameSchema,
  organizationSchema,
  phoneSchema,
  settingsSchema,
  timezoneSchema,
} from '../schemas.js';

type Context = Pick<AppContext, 'config' | 'database' | 'secrets' | 'sessions' | 'state'>;

const administrator = { access: 'administrator', tag: 'Administrator' } as const;
const BASE = '/api/admin/organizations';
const byId = z.object({ organizationId: organizationIdSchema });

const newOrganizationSchema = z.strictObject({
  id: organizationIdSchema.optional(),
  name: organizationNameSchema,
  timezone: timezoneSchema,
  phoneNumbers: z
    .array(phoneSchema)
    .max(100)
    .refine((numbers) => new Set(numbers).size === numbers.length, 'must not name a number twice'),
  twilio: z
    .strictObject({
      accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, 'must be AC and 32 hexadecimal digits'),
      authToken: z.string().min(1).max(200),
    })
    .optional(),
  settings: settingsSchema.default({}),
});

export function organizationAdminRoutes(ctx: Context): readonly Route[] {
  return [createRoute(ctx), listRoute(ctx), eraseRoute(ctx), ...keyRoutes(ctx), numberRoute(ctx)];
}

const createRoute = (ctx: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'post',
    path: BASE,
    summary: 'Creates an organization. Its first API key is in the answer and is never shown again.',
    body: newOrganizationSchema,
    answers: {
      201: {
        description: 'Created.',
        schema: z.strictObject({ organization: organizationSchema, apiKey: z.string() }),
      },
    },
    problems: ['E_CONFLICT'],
    handle: async ({ body, caller }) => {
      const { id = newOrganizationId(), twilio } = body;
      if (twilio && twilio.accountSid === ctx.config.twilio.accountSid) {
        const detail = "is the deployment's own account: leave twilio out";
        throw new JackError('E_INPUT_INVALID', `/body/twilio/accountSid: ${detail}`, {
          problems: [{ pointer: '/body/twilio/accountSid', detail }],
        });
      }
      const created = await createOrganization(ctx, { ...body, id, twilio }, caller.actor);
      const account = twilio?.accountSid ?? 'default';
      await dropNumbers(
        ctx,
        body.phoneNumbers.map((phoneNumber) => ({ account, phoneNumber })),
      );
      return reply(201, created);
    },
  });

/** A number that nobody had may be cached as such. */
async function dropNumbers(
  { state }: Context,
  numbers: readonly { readonly account: string; readonly phoneNumber: z.output<typeof phoneSchema> }[],
): Promise<void> {
  for (const { account, phoneNumber } of numbers) await state.dropNumber(account, phoneNumber);
}

const listRoute = ({ database }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'get',
    path: BASE,
    summary: 'All organizations, newest first.',
    query: z.strictObject({ limit: limitSchema(20), cursor: cursorSchema('organizations').optional() }),
    answers: { 200: { description: 'A page.', schema: listOf(organizationSchema, 'OrganizationList') } },
    handle: async ({ query: { limit, cursor } }) => {
      const page = await listProfiles(database, { limit, after: cursor });
      return reply(200, toListAnswer('organizations', page));
    },
  });

const eraseRoute = (ctx: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'delete',
    path: `${BASE}/{organizationId}`,
    summary:
      'Erases an organization and everything of it, cached state included. Only the audit trail stays.',
    params: byId,
    answers: { 204: { description: 'Erased.' } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ params: { organizationId }, caller }) => {
      const numbers = await eraseOrganization(ctx.database, organizationId, caller.actor);
      if (!numbers) throw notFound();
      await ctx.state.clearOrganization(organizationId);
      await dropNumbers(ctx, numbers);
      return reply(204);
    },
  });

const numberRoute = (ctx: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'post',
    path: `${BASE}/{organizationId}/phone-numbers`,
    summary: 'Gives an organization one more phone number.',
    params: byId,
    body: z.strictObject({ phoneNumber: phoneSchema }),
    answers: {
      201: { description: 'Added.', schema: z.strictObject({ organization: organizationSchema }) },
    },
    problems: ['E_NOT_FOUND', 'E_CONFLICT'],
    handle: async ({ params: { organizationId }, body: { phoneNumber }, caller }) => {
      const added = await addPhoneNumber(ctx.database, organizationId, phoneNumber, caller.actor);
      if (!added) throw notFound();
      await dropNumbers(ctx, [{ account: added.account, phoneNumber }]);
      return reply(201, { organization: added.organization });
    },
  });

const keyRoutes = ({ database, sessions }: Context): readonly Route[] => [
  defineRoute({
    ...administrator,
    method: 'post',
    path: `${BASE}/{organizationId}/api-keys`,
    summary: 'Makes one more API key. It is shown once.',
    params: byId,
    answers: {
      201: { description: 'Made.', schema: z.strictObject({ id: z.uuid(), apiKey: z.string() }) },
    },
    problems: ['E_NOT_FOUND'],
    handle: async ({ params: { organizationId }, caller }) => {
      const key = await addApiKey(database, organizationId, caller.actor);
      if (!key) throw notFound();
      return reply(201, key);
    },
  }),
  defineRoute({
    ...administrator,
    method: 'delete',
    path: `${BASE}/{organizationId}/api-keys/{keyId}`,
    summary: 'Revokes an API key and ends the sessions that were opened with it, at once.',
    params: byId.extend({ keyId: keyIdSchema }),
    answers: { 204: { description: 'Revoked.' } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ params: { organizationId, keyId }, caller }) => {
      if (!(await revokeApiKey(database, organizationId, keyId, caller.actor))) {
        throw new JackError('E_NOT_FOUND', 'The organization has no such key.');
      }
      await sessions.catchUp();
      return reply(204);
    },
  }),
];

export const notFound = (): JackError => new JackError('E_NOT_FOUND', 'There is no such organization.');
