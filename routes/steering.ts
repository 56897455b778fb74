/** Who speaks in a conversation: a person takes over, gives it back, or ends it with an opt-out. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { optOutByStaff, release, type Steered, takeOver } from '../services/record/conversations.js';
import type { LeadId, OrganizationId } from '../services/types.js';
import { orNotFound } from './leads.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { conversationHeadSchema, leadIdSchema, personNameSchema } from './schemas.js';

type Context = Pick<AppContext, 'database' | 'secrets' | 'events' | 'turns'>;

const steering = {
  access: 'organization',
  tag: 'Conversations',
  method: 'post',
  params: z.object({ leadId: leadIdSchema }),
  answers: { 200: { description: 'Who speaks now.', schema: conversationHeadSchema } },
  problems: ['E_NOT_FOUND'],
} as const;

export const steeringRoutes = (ctx: Context): readonly Route[] => [
  defineRoute({
    ...steering,
    path: '/api/conversations/{leadId}/takeover',
    summary: 'A person speaks from now on. A reply that the assistant has not committed no longer leaves.',
    body: z.strictObject({ name: personNameSchema }),
    handle: async ({ caller, params, body }) => {
      const at = { ...caller, ...params, ownerName: body.name };
      return toReply(ctx, at, await takeOver(ctx.database, at));
    },
  }),
  defineRoute({
    ...steering,
    path: '/api/conversations/{leadId}/release',
    summary: 'The assistant speaks again, at once when a text of the shopper has no answer yet.',
    handle: async ({ caller, params }) => {
      const at = { ...caller, ...params };
      const reply = toReply(ctx, at, await release(ctx.database, at));
      ctx.turns.wake();
      return reply;
    },
  }),
  defineRoute({
    ...steering,
    path: '/api/conversations/{leadId}/opt-out',
    summary: 'Marks the shopper opted out. What has not left is taken back, and nothing leaves from then on.',
    handle: async ({ caller, params }) => {
      const at = { ...caller, ...params };
      return toReply(ctx, at, await optOutByStaff(ctx, at));
    },
  }),
];

function toReply(
  { events }: Context,
  { organizationId, leadId }: { readonly organizationId: OrganizationId; readonly leadId: LeadId },
  steered: Steered | undefined,
) {
  const { head, conversationId } = orNotFound(steered);
  events.publish({ type: 'conversation.changed', organizationId, conversationId, leadId });
  return reply(200, head);
}
