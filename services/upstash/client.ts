/**
 * The commands of @upstash/redis over our own requester. Its own HTTP client sends a request again after a network
 * error even with `retry: false`, decodes every value as UTF-8, and puts the arguments of a command into errors.
 */
import { Redis, type Requester, type UpstashRequest, type UpstashResponse } from '@upstash/redis';
import { replyError, UpstashAwayError, UpstashReplyError } from './errors.js';
import { type RestAnswer, RestTransport, type TransportOptions } from './transport.js';

export interface PipelineReply {
  /** Bulk strings are Buffers; `OK` is a string. */
  readonly result: unknown;
  readonly error?: UpstashReplyError;
}

/** Replies are bytes: Buffer, number, null, 'OK' and arrays of them. */
export class UpstashClient extends Redis {
  readonly #transport: RestTransport;

  private constructor(transport: RestTransport) {
    super(createRequester(transport));
    // By default replies are parsed as JSON where that works: a stored "1" would come back as a number.
    this.opts = { automaticDeserialization: false };
    this.#transport = transport;
  }

  static create(options: TransportOptions): UpstashClient {
    return new UpstashClient(new RestTransport(options));
  }

  /** Ends the connections, with what is under way. */
  close(): void {
    this.#transport.close();
  }
}

interface WireOutcome {
  readonly result?: unknown;
  readonly error?: unknown;
}

/** @returns a Requester that throws UpstashAwayError and, for a command by itself, UpstashReplyError. */
function createRequester(transport: RestTransport): Requester {
  /** Makes later reads of this process see its own writes, whichever replica answers. */
  let syncToken: string | undefined;
  return {
    readYourWrites: true,
    request: async <Result>(request: UpstashRequest): Promise<UpstashResponse<Result>> => {
      const path = `/${(request.path ?? []).join('/')}`;
      const answer = await transport.post(path, JSON.stringify(request.body), syncToken);
      syncToken = answer.syncToken ?? syncToken;
      const outcome = outcomeOf(answer);
      // The library's type knows single answers only; a pipeline's is an array.
      if (isPipeline(outcome)) return outcome.map(pipelineReply) as unknown as UpstashResponse<Result>;
      if (outcome.error !== undefined) throw replyError(outcome.error);
      return { result: decodeReply(outcome.result) as Result };
    },
  };
}

const isPipeline = (outcome: WireOutcome | readonly WireOutcome[]): outcome is readonly WireOutcome[] =>
  Array.isArray(outcome);

function outcomeOf({ status, body }: RestAnswer): WireOutcome | readonly WireOutcome[] {
  // 400 is a command that failed; every other status says that no command was looked at.
  if (status !== 200 && status !== 400) throw new UpstashAwayError(`HTTP_${status}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new UpstashAwayError('NOT_JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw new UpstashAwayError('NO_RESULT');
  return parsed as WireOutcome | readonly WireOutcome[];
}

/** @throws UpstashAwayError when the error concerns all commands alike. */
function pipelineReply({ result, error }: WireOutcome): PipelineReply {
  if (error === undefined || error === null) return { result: decodeReply(result) };
  const failure = replyError(error);
  if (failure instanceof UpstashReplyError) return { result: null, error: failure };
  throw failure;
}

/** @throws UpstashAwayError for what no reply is. */
function decodeReply(reply: unknown): unknown {
  if (typeof reply === 'string') return reply === 'OK' ? reply : Buffer.from(reply, 'base64');
  if (typeof reply === 'number' || reply === null) return reply;
  if (Array.isArray(reply)) return reply.map(decodeReply);
  throw new UpstashAwayError('NO_RESULT');
}
