/** What an administrator says of an organization's numbers: their registration, and who answers STOP. */
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import { changePhoneNumber, listPhoneNumbers } from '../../services/record/phoneNumbers.js';
import { defineRoute, type Route, reply } from '../openapi/route.js';
import { organizationIdSchema, phoneSchema } from '../schemas.js';
import { notFound } from './organizations.js';

type Context = Pick<AppContext, 'database'>;

const administrator = { access: 'administrator', tag: 'Administrator' } as const;
const BASE = '/api/admin/organizations/{organizationId}/phone-numbers';
const byOrganization = z.object({ organizationId: organizationIdSchema });

const registrationSchema = z
  .enum(['unregistered', 'pending', 'approved', 'not_needed'])
  .nullable()
  .meta({
    description:
      'Whether the number may text the United States (A2P 10DLC). Null: nobody has said; a number of the United States then ' +
      'does not text there through a real carrier.',
  });
const keywordAnswersSchema = z.enum(['carrier', 'us', 'toll_free']).meta({
  description:
    'Who answers STOP, START and HELP: the carrier, we (short codes, or the feature switched off), or a toll-free network.',
});

const phoneNumberSchema = z
  .strictObject({
    phoneNumber: z.string(),
    registration: registrationSchema,
    keywordAnswers: keywordAnswersSchema,
  })
  .meta({ id: 'PhoneNumber' });

export const phoneNumberAdminRoutes = (ctx: Context): readonly Route[] => [listRoute(ctx), changeRoute(ctx)];

const listRoute = ({ database }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'get',
    path: BASE,
    summary: 'The numbers of an organization, the one that new conversations leave from first.',
    params: byOrganization,
    answers: {
      200: {
        description: 'All of them.',
        schema: z.strictObject({ items: z.array(phoneNumberSchema).readonly(), nextCursor: z.null() }),
      },
    },
    problems: ['E_NOT_FOUND'],
    handle: async ({ params: { organizationId } }) => {
      const items = await listPhoneNumbers(database, organizationId);
      if (!items) throw notFound();
      return reply(200, { items, nextCursor: null });
    },
  });

const changeRoute = ({ database }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'patch',
    path: `${BASE}/{phoneNumber}`,
    summary:
      'Says whether a number is registered for the United States, and who answers keywords sent to it.',
    params: byOrganization.extend({ phoneNumber: phoneSchema }),
    body: z
      .strictObject({
        registration: registrationSchema.optional(),
        keywordAnswers: keywordAnswersSchema.optional(),
      })
      .refine((body) => Object.keys(body).length > 0, 'must change something'),
    answers: { 200: { description: 'As it is now.', schema: phoneNumberSchema } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ params: { organizationId, phoneNumber }, body, caller }) => {
      const changed = await changePhoneNumber(database, organizationId, phoneNumber, body, caller.actor);
      if (!changed) throw new JackError('E_NOT_FOUND', 'The organization has no such number.');
      return reply(200, changed);
    },
  });
