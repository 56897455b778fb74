/** Messages and their media as resources: send, read, list, cancel, redact, delete. */
import { listOf } from './listing.js';
import { type MediaHost, mediaResource, type StoredMedium } from './media.js';
import type { Outgoing } from './outgoing.js';
import { ApiError, notFound } from './refusals.js';
import type { CarrierState } from './state.js';
import { isCancelable, isComplete, resourceOf, type SimulatedText } from './text.js';

export interface CallDeps {
  readonly state: CarrierState;
  readonly outgoing: Outgoing;
  readonly media: MediaHost;
}

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly accountSid: string;
  readonly params: URLSearchParams;
  /** The path below the account. */
  readonly resource: readonly string[];
}

export interface CallResult {
  readonly status: number;
  /** Absent: no content. */
  readonly body?: object;
  readonly location?: string;
}

const JSON_SUFFIX = '.json';

/** @throws ApiError */
export async function callResource(deps: CallDeps, call: Call): Promise<CallResult> {
  const [kind, sid, sub, subSid, ...more] = call.resource;
  if (kind === 'Messages.json' && sid === undefined) return await callMessages(deps, call);
  if (kind !== 'Messages' || sid === undefined || more.length > 0) throw notFound(call.url.pathname);
  if (sub === undefined) return callMessage(deps, call, textOf(deps, call, plain(sid, true, call)));
  const text = textOf(deps, call, sid);
  if (sub === 'Media.json' && subSid === undefined) return listMedia(deps, call, text);
  if (sub !== 'Media' || subSid === undefined) throw notFound(call.url.pathname);
  return callMedium(deps, call, text, subSid);
}

async function callMessages(deps: CallDeps, call: Call): Promise<CallResult> {
  const { state, outgoing } = deps;
  if (call.method === 'GET') return { status: 200, body: listOf(state.textsOf(call.accountSid), call.url) };
  if (call.method !== 'POST') throw notAllowed();
  const { params, accountSid } = call;
  const text = await outgoing.send({
    accountSid,
    to: params.get('To') ?? '',
    from: params.get('From') ?? '',
    messagingServiceSid: params.get('MessagingServiceSid') ?? '',
    body: params.get('Body') ?? '',
    mediaUrls: params.getAll('MediaUrl'),
    statusCallback: params.get('StatusCallback') ?? undefined,
    direction: 'outbound-api',
    sendAtMs: sendAtOf(params),
  });
  return { status: 201, body: resourceOf(text) };
}

function sendAtOf(params: URLSearchParams): number | undefined {
  const sendAt = params.get('SendAt');
  if (sendAt === null && params.get('ScheduleType') === null) return undefined;
  if (!params.get('MessagingServiceSid')) {
    throw new ApiError(400, 35118, 'MessagingServiceSid is required to schedule a message');
  }
  const atMs = Date.parse(sendAt ?? '');
  if (params.get('ScheduleType') !== 'fixed' || Number.isNaN(atMs)) {
    throw new ApiError(400, 35111, "SendAt and ScheduleType 'fixed' are needed to schedule a message");
  }
  return atMs;
}

function callMessage({ state }: CallDeps, { method, params }: Call, text: SimulatedText): CallResult {
  if (method === 'GET') return { status: 200, body: resourceOf(text) };
  if (method === 'DELETE') {
    if (!isComplete(text))
      throw new ApiError(409, 20009, 'Cannot delete this resource before it is complete');
    state.remove(text);
    return { status: 204 };
  }
  if (method !== 'POST') throw notAllowed();
  update(state, params, text);
  return { status: 200, body: resourceOf(text) };
}

/** Canceling and redacting are the only changes, and one excludes the other (twilio.com/docs/api/errors/30400). */
function update(state: CarrierState, params: URLSearchParams, text: SimulatedText): void {
  const [status, body] = [params.get('Status'), params.get('Body')];
  if (status === 'canceled' && body === null) {
    if (!isCancelable(text)) throw new ApiError(409, 30409, 'This message cannot be canceled');
    state.become(text, 'canceled');
    return;
  }
  if (status !== null || body !== '') throw new ApiError(400, 30400, 'Parameters are not valid');
  if (!isComplete(text)) throw new ApiError(409, 20009, 'Cannot redact this message before it is complete');
  text.body = '';
  text.updatedAt = new Date(state.clock.now());
}

function listMedia({ media }: CallDeps, { method, url }: Call, text: SimulatedText): CallResult {
  if (method !== 'GET') throw notAllowed();
  const list = media.of(text.sid).map(mediaResource);
  const uri = url.pathname;
  return {
    status: 200,
    body: { media_list: list, first_page_uri: uri, next_page_uri: null, page: 0, page_size: 50, uri },
  };
}

function callMedium(deps: CallDeps, call: Call, text: SimulatedText, subSid: string): CallResult {
  const isJson = subSid.endsWith(JSON_SUFFIX);
  const medium: StoredMedium | undefined = deps.media.find(text.sid, plain(subSid, isJson, call));
  if (!medium) throw notFound(call.url.pathname);
  if (call.method === 'DELETE') {
    deps.media.remove(medium);
    return { status: 204 };
  }
  if (call.method !== 'GET') throw notAllowed();
  if (isJson) return { status: 200, body: mediaResource(medium) };
  return { status: 307, location: deps.media.locationOf(medium) };
}

function textOf({ state }: CallDeps, { accountSid, url }: Call, sid: string): SimulatedText {
  const text = state.find(accountSid, sid);
  if (!text) throw notFound(url.pathname);
  return text;
}

function plain(name: string, isJson: boolean, { url }: Call): string {
  if (!isJson) return name;
  if (!name.endsWith(JSON_SUFFIX)) throw notFound(url.pathname);
  return name.slice(0, -JSON_SUFFIX.length);
}

const notAllowed = (): ApiError => new ApiError(405, 20004, 'Method not allowed');
