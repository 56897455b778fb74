/** One error as the outside sees it: application/problem+json (RFC 9457) with a stable code. */
import { isRecordAway } from '../services/db/client.js';
import { asError, ERRORS, type ErrorCode, type FieldProblem, JackError } from '../services/errors.js';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  /** Where the code is explained. Relative to this server when no PUBLIC_URL is set. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Absent above 499: what failed inside is for the log. */
  readonly detail?: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  /** Path of the request. */
  readonly instance: string;
  readonly errors?: readonly FieldProblem[];
}

export interface ProblemPlace {
  readonly publicUrl: string | undefined;
  readonly requestId: string;
  readonly instance: string;
}

export function toProblem(error: JackError, { publicUrl, requestId, instance }: ProblemPlace): Problem {
  return {
    type: `${publicUrl ?? ''}/errors/${error.code}`,
    title: ERRORS[error.code].title,
    status: error.status,
    ...(error.exposed ? { detail: error.message } : {}),
    code: error.code,
    requestId,
    instance,
    ...(error.problems.length > 0 ? { errors: error.problems } : {}),
  };
}

/** Whatever was thrown, as an error of the table. Body parsers name their errors in `type`. */
export function toJackError(thrown: unknown): JackError {
  if (thrown instanceof JackError) return thrown;
  const error = asError(thrown);
  if (isRecordAway(error)) return new JackError('E_DB_UNAVAILABLE', 'The record is away.', { cause: error });
  const refusal = refusalOfParser(error);
  if (refusal) return refusal;
  return new JackError('E_INTERNAL', 'Nobody expected this error.', { cause: error });
}

/** No cause is kept: a parser's message repeats a part of the body. */
function refusalOfParser(error: Error): JackError | undefined {
  const { type, status } = error as { type?: unknown; status?: unknown };
  switch (type) {
    case 'entity.too.large':
      return new JackError('E_BODY_TOO_LARGE', 'The body is larger than this call accepts.');
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new JackError('E_MEDIA_TYPE', 'This content encoding or character set is not accepted.');
    case 'entity.parse.failed':
      return new JackError('E_INPUT_INVALID', 'The body is not a JSON object.');
    case 'request.aborted':
    case 'request.size.invalid':
      return new JackError('E_INPUT_INVALID', 'The body did not arrive whole.');
  }
  if (error instanceof URIError)
    return new JackError('E_INPUT_INVALID', 'The path is not encoded correctly.');
  if (typeof type === 'string' && typeof status === 'number' && status >= 400 && status < 500) {
    return new JackError('E_INPUT_INVALID', 'The body could not be read.');
  }
  return undefined;
}
