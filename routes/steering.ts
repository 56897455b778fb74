/** Who speaks in a conversation (a person takes over, gives it back, ends it with an opt-out), and what the assistant sees of it. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import type { ContextChange } from '../services/contextEdits.js';
import { optOutByStaff, readConversationHead, type Steered } from '../services/record/conversations.js';
import { release, takeOver } from '../services/record/ownership.js';
import type { LeadId, OrganizationId } from '../services/types.js';
import { orNotFound } from './leads.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { contextChangeSchema, conversationHeadSchema, leadIdSchema, personNameSchema } from './schemas.js';

type Context = Pick<AppContext, 'database' | 'secrets' | 'events' | 'turns' | 'state'>;

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
    summary: 'A person speaks from now on. A reply that has not been handed to the carrier no longer leaves.',
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
    summary:
      'Marks the shopper opted out, who said so elsewhere than in a text. What has not left is taken back, and nothing leaves from then on. Only the shopper lifts it, by texting START.',
    body: z
      .strictObject({
        words: z.string().trim().min(1).max(500).optional(),
        method: z.enum(['in_person', 'phone', 'email', 'letter', 'other']).optional(),
      })
      .optional(),
    handle: async ({ caller, params, body }) => {
      const at = { ...caller, ...params, ...body };
      return toReply(ctx, at, await optOutByStaff(ctx, at));
    },
  }),
  ...contextRoutes(ctx),
];

const contextChange = {
  ...steering,
  answers: { 200: { description: 'What the assistant no longer sees.', schema: contextChangeSchema } },
} as const;

const contextRoutes = (ctx: Context): readonly Route[] => [
  defineRoute({
    ...contextChange,
    path: '/api/conversations/{leadId}/retract',
    summary:
      "Takes the last message, or the last two, out of the assistant's context, with what it learned since. People still see them.",
    body: z.strictObject({ count: z.union([z.literal(1), z.literal(2)]) }),
    handle: async ({ caller: { organizationId, actor }, params: { leadId }, body }) => {
      const change = await ctx.state.retractLast(organizationId, { leadId, actor }, body.count);
      return await toChange(ctx, { organizationId, leadId }, change);
    },
  }),
  defineRoute({
    ...contextChange,
    path: '/api/conversations/{leadId}/reset',
    summary: 'The assistant begins anew, with no message and nothing learned. People still see everything.',
    handle: async ({ caller: { organizationId, actor }, params: { leadId } }) => {
      const change = await ctx.state.resetConversation(organizationId, { leadId, actor });
      return await toChange(ctx, { organizationId, leadId }, change);
    },
  }),
];

interface Place {
  readonly organizationId: OrganizationId;
  readonly leadId: LeadId;
}

async function toChange({ database, events, turns }: Context, at: Place, change: ContextChange | undefined) {
  const { conversationId, seqs } = orNotFound(change);
  events.publish({ type: 'conversation.changed', ...at, conversationId });
  // A reply that was being written has lost its claim, and may be due again.
  turns.wake();
  const head = orNotFound(await readConversationHead(database, at.organizationId, at.leadId));
  return reply(200, { ...head, retracted: seqs });
}

function toReply({ events }: Context, { organizationId, leadId }: Place, steered: Steered | undefined) {
  const { head, conversationId } = orNotFound(steered);
  events.publish({ type: 'conversation.changed', organizationId, conversationId, leadId });
  return reply(200, head);
}
