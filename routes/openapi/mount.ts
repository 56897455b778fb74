/** Puts routes into express: credential, then body, then input, then the handler. */
import express, { type IRouter, type Request, type RequestHandler, type Response } from 'express';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import { authenticateAdministrator, authenticateOrganization } from '../middleware/authenticate.js';
import { parseInput } from './input.js';
import type { Access, Route } from './route.js';

type Context = Pick<AppContext, 'config' | 'database' | 'logger'>;

const JSON_LIMIT = '256kb';

export function mountRoutes(router: IRouter, routes: readonly Route[], ctx: Context): void {
  const parseJson = express.json({ limit: JSON_LIMIT });
  for (const route of routes) {
    router[route.method](toExpressPath(route.path), answer(route, ctx, parseJson));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method);
    router.all(toExpressPath(path), refuseMethod(methods));
  }
}

const toExpressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

/** For a path whose offered methods have been tried. */
export function refuseMethod(methods: readonly string[]): RequestHandler {
  const allow = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
  return (req, res) => {
    res.set('Allow', allow.join(', '));
    if (req.method !== 'OPTIONS') {
      throw new JackError('E_METHOD_NOT_ALLOWED', `This path offers ${allow.join(', ')}.`);
    }
    res.status(204).end();
  };
}

function answer(route: Route, ctx: Context, parseJson: RequestHandler): RequestHandler {
  return async (req, res) => {
    const caller = await authenticate[route.access](ctx, req);
    const params = route.params && parseInput(route.params, req.params, 'path');
    const query = route.query && parseInput(route.query, req.query, 'query');
    const body = route.body && parseInput(route.body, await readJson(req, res, parseJson), 'body');
    const reply = await route.handle({ caller, params, query, body });
    res.set('Cache-Control', 'no-store').status(reply.status);
    if (reply.body === undefined) res.end();
    else res.json(reply.body);
  };
}

const authenticate = {
  open: async () => undefined,
  administrator: async (ctx: Context, req: Request) => authenticateAdministrator(ctx, req),
  organization: authenticateOrganization,
} satisfies Record<Access, (ctx: Context, req: Request) => Promise<unknown>>;

/** After the credential: nobody without one makes us read a body. */
async function readJson(req: Request, res: Response, parseJson: RequestHandler): Promise<unknown> {
  if (!req.is('application/json')) {
    throw new JackError('E_MEDIA_TYPE', 'This call takes a body of type application/json.');
  }
  await new Promise<void>((resolve, reject) => {
    parseJson(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
  return req.body as unknown;
}
