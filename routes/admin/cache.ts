/** The administrator's hand on the cached state: emptying it, and forcing the Map. */
import { z } from 'zod';
import { fallbackValueSchema } from '../../redis-migration.js';
import type { AppContext } from '../../services/context.js';
import { writeAudit } from '../../services/record/audit.js';
import { readProfile } from '../../services/record/organizations.js';
import { defineRoute, type Route, reply } from '../openapi/route.js';
import { organizationIdSchema } from '../schemas.js';
import { notFound } from './organizations.js';

type Context = Pick<AppContext, 'database' | 'state'>;

/** Of some 5 kB each in base64, with conversations of 50 messages: a body holds 256 kB. */
const MAX_ITEMS = 25;
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
  defineRoute({
    ...administrator,
    method: 'get',
    path: '/api/admin/cache/fallback/values',
    summary:
      'What the Map holds for Redis, to be saved before a restart in an outage. It holds texts of shoppers.',
    answers: { 200: { description: 'Lines of JSON, one value each.', lines: fallbackValueSchema } },
    handle: async ({ caller: { actor } }) => {
      await writeAudit(database.orm, { ...EVERYBODY, actor, action: 'cache.export', details: {} });
      return reply(200, asLines(state.exportFallback()));
    },
  }),
  defineRoute({
    ...administrator,
    method: 'post',
    path: '/api/admin/cache/fallback/values',
    summary:
      'Takes such values in again. One that is older than the record costs a read of the record and nothing else.',
    body: z.strictObject({ items: z.array(fallbackValueSchema).min(1).max(MAX_ITEMS) }),
    answers: {
      200: { description: 'How many were taken in.', schema: z.strictObject({ taken: z.int().min(0) }) },
    },
    handle: async ({ body: { items }, caller: { actor } }) => {
      state.importFallback(items);
      const taken = items.length;
      await writeAudit(database.orm, { ...EVERYBODY, actor, action: 'cache.import', details: { taken } });
      return reply(200, { taken });
    },
  }),
];

const EVERYBODY = { organizationId: '*', subject: 'cache' } as const;

async function* asLines<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}
