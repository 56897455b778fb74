/** The inbox, one conversation, and saying something in it. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { findConversationId } from '../services/record/conversations.js';
import { cursorSchema, toListAnswer } from './cursor.js';
import { orNotFound } from './leads.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import {
  conversationSchema,
  inboxItemSchema,
  leadIdSchema,
  limitSchema,
  listOf,
  messageSchema,
  wholeNumber,
  yesNoSchema,
} from './schemas.js';

type Context = Pick<AppContext, 'database' | 'door' | 'archive'>;

const organization = { access: 'organization', tag: 'Conversations' } as const;
const byLead = z.object({ leadId: leadIdSchema });
const MAX_BODY_LENGTH = 1600;

export const conversationRoutes = (ctx: Context): readonly Route[] => [
  inboxRoute(ctx),
  detailRoute(ctx),
  exportRoute(ctx),
  sendRoute(ctx),
];

const inboxRoute = ({ archive }: Context): Route =>
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/conversations',
    summary: 'The inbox, newest first.',
    query: z.strictObject({
      limit: limitSchema(20),
      cursor: cursorSchema('conversations').optional(),
      owner: z.enum(['assistant', 'human']).optional(),
      optedOut: yesNoSchema.optional(),
      waiting: z
        .literal('true')
        .optional()
        .meta({ description: "Only conversations whose last word is the shopper's." }),
      archived: yesNoSchema.optional(),
    }),
    answers: { 200: { description: 'A page.', schema: listOf(inboxItemSchema, 'Inbox') } },
    handle: async ({ caller, query: { cursor, waiting, ...query } }) => {
      const request = { ...query, after: cursor, isWaiting: waiting === 'true' };
      const page = await archive.listConversations(caller.organizationId, request);
      return reply(200, toListAnswer('conversations', page));
    },
  });

const detailRoute = ({ archive }: Context): Route =>
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/conversations/{leadId}',
    summary: 'A conversation with its last messages, or those before one; oldest first.',
    params: byLead,
    query: z.strictObject({
      limit: limitSchema(50),
      before: wholeNumber(1, 999_999_999)
        .optional()
        .meta({ type: 'integer', description: 'A seq: only messages before it.' }),
    }),
    answers: { 200: { description: 'The conversation.', schema: conversationSchema } },
    problems: ['E_NOT_FOUND', 'E_ARCHIVE_DAMAGED'],
    handle: async ({ caller, params, query: { before, limit } }) => {
      const page = { before, limit };
      const found = await archive.readConversation(caller.organizationId, params.leadId, page);
      return reply(200, orNotFound(found));
    },
  });

const exportRoute = ({ archive }: Context): Route =>
  defineRoute({
    ...organization,
    method: 'get',
    path: '/api/conversations/{leadId}/export',
    summary: 'All messages of a conversation, archived ones too, oldest first, one a line.',
    params: byLead,
    answers: { 200: { description: 'Lines of JSON.', lines: messageSchema } },
    problems: ['E_NOT_FOUND', 'E_ARCHIVE_DAMAGED'],
    handle: async ({ caller, params }) =>
      reply(200, orNotFound(await archive.exportMessages(caller.organizationId, params.leadId))),
  });

const sendRoute = ({ database, door }: Context): Route =>
  defineRoute({
    ...organization,
    method: 'post',
    path: '/api/conversations/{leadId}/messages',
    summary: 'Sends a text to the shopper, if the outbound door allows it.',
    params: byLead,
    body: z.strictObject({
      body: z
        .string()
        .max(MAX_BODY_LENGTH)
        .refine((text) => text.trim() !== '', 'must not be empty'),
      override: z.boolean().default(false).meta({
        description:
          "Send although it is quiet hours where the shopper may be; an answer within 12 hours of the shopper's text needs it not.",
      }),
    }),
    answers: {
      202: { description: 'Stored and on its way.', schema: z.strictObject({ message: messageSchema }) },
    },
    problems: [
      'E_NOT_FOUND',
      'E_OPTED_OUT',
      'E_NOT_TEXTABLE',
      'E_CONFLICT',
      'E_QUIET_HOURS',
      'E_NOT_REGISTERED',
      'E_TEXT_TOO_LONG',
      'E_SENDING_OFF',
    ],
    handle: async ({ caller: { organizationId, actor }, params, body }) => {
      const conversationId = orNotFound(await findConversationId(database, organizationId, params.leadId));
      const result = await door.submit({
        organizationId,
        conversationId,
        origin: 'staff',
        staffName: actor,
        body: body.body,
        ignoresQuietHours: body.override,
      });
      if (result.allowed) return reply(202, { message: result.message });
      const again = result.retryAt === undefined ? '' : ` It may be from ${result.retryAt} on.`;
      throw new JackError(result.code, `The text was not sent: ${result.reason}.${again}`);
    },
  });
