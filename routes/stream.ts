/** What happens, as it happens: streams of an organization and of one conversation, and who of the staff is there. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { findConversationId } from '../services/record/conversations.js';
import { orNotFound } from './leads.js';
import { authenticateOrganization, type OrganizationCaller } from './middleware/authenticate.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { leadIdSchema, personNameSchema } from './schemas.js';
import { type FeedStreamRequest, streamFeed } from './stream/feedStream.js';
import { lastEventIdSchema, presenceSchema, streamEventSchema } from './stream/schemas.js';

type Context = Pick<
  AppContext,
  'config' | 'database' | 'sessions' | 'feed' | 'presence' | 'clock' | 'logger'
>;

const organization = { access: 'organization', tag: 'Streams' } as const;
const byLead = z.object({ leadId: leadIdSchema });
const headers = z.object({ 'last-event-id': lastEventIdSchema.optional() });
const problems = ['E_NOT_FOUND', 'E_SHUTTING_DOWN'] as const;
const answers = {
  200: {
    description:
      'Server-sent events, until somebody ends it. The first is `ready`; or `reset` when what came after the given id is no longer kept, so that the reader has to look for itself. `presence` comes in streams of one conversation and has no id. All others are named by their `type`.',
    events: streamEventSchema,
  },
} as const;

export const streamRoutes = (ctx: Context): readonly Route[] => [
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/stream',
    summary: 'What happens in the organization, as it happens, without a gap.',
    headers,
    answers,
    problems,
    handle: async ({ caller, headers: { 'last-event-id': lastEventId } }) =>
      reply(200, streamBody(ctx, caller, { lastEventId })),
  }),
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/stream/conversation/{leadId}',
    summary: 'The same for one conversation, with who of the staff looks at it and who is writing.',
    params: byLead,
    headers,
    answers,
    problems,
    handle: async ({ caller, params, headers: { 'last-event-id': lastEventId } }) => {
      const { organizationId } = caller;
      const found = await findConversationId(ctx.database, organizationId, params.leadId);
      return reply(200, streamBody(ctx, caller, { lastEventId, conversationId: orNotFound(found) }));
    },
  }),
  defineRoute({
    ...organization,
    method: 'post',
    path: '/api/conversations/{leadId}/presence',
    summary:
      'Says that somebody looks at the conversation (for 20 s) and, with `typing`, whether they write (for 6 s).',
    params: byLead,
    body: z.strictObject({ name: personNameSchema, typing: z.boolean().optional() }),
    answers: { 200: { description: 'Who is there now.', schema: presenceSchema } },
    problems: ['E_NOT_FOUND'],
    handle: async ({ caller: { organizationId }, params, body }) => {
      const conversationId = orNotFound(
        await findConversationId(ctx.database, organizationId, params.leadId),
      );
      const { viewing, typing } = await ctx.presence.note(organizationId, conversationId, body);
      return reply(200, { viewing, typing });
    },
  }),
];

function streamBody(
  ctx: Context,
  { organizationId }: OrganizationCaller,
  at: Pick<FeedStreamRequest, 'lastEventId' | 'conversationId'>,
) {
  return (req: Request, res: Response): Promise<void> =>
    streamFeed(ctx, res, {
      ...at,
      organizationId,
      isAllowed: async () => {
        try {
          return (await authenticateOrganization(ctx, req)).organizationId === organizationId;
        } catch (error) {
          // Nothing but a refusal ends a stream: a record that is away for a moment says nothing about the credential.
          return !(error instanceof JackError && error.status < 500);
        }
      },
    });
}
