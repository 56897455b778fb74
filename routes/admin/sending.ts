/** Why an organization's texts do not go out, and the administrator's word that it is mended. */
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import { readProfile } from '../../services/record/organizations.js';
import { type Hold, liftHolds, listHolds } from '../../services/record/sendingHolds.js';
import { defineRoute, type Route, reply } from '../openapi/route.js';
import { organizationIdSchema } from '../schemas.js';

type Context = Pick<AppContext, 'database'>;

const administrator = { access: 'administrator', tag: 'Administrator' } as const;
const BASE = '/api/admin/organizations/{organizationId}/sending';
const byId = z.object({ organizationId: organizationIdSchema });
const time = z.iso.datetime();

const kindSchema = z.enum(['credentials', 'registration', 'slow', 'daily_cap']);
const holdSchema = z
  .strictObject({
    kind: kindSchema,
    scope: z.enum(['all', 'us']).meta({ description: '`us`: only texts to the United States.' }),
    code: z.int().meta({ description: "The carrier's error code." }),
    since: time,
    heldUntil: time.nullable().meta({
      description: 'Null: until it is resumed here or, for `credentials`, until these are others.',
    }),
  })
  .meta({ id: 'SendingHold' });

export const sendingAdminRoutes = (ctx: Context): readonly Route[] => [listRoute(ctx), resumeRoute(ctx)];

const listRoute = ({ database }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'get',
    path: BASE,
    summary: 'What holds back texts of an organization: errors of the carrier that concern all of them.',
    params: byId,
    answers: {
      200: { description: 'The holds in force.', schema: z.strictObject({ holds: z.array(holdSchema) }) },
    },
    problems: ['E_NOT_FOUND'],
    handle: async ({ params: { organizationId } }) => {
      await expectOrganization(database, organizationId);
      const holds: Hold[] = await listHolds(database, organizationId);
      return reply(200, { holds });
    },
  });

const resumeRoute = ({ database }: Context): Route =>
  defineRoute({
    ...administrator,
    method: 'post',
    path: `${BASE}/resume`,
    summary:
      'Says that it is mended: what waits goes out, and what the carrier still refuses holds it back again.',
    params: byId,
    answers: {
      200: {
        description: 'The holds that were lifted.',
        schema: z.strictObject({ lifted: z.array(kindSchema) }),
      },
    },
    problems: ['E_NOT_FOUND'],
    handle: async ({ params: { organizationId }, caller }) => {
      await expectOrganization(database, organizationId);
      const lifted = await liftHolds(database, organizationId, caller.actor);
      return reply(200, { lifted: [...lifted] });
    },
  });

async function expectOrganization(
  database: AppContext['database'],
  organizationId: z.output<typeof organizationIdSchema>,
): Promise<void> {
  if (await readProfile(database, organizationId)) return;
  throw new JackError('E_NOT_FOUND', 'There is no such organization.');
}
