/** Staff log in with a name and an API key of their organization, and see and end their sessions. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import type { Session } from '../services/types.js';
import { proveApiKey } from './middleware/authenticate.js';
import { endedSessionCookie, sessionCookie } from './middleware/sessionCookie.js';
import { defineRoute, type ReplyHeaders, type Route, reply } from './openapi/route.js';
import { listOf, organizationIdSchema, personNameSchema } from './schemas.js';

type Context = Pick<AppContext, 'config' | 'database' | 'logger' | 'sessions'>;

const time = z.iso.datetime();
const sessionSchema = z
  .strictObject({
    id: z.uuid(),
    organizationId: organizationIdSchema,
    name: z.string().meta({ description: 'As it was given at the log-in.' }),
    isCurrent: z.boolean().meta({ description: 'Whether it is the one that asks.' }),
    createdAt: time,
    lastSeenAt: time.meta({ description: 'To a minute.' }),
    expiresAt: time.meta({ description: 'Without further use.' }),
  })
  .meta({ id: 'Session' });

const staff = { tag: 'Sessions' } as const;
const iso = (ms: number): string => new Date(ms).toISOString();

const toAnswer = (session: Session, currentId: string) => ({
  id: session.id,
  organizationId: session.organizationId,
  name: session.userId,
  isCurrent: session.id === currentId,
  createdAt: iso(session.createdAtMs),
  lastSeenAt: iso(session.lastSeenAtMs),
  expiresAt: iso(session.expiresAtMs),
});

export const sessionRoutes = (ctx: Context): readonly Route[] => [
  logInRoute(ctx),
  currentRoute(),
  logOutRoute(ctx),
  listRoute(ctx),
  endAllRoute(ctx),
];

const logInRoute = (ctx: Context): Route =>
  defineRoute({
    ...staff,
    access: 'visitor',
    method: 'post',
    path: '/api/session',
    summary:
      'Logs in: a session of 7 days, over after 12 hours without use. Its token is in the cookie only.',
    body: z.strictObject({ name: personNameSchema, apiKey: z.string().min(1).max(500) }),
    answers: { 201: { description: 'Logged in; the cookie is set.', schema: sessionSchema } },
    handle: async ({ caller, body: { name, apiKey } }) => {
      const { id: apiKeyId, organizationId, prefix } = await proveApiKey(ctx, apiKey);
      // The one that this browser had is not left open behind the new one.
      const before = caller.token === undefined ? undefined : await ctx.sessions.get(caller.token, 'staff');
      const { token, session } = await ctx.sessions.create(organizationId, {
        kind: 'staff',
        userId: name,
        apiKeyId,
        actor: `key:${prefix}`,
      });
      if (before) await ctx.sessions.destroy(before);
      const ttlMs = ctx.sessions.cookieTtlMs('staff');
      const setCookie = sessionCookie('staff', ctx.config.publicUrl, { token, ttlMs });
      return reply(201, toAnswer(session, session.id), { 'Set-Cookie': setCookie });
    },
  });

const currentRoute = (): Route =>
  defineRoute({
    ...staff,
    access: 'session',
    method: 'get',
    path: '/api/session',
    summary: 'The session that the cookie carries.',
    answers: { 200: { description: 'It is live.', schema: sessionSchema } },
    handle: async ({ caller: { session } }) => reply(200, toAnswer(session, session.id)),
  });

const logOutRoute = (ctx: Context): Route =>
  defineRoute({
    ...staff,
    access: 'session',
    method: 'delete',
    path: '/api/session',
    summary: 'Logs out.',
    answers: { 204: { description: 'The session is over, and the cookie is taken back.' } },
    handle: async ({ caller: { session } }) => {
      await ctx.sessions.destroy(session);
      return reply(204, undefined, forgetCookie(ctx));
    },
  });

const listRoute = ({ sessions }: Context): Route =>
  defineRoute({
    ...staff,
    access: 'session',
    method: 'get',
    path: '/api/sessions',
    summary: 'Live sessions of the same name and API key, the one used last first.',
    answers: { 200: { description: 'All of them.', schema: listOf(sessionSchema, 'SessionList') } },
    handle: async ({ caller: { session, organizationId } }) => {
      const found = await sessions.listOfUser(organizationId, session);
      return reply(200, { items: found.map((one) => toAnswer(one, session.id)), nextCursor: null });
    },
  });

const endAllRoute = (ctx: Context): Route =>
  defineRoute({
    ...staff,
    access: 'session',
    method: 'delete',
    path: '/api/sessions',
    summary: 'Ends all sessions of the same name and API key, this one too.',
    answers: {
      200: { description: 'They are over.', schema: z.strictObject({ ended: z.int().min(0) }) },
    },
    handle: async ({ caller: { session, organizationId } }) => {
      const ended = await ctx.sessions.endAllOfUser(organizationId, session);
      return reply(200, { ended }, forgetCookie(ctx));
    },
  });

const forgetCookie = ({ config }: Context): ReplyHeaders => ({
  'Set-Cookie': endedSessionCookie('staff', config.publicUrl),
});
