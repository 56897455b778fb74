/** What an inbox polls for. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { orNotFound } from './leads.js';
import { defineRoute, type Route, reply } from './openapi/route.js';

const count = z.int().min(0);
const time = z.iso.datetime();

const liveViewSchema = z
  .strictObject({
    asOf: time.meta({ description: 'When it was counted: up to 10 seconds ago.' }),
    open: count.meta({ description: 'Conversations that are not in the archive.' }),
    waitingForPerson: count.meta({
      description: 'A person speaks in them, and the shopper had the last word.',
    }),
    waitingForAssistant: count.meta({ description: 'The assistant owes a reply.' }),
    optedOut: count,
    newestAt: time.nullable(),
    newest: z
      .array(
        z.strictObject({
          leadId: z.uuid(),
          owner: z.enum(['assistant', 'human']),
          lastSeq: count,
          lastMessageAt: time,
        }),
      )
      .readonly()
      .meta({ description: 'Ten at most.' }),
  })
  .meta({ id: 'LiveView' });

export const liveRoutes = ({ state }: Pick<AppContext, 'state'>): readonly Route[] => [
  defineRoute({
    access: 'organization',
    tag: 'Organization',
    method: 'get',
    path: '/api/organization/live',
    summary:
      'Counts and newest conversations at a glance, up to 10 seconds old however often it is asked for.',
    answers: { 200: { description: 'The conversations as of `asOf`.', schema: liveViewSchema } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller }) => reply(200, orNotFound(await state.getLiveView(caller.organizationId))),
  }),
];
