/** Puts routes into express: credential, then body, then input, then the handler. */
import express, { type IRouter, type Request, type RequestHandler, type Response } from 'express';
import type { z } from 'zod';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import {
  authenticateAdministrator,
  authenticateOrganization,
  authenticateSession,
  meetVisitor,
} from '../middleware/authenticate.js';
import { countFailures, limitCaller } from '../middleware/rateLimit.js';
import { sendEvents } from './events.js';
import { type FileBody, sendFile } from './file.js';
import { parseInput } from './input.js';
import { sendLines } from './lines.js';
import type { Access, EventsBody, PostedDocument, Route } from './route.js';

type Context = Pick<AppContext, 'config' | 'database' | 'logger' | 'limits' | 'sessions'>;

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
  const parseBytes = parseDocument(route);
  return async (req, res) => {
    const caller = await authenticate[route.access](ctx, req, res);
    const params = route.params && parseInput(route.params, req.params, 'path');
    const query = route.query && parseInput(route.query, req.query, 'query');
    const body =
      route.body && parseInput(route.body, await readBody(route.body, req, res, parseJson), 'body');
    const headers = route.headers && parseInput(route.headers, req.headers, 'header');
    const document = route.documents
      ? await readDocument(req, res, Object.keys(route.documents), parseBytes)
      : NO_DOCUMENT;
    const handle = () => route.handle({ caller, params, query, headers, body, document });
    // An open route that looks at a secret or a signature itself is no place to guess at.
    const reply = route.access === 'open' ? await countFailures(ctx, { req, res }, handle) : await handle();
    res
      .set('Cache-Control', 'no-store')
      .set(reply.headers ?? {})
      .status(reply.status);
    if (route.answers[reply.status]?.lines) await sendLines(res, reply.body as AsyncIterable<unknown>);
    else if (route.answers[reply.status]?.events) await sendEvents(req, res, reply.body as EventsBody);
    else if (route.answers[reply.status]?.files) sendFile(res, reply.body as FileBody);
    else if (reply.body === undefined) res.end();
    else res.json(reply.body);
  };
}

const authenticate = {
  open: async () => undefined,
  visitor: async (ctx: Context, req: Request) => meetVisitor(ctx, req),
  administrator: async (ctx: Context, req: Request, res: Response) =>
    await countFailures(ctx, { req, res }, async () => authenticateAdministrator(ctx, req)),
  organization: async (ctx: Context, req: Request, res: Response) => {
    const caller = await countFailures(ctx, { req, res }, () => authenticateOrganization(ctx, req));
    await limitCaller(ctx, res, caller);
    return caller;
  },
  session: async (ctx: Context, req: Request, res: Response) => {
    const caller = await countFailures(ctx, { req, res }, () => authenticateSession(ctx, req));
    await limitCaller(ctx, res, caller);
    return caller;
  },
} satisfies Record<Access, (ctx: Context, req: Request, res: Response) => Promise<unknown>>;

/** A body that may be left out may be left out with its content type. */
async function readBody(
  schema: z.ZodType,
  req: Request,
  res: Response,
  parseJson: RequestHandler,
): Promise<unknown> {
  const isEmpty =
    req.headers['transfer-encoding'] === undefined && Number(req.get('content-length') ?? 0) === 0;
  if (isEmpty && schema.safeParse(undefined).success) return undefined;
  return await readJson(req, res, parseJson);
}

/** After the credential: nobody without one makes us read a body. */
async function readJson(req: Request, res: Response, parseJson: RequestHandler): Promise<unknown> {
  if (!req.is('application/json')) {
    throw new JackError('E_MEDIA_TYPE', 'This call takes a body of type application/json.');
  }
  await parsed(parseJson, req, res);
  return req.body as unknown;
}

const NO_DOCUMENT: PostedDocument = { contentType: undefined, bytes: Buffer.alloc(0) };
const parseDocument = ({ documentLimit = JSON_LIMIT }: Route): RequestHandler =>
  express.raw({ limit: documentLimit, type: () => true });

/** As it came. Without a content type it is whatever it turns out to be. */
async function readDocument(
  req: Request,
  res: Response,
  types: readonly string[],
  parseBytes: RequestHandler,
): Promise<PostedDocument> {
  const contentType = req.get('content-type');
  if (contentType !== undefined && req.is([...types]) === false) {
    throw new JackError('E_MEDIA_TYPE', `This call takes ${types.join(', ')}.`);
  }
  await parsed(parseBytes, req, res);
  return { contentType, bytes: Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0) };
}

const parsed = (parse: RequestHandler, req: Request, res: Response): Promise<void> =>
  new Promise<void>((resolve, reject) => {
    parse(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
