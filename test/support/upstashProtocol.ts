/** One request of Upstash's documented REST protocol, executed on a real Redis. */
import type { IncomingHttpHeaders } from 'node:http';
import { type Redis, ReplyError } from 'ioredis';

export interface RestRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface BridgeAnswer {
  readonly status: number;
  /** JSON. */
  readonly text: string;
}

type Argument = string | Buffer;
type Command = readonly [string, ...Argument[]];
type Outcome = { readonly result: unknown } | { readonly error: string };

/** Commands that occupy a connection or change its state, which an exchange has none of. */
const NEEDS_A_CONNECTION =
  /^(P?SUBSCRIBE|P?UNSUBSCRIBE|MONITOR|MULTI|EXEC|DISCARD|WATCH|UNWATCH|SELECT|AUTH|HELLO|RESET|QUIT|CLIENT|BL?R?POP|BLMOVE|BZPOP\w+|WAIT)$/i;

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function answerRequest(
  request: RestRequest,
  token: string,
  redis: Redis,
): Promise<BridgeAnswer> {
  const isBase64 = request.headers['upstash-encoding'] === 'base64';
  try {
    authorize(request, token);
    return { status: 200, text: JSON.stringify(await execute(request, redis, isBase64)) };
  } catch (error) {
    if (error instanceof Refused) return failure(error.status, error.message);
    if (error instanceof ReplyError) return failure(400, (error as Error).message);
    return failure(503, 'ERR the database is not reachable');
  }
}

const failure = (status: number, error: string): BridgeAnswer => ({
  status,
  text: JSON.stringify({ error }),
});

function authorize({ method, headers, url }: RestRequest, token: string): void {
  if (!['HEAD', 'GET', 'POST', 'PUT'].includes(method)) throw new Refused(405, 'ERR method not allowed');
  const given = headers.authorization?.replace(/^Bearer /i, '') ?? url.searchParams.get('_token');
  if (given !== token) throw new Refused(401, 'WRONGPASS invalid or missing auth token');
}

async function execute(request: RestRequest, redis: Redis, isBase64: boolean): Promise<Outcome | Outcome[]> {
  const { pathname } = request.url;
  if (pathname === '/pipeline') return await pipeline(commandsIn(request.body), redis, isBase64);
  if (pathname === '/multi-exec') return await transaction(commandsIn(request.body), redis, isBase64);
  const command = pathname === '/' ? commandOf(parse(request.body)) : commandInPath(request);
  refuseStateful(command);
  return { result: encode(await run(redis, command), isBase64) };
}

/** Each command for itself: one that fails is an `error` in its place, and the others are executed. */
async function pipeline(commands: readonly Command[], redis: Redis, isBase64: boolean): Promise<Outcome[]> {
  const outcomes = commands.map(async (command): Promise<Outcome> => {
    try {
      refuseStateful(command);
      return { result: encode(await run(redis, command), isBase64) };
    } catch (error) {
      if (error instanceof Refused || error instanceof ReplyError) return { error: (error as Error).message };
      throw error;
    }
  });
  return await Promise.all(outcomes);
}

async function transaction(
  commands: readonly Command[],
  redis: Redis,
  isBase64: boolean,
): Promise<Outcome[]> {
  commands.forEach(refuseStateful);
  const chain = redis.multi();
  for (const [name, ...args] of commands) chain.callBuffer(name, ...args);
  const replies = (await chain.exec()) ?? [];
  return replies.map(([error, reply]) =>
    error ? { error: error.message } : { result: encode(reply, isBase64) },
  );
}

const run = async (redis: Redis, [name, ...args]: Command): Promise<unknown> =>
  await redis.callBuffer(name, ...args);

function refuseStateful([name]: Command): void {
  if (NEEDS_A_CONNECTION.test(name)) throw new Refused(400, `ERR Command is not available: '${name}'`);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    throw new Refused(400, 'ERR failed to parse command');
  }
}

function commandsIn(body: Buffer): Command[] {
  const rows = parse(body);
  if (!Array.isArray(rows) || rows.length === 0)
    throw new Refused(400, 'ERR failed to parse pipeline request');
  return rows.map(commandOf);
}

function commandOf(row: unknown): Command {
  if (!Array.isArray(row) || row.length === 0) throw new Refused(400, 'ERR empty command');
  const [name, ...args] = row.map((value: unknown) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new Refused(400, 'ERR failed to parse command');
  });
  return [name!, ...args];
}

/** `/set/foo/bar/EX/100`; a body is the last argument, and parameters of the query come after it. */
function commandInPath({ method, url, body }: RestRequest): Command {
  const [name = '', ...args] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  const after = [...url.searchParams].filter(([key]) => key !== '_token');
  const query = after.flatMap(([key, value]) => (value === '' ? [key] : [key, value]));
  const hasBody = (method === 'POST' || method === 'PUT') && body.length > 0;
  return [name, ...args, ...(hasBody ? [body] : []), ...query];
}

/** Bytes that are no text are lost in plain JSON, as documented; base64 keeps them, and leaves `OK` as it is. */
function encode(reply: unknown, isBase64: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((each) => encode(each, isBase64));
  if (typeof reply === 'bigint') return Number(reply);
  if (!Buffer.isBuffer(reply) && typeof reply !== 'string') return reply ?? null;
  const bytes = Buffer.from(reply as string);
  return isBase64 && bytes.toString() !== 'OK' ? bytes.toString('base64') : bytes.toString();
}
