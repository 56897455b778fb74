/** Calls the API by its registry, so that every answer in every test is held against its documented schema. */
import { sql } from 'drizzle-orm';
import { apiRoutes } from '../../../routes/index.js';
import { LINES_TYPE } from '../../../routes/openapi/lines.js';
import type { Route } from '../../../routes/openapi/route.js';
import { PROBLEM_TYPE, type Problem } from '../../../routes/problem.js';
import { problemSchema } from '../../../routes/schemas.js';
import type { Database } from '../../../services/db/client.js';
import { newLeadId } from '../../../services/types.js';
import type { TestApp } from '../../support/buildApp.js';

export interface CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of `body`: sent as it is. */
  readonly rawBody?: string | Buffer;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallResult {
  readonly status: number;
  // Tests look at single fields of many shapes; the schema has been checked by then.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  readonly body: any;
  readonly headers: Headers;
}

export interface Client {
  readonly routes: readonly Route[];
  /** @param name `POST /api/leads/{leadId}`. @throws Error when the answer is not one that the route documents. */
  call(name: string, options?: CallOptions): Promise<CallResult>;
}

export const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string =>
  `${method.toUpperCase()} ${path}`;

export function createClient(jack: TestApp): Client {
  const routes = apiRoutes(jack.ctx, { rejected: 0 });
  return {
    routes,
    call: async (name, options = {}) => {
      const route = routes.find((candidate) => nameOf(candidate) === name);
      if (!route) throw new Error(`there is no route ${name}`);
      const response = await send(jack.url, route, options);
      const text = isStream(response) ? await endStream(response) : await response.text();
      const body = isFile(route, response) ? text : bodyOf(response, text);
      checkAnswer(route, response, body);
      return { status: response.status, body, headers: response.headers };
    },
  };
}

async function send(url: string, route: Route, options: CallOptions): Promise<Response> {
  const { params = {}, query, body, rawBody, key } = options;
  const path = route.path.replace(/\{(\w+)\}/g, (_braces, name: string) => params[name] ?? newLeadId());
  const search = query ? `?${new URLSearchParams(query).toString()}` : '';
  const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  return await fetch(`${url}${path}${search}`, {
    method: route.method.toUpperCase(),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
}

/** Lines become a list. */
function bodyOf(response: Response, text: string): unknown {
  if (response.headers.get('content-type') !== LINES_TYPE) {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

/** Of a type that the route documents. */
const isFile = (route: Route, response: Response): boolean =>
  route.answers[response.status]?.files?.includes(mediaTypeOf(response)) ?? false;

/** Without parameters. */
const mediaTypeOf = (response: Response): string =>
  (response.headers.get('content-type') ?? '').replace(/;.*/, '');

const isStream = (response: Response): boolean =>
  response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;

/** A stream has no end to wait for; that it began is the answer. */
async function endStream(response: Response): Promise<string> {
  await response.body?.cancel();
  return '';
}

function checkAnswer(route: Route, response: Response, body: unknown): void {
  const documented = route.answers[response.status];
  const isProblem = response.headers.get('content-type') === PROBLEM_TYPE;
  if (!documented && !isProblem) throw new Error(`${nameOf(route)} may not answer ${response.status}`);
  if (documented?.lines) {
    for (const line of body as unknown[]) documented.lines.parse(line);
    return;
  }
  if (documented?.files && !isFile(route, response))
    throw new Error('a file of a type that is not documented');
  if (documented && !documented.schema) return;
  (documented?.schema ?? problemSchema).parse(body);
  if (!documented) checkProblem(response, body as Problem);
}

function checkProblem(response: Response, problem: Problem): void {
  const { status, headers } = response;
  if (problem.status !== status) throw new Error(`status ${status} with a problem of ${problem.status}`);
  if (headers.get('x-request-id') !== problem.requestId) throw new Error('the request ids differ');
  if (status === 401 && !headers.has('www-authenticate')) throw new Error('a 401 without WWW-Authenticate');
  if (status >= 500 && 'detail' in problem) throw new Error('a 5xx tells what failed inside');
}

/** Changes when anything that callers can change does; the noted use of keys is not among it. */
export async function fingerprint(database: Database): Promise<string> {
  const tables = [
    'organizations',
    'phone_numbers',
    'leads',
    'conversations',
    'messages',
    'archived_messages',
    'outbox',
    'gate_decisions',
    'consent_events',
    'inquiries',
    'lead_documents',
    'follow_ups',
    'voice_calls',
    'quarantine',
    'staff_alerts',
    'webhook_secrets',
    'audit',
  ];
  const parts = tables.map(
    (table) => `(select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]') from ${table} t)`,
  );
  const keys = `(select coalesce(jsonb_agg(id order by id), '[]') from api_keys)`;
  const [row] = await database.query<{ print: string }>(
    sql.raw(`select md5(concat_ws('/', ${[...parts, keys].join(', ')})) as print`),
  );
  if (!row) throw new Error('no fingerprint');
  return row.print;
}
