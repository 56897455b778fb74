/** The REST API over HTTP: what came in is recorded, then credentials, faults, the call, the answer. */
import type http from 'node:http';
import { answer, breaksBefore, type Faults, sendError } from './faults.js';
import { ApiError, notFound, tooMany } from './refusals.js';
import { type Call, type CallDeps, callResource } from './resources.js';

export interface RestDeps extends CallDeps {
  readonly faults: Faults;
  /** More requests of one account at once than this are refused with 429. */
  readonly maxConcurrentRequests: number;
}

const ROOT = /^\/2010-04-01\/Accounts\/([^/]+)\/(.+)$/;

export function createRestHandler(deps: RestDeps): http.RequestListener {
  let underWay = 0;
  return (request, response) => {
    underWay += 1;
    response.once('close', () => {
      underWay -= 1;
    });
    void handle(deps, request, response, () => underWay > deps.maxConcurrentRequests);
  };
}

async function handle(
  deps: RestDeps,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  isCrowded: () => boolean,
): Promise<void> {
  const rawBody = await readAll(request);
  // The client went away before its request was complete: nothing arrived.
  if (rawBody === undefined) return;
  const { method = 'GET', url: path = '/', headers } = request;
  const params = new URLSearchParams(rawBody.toString('utf8'));
  const [user, secret] = basicAuth(headers.authorization);
  const { remotePort } = request.socket;
  deps.state.requests.push({ method, path, accountSid: user, headers, remotePort, rawBody, params });
  try {
    const accountSid = deps.state.authenticate(user, secret);
    if (accountSid === undefined) throw new ApiError(401, 20003, 'Authenticate');
    if (isCrowded()) throw tooMany();
    const call = callOf({ method, path, accountSid, params });
    const fault = deps.faults.take(isSend(call) ? 'send' : 'read');
    if (breaksBefore(fault, response)) return;
    const result = await callResource(deps, call);
    if (result.location !== undefined) response.setHeader('location', result.location);
    answer(response, result.status, result.body, fault, deps.state.clock);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sendError(response, error);
  }
}

function callOf(request: {
  readonly method: string;
  readonly path: string;
  readonly accountSid: string;
  readonly params: URLSearchParams;
}): Call {
  const url = new URL(request.path, 'http://twilio.invalid');
  const [, account, rest = ''] = ROOT.exec(url.pathname) ?? [];
  if (account !== request.accountSid) throw notFound(url.pathname);
  const { method, accountSid, params } = request;
  return { method, url, accountSid, params, resource: rest.split('/') };
}

const isSend = ({ method, resource }: Call): boolean => method === 'POST' && resource.length === 1;

async function readAll(request: http.IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

function basicAuth(header: string | undefined): [user?: string, secret?: string] {
  const encoded = /^Basic (.+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return [];
  const [user, ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return user === undefined ? [] : [user, secret.join(':')];
}
