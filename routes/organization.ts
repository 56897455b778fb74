/** An organization about itself. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { changeProfile, readProfile } from '../services/record/organizations.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import {
  organizationNameSchema,
  organizationSchema,
  settingsChangeSchema,
  timezoneSchema,
} from './schemas.js';

const organization = { access: 'organization', tag: 'Organization', path: '/api/organization' } as const;
const answers = { 200: { description: 'Profile and settings.', schema: organizationSchema } } as const;

export const organizationRoutes = ({ database }: Pick<AppContext, 'database'>): readonly Route[] => [
  defineRoute({
    ...organization,
    method: 'get',
    summary: 'Profile and settings of the organization that the key belongs to.',
    answers,
    handle: async ({ caller }) => reply(200, orGone(await readProfile(database, caller.organizationId))),
  }),
  defineRoute({
    ...organization,
    method: 'patch',
    summary: 'Changes what is given and leaves the rest.',
    body: z
      .strictObject({
        name: organizationNameSchema.optional(),
        timezone: timezoneSchema.optional(),
        settings: settingsChangeSchema.optional(),
      })
      .refine((body) => Object.keys(body).length > 0, 'must change something'),
    answers,
    handle: async ({ caller: { organizationId, actor }, body }) =>
      reply(200, orGone(await changeProfile(database, organizationId, body, actor))),
  }),
];

/** The key was good a moment ago, so the organization has just been erased. */
function orGone<Profile>(profile: Profile | undefined): Profile {
  if (profile) return profile;
  throw new JackError('E_NOT_FOUND', 'The organization has been erased.');
}
