/** The administrator's hand on the cached state: emptying it, and forcing the Map. */
import { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { writeAudit } from '../../services/record/audit.js';
import { readProfile } from '../../services/record/organizations.js';
import { defineRoute, type Route, reply } from '../openapi/route.js';
import { organizationIdSchema } from '../schemas.js';
import { notFound } from './organizations.js';

type Context = Pick<AppContext, 'database' | 'state'>;

const administrator = { access: 'administrator', tag: 'Administrator' } as const;

export const cacheModeSchema = z
  .enum(['redis', 'memory', 'unavailable'])
  .meta({ description: 'Where state is served from now.' });

export const cacheAdminRoutes = ({ database, state }: Context): readonly Route[] => [
  defineRoute({
    ...administrator,
    method: 'post',
    path: '/api/admin/organizations/{organizationId}/cache/clear',
    summary:
      'Empties the cached state of one organization. Nothing is lost: it is read from the record again.',
    params: z.object({ organizationId: organizationIdSchema }),
    answers: {
      200: {
        description: 'How many values there were.',
        schema: z.strictObject({ cleared: z.int().min(0) }),
      },
    },
    problems: ['E_NOT_FOUND', 'E_CACHE_UNAVAILABLE'],
    handle: async ({ params: { organizationId }, caller: { actor } }) => {
      if (!(await readProfile(database, organizationId))) throw notFound();
      const cleared = await state.clearOrganization(organizationId);
      const entry = { organizationId, actor, action: 'cache.clear', subject: organizationId };
      await writeAudit(database.orm, { ...entry, details: { cleared } });
      return reply(200, { cleared });
    },
  }),
  defineRoute({
    ...administrator,
    method: 'post',
    path: '/api/admin/cache/fallback',
    summary: 'Serves state from memory although Redis answers, until called with false.',
    body: z.strictObject({ forced: z.boolean() }),
    answers: {
      200: { description: 'The mode now in force.', schema: z.strictObject({ mode: cacheModeSchema }) },
    },
    handle: async ({ body: { forced }, caller: { actor } }) => {
      const mode = await state.setForced(forced);
      const entry = { organizationId: '*', actor, action: 'cache.fallback', subject: 'cache' } as const;
      await writeAudit(database.orm, { ...entry, details: { forced, mode } });
      return reply(200, { mode });
    },
  }),
];
