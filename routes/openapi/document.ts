/** The OpenAPI 3.1 document, made of the routes that express serves. */
import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import type { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../services/errors.js';
import { cookieName } from '../middleware/sessionCookie.js';
import { PROBLEM_TYPE } from '../problem.js';
import { problemSchema } from '../schemas.js';
import { EVENTS_TYPE } from './events.js';
import { LINES_TYPE } from './lines.js';
import type { Access, Route } from './route.js';

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;

export interface DocumentOptions {
  readonly version: string;
  readonly publicUrl: string | undefined;
  /** Operations whose bodies are not JSON, written by hand beside their handler. */
  readonly others: readonly RouteConfig[];
}

const SECURITY: Readonly<Record<Access, { [scheme: string]: string[] }[]>> = {
  open: [],
  administrator: [{ administratorKey: [] }],
  organization: [{ organizationKey: [] }, { staffSession: [] }],
  session: [{ staffSession: [] }],
  visitor: [],
};

export function createDocument(routes: readonly Route[], options: DocumentOptions): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  const bearer = { type: 'http', scheme: 'bearer' } as const;
  registry.registerComponent('securitySchemes', 'administratorKey', {
    ...bearer,
    description: 'ADMIN_API_KEY of the deployment.',
  });
  registry.registerComponent('securitySchemes', 'organizationKey', {
    ...bearer,
    description: 'An API key of the organization: it alone says whose data a call is about.',
  });
  registry.registerComponent('securitySchemes', 'staffSession', {
    type: 'apiKey',
    in: 'cookie',
    name: cookieName('staff', options.publicUrl),
    description: 'The session of POST /api/session, for pages of this server.',
  });
  registry.registerComponent('securitySchemes', 'metricsToken', { ...bearer, description: 'METRICS_TOKEN.' });
  for (const route of routes) registry.registerPath(toConfig(route));
  for (const other of options.others) registry.registerPath(other);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Jack',
      version: options.version,
      description:
        'SMS assistant for car dealerships. Errors are application/problem+json with a stable code.',
    },
    servers: [{ url: options.publicUrl ?? '/' }],
  });
}

function toConfig(route: Route): RouteConfig {
  const { method, path, tag, summary, params, query, headers, body, documents, access } = route;
  return {
    method,
    path,
    summary,
    tags: [tag],
    operationId: operationIdOf(route),
    security: SECURITY[access],
    request: {
      ...(params ? { params: params as z.ZodObject } : {}),
      ...(query ? { query: query as z.ZodObject } : {}),
      ...(headers ? { headers: headers as z.ZodObject } : {}),
      ...(body
        ? {
            body: {
              required: !body.safeParse(undefined).success,
              content: { 'application/json': { schema: body } },
            },
          }
        : {}),
      ...(documents ? { body: { required: true, content: contentOf(documents) } } : {}),
    },
    responses: { ...answersOf(route), ...problemResponses(problemsOf(route)) },
  };
}

const contentOf = (documents: NonNullable<Route['documents']>) =>
  Object.fromEntries(Object.entries(documents).map(([type, schema]) => [type, { schema }]));

/** `get /api/leads/{leadId}` → `getApiLeadsLeadId`. */
const operationIdOf = ({ method, path }: Route): string =>
  method + path.replace(/[^A-Za-z]+([A-Za-z]?)/g, (_run, first: string) => first.toUpperCase());

const answersOf = ({ answers }: Route): RouteConfig['responses'] =>
  Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, lines, events, files }]) => [
      status,
      {
        description,
        ...(schema ? { content: { 'application/json': { schema } } } : {}),
        ...(lines ? { content: { [LINES_TYPE]: { schema: lines } } } : {}),
        ...(events ? { content: { [EVENTS_TYPE]: { schema: events } } } : {}),
        ...(files ? { content: contentOfFiles(files) } : {}),
      },
    ]),
  );

/** JSON Schema has no word for bytes: a media type without a schema is how OpenAPI 3.1 says it. */
const contentOfFiles = (types: readonly string[]) => Object.fromEntries(types.map((type) => [type, {}]));

/** Every code that a call may answer with. */
export function problemsOf(route: Route): readonly ErrorCode[] {
  const codes: ErrorCode[] = [...(route.problems ?? [])];
  if (route.access !== 'open') {
    codes.push('E_UNAUTHENTICATED', 'E_RATE_LIMITED', 'E_DB_UNAVAILABLE', 'E_INTERNAL');
  }
  const isByCookie = route.access === 'organization' || route.access === 'session';
  if (route.access === 'visitor' || (isByCookie && route.method !== 'get')) codes.push('E_CROSS_SITE');
  if (route.params ?? route.query ?? route.headers ?? route.body) codes.push('E_INPUT_INVALID');
  if (route.body ?? route.documents) codes.push('E_BODY_TOO_LARGE', 'E_MEDIA_TYPE');
  return [...new Set(codes)];
}

/** One response a status, which names its codes. */
export function problemResponses(codes: readonly ErrorCode[]): RouteConfig['responses'] {
  const responses: RouteConfig['responses'] = {};
  for (const status of new Set(codes.map((code) => ERRORS[code].status))) {
    const named = codes.filter((code) => ERRORS[code].status === status);
    responses[String(status)] = {
      description: named.map((code) => `\`${code}\` ${ERRORS[code].title}`).join('. '),
      content: { [PROBLEM_TYPE]: { schema: problemSchema } },
    };
  }
  return responses;
}
