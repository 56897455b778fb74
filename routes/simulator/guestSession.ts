/**
 * Who this browser texts as, and whom: a guest session, which is one handset at one dealership. The record keeps it, so
 * the page finds its conversation again after a reload, and whatever became of Redis meanwhile.
 */
import express, { type RequestHandler, type Response, type Router } from 'express';
import type { AppContext } from '../../services/context.js';
import type { Session } from '../../services/types.js';
import { readSessionCookie, sessionCookie } from '../middleware/sessionCookie.js';
import { handsetBody, parseInput } from './input.js';

export type GuestContext = Pick<AppContext, 'config' | 'secrets' | 'sessions'>;

export function createGuestSession(ctx: GuestContext, json: RequestHandler): Router {
  const { config, secrets, sessions } = ctx;
  const router = express.Router();
  const find = async (req: express.Request): Promise<Session | undefined> => {
    const token = readSessionCookie(req, 'guest', config.publicUrl);
    return token === undefined ? undefined : await sessions.get(token, 'guest');
  };
  const setCookie = (res: Response, token: string): void => {
    const ttlMs = sessions.cookieTtlMs('guest');
    res.set('Set-Cookie', sessionCookie('guest', config.publicUrl, { token, ttlMs }));
  };

  router.get('/', async (req, res) => {
    const session = await find(req);
    const token = readSessionCookie(req, 'guest', config.publicUrl);
    // The browser's copy lives as long as the session from here on.
    if (session && token !== undefined) setCookie(res, token);
    res.json(toHandset(session));
  });
  router.post('/', json, async (req, res) => {
    const { organizationId, phone } = parseInput(handsetBody, req.body, 'body');
    const before = await find(req);
    if (before?.organizationId === organizationId && before.data.phone === phone) {
      res.json(toHandset(before));
      return;
    }
    const userId = secrets.hashPhone(organizationId, phone);
    const guest = { kind: 'guest', userId, apiKeyId: null, data: { phone } } as const;
    const { token, session } = await sessions.create(organizationId, guest);
    if (before) await sessions.destroy(before);
    setCookie(res, token);
    res.status(201).json(toHandset(session));
  });
  return router;
}

const toHandset = (session: Session | undefined) => ({
  organizationId: session?.organizationId ?? null,
  phone: session?.data.phone ?? null,
});
