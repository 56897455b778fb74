/**
 * The whole error table. A code is API: never reused, described in docs/ERRORS.md, and a test holds the two equal.
 * `exposed` says whether the detail may leave the process; the details of 5xx never do.
 */
interface ErrorEntry {
  /** HTTP status, or null when the error never becomes an answer. */
  readonly status: number | null;
  readonly title: string;
  readonly retryable: boolean;
}

export const ERRORS = {
  E_CONFIG_INVALID: { status: null, title: 'The configuration has bad values', retryable: false },
  E_DATA_DIR_LOCKED: { status: null, title: 'Another process uses this data directory', retryable: false },
  E_SIGNATURE_INVALID: { status: 403, title: 'The webhook signature is missing or wrong', retryable: false },
  E_UNAUTHENTICATED: { status: 401, title: 'A valid credential is needed', retryable: false },
  E_CROSS_SITE: { status: 403, title: 'The request comes from another site', retryable: false },
  E_NOT_FOUND: { status: 404, title: 'Nothing is here', retryable: false },
  E_METHOD_NOT_ALLOWED: { status: 405, title: 'This method is not offered here', retryable: false },
  E_INPUT_INVALID: { status: 400, title: 'The request is not valid', retryable: false },
  E_BODY_TOO_LARGE: { status: 413, title: 'The request body is too large', retryable: false },
  E_MEDIA_TYPE: { status: 415, title: 'The content type is not accepted', retryable: false },
  E_LEAD_UNREACHABLE: { status: 422, title: 'The lead has no phone that could be texted', retryable: false },
  E_CONFLICT: { status: 409, title: 'The request conflicts with what is stored', retryable: false },
  E_OPTED_OUT: { status: 409, title: 'This person has opted out', retryable: false },
  E_NOT_OWNER: { status: 409, title: 'The conversation has another owner', retryable: false },
  E_SUPERSEDED: { status: 409, title: 'The conversation moved on', retryable: true },
  E_MEDIA_PENDING: { status: 409, title: 'The media is not here yet', retryable: true },
  E_MEDIA_REFUSED: { status: 410, title: 'The media was not taken in', retryable: false },
  E_MEDIA_UNAVAILABLE: { status: 503, title: 'The store of media is not available', retryable: true },
  E_NOT_TEXTABLE: { status: 409, title: 'This phone gets no texts', retryable: false },
  E_QUIET_HOURS: { status: 409, title: 'It is too late or too early to text this person', retryable: true },
  E_FREQUENCY_CAP: { status: 409, title: 'This person was texted often enough today', retryable: true },
  E_NOT_REGISTERED: { status: 409, title: 'The number is not registered for US texts', retryable: false },
  E_TEXT_TOO_LONG: { status: 409, title: 'The text has too many segments', retryable: false },
  E_BUDGET_SPENT: { status: 409, title: 'The texts of the day are sent', retryable: true },
  E_SENDING_OFF: { status: 409, title: 'The organization has switched sending off', retryable: false },
  E_RATE_LIMITED: { status: 429, title: 'Too many requests', retryable: true },
  E_SHUTTING_DOWN: { status: 503, title: 'The server is shutting down', retryable: true },
  E_ARCHIVE_DAMAGED: { status: 500, title: 'Archived messages cannot be read', retryable: false },
  E_DB_UNAVAILABLE: { status: 503, title: 'The record is not available', retryable: true },
  E_CACHE_UNAVAILABLE: { status: 503, title: 'The state cache is not available', retryable: true },
  E_INTERNAL: { status: 500, title: 'Something went wrong', retryable: true },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface FieldProblem {
  /** JSON pointer into the request: `/body/phone`. */
  readonly pointer: string;
  readonly detail: string;
}

export class JackError extends Error {
  override readonly name = 'JackError';
  readonly code: ErrorCode;
  readonly problems: readonly FieldProblem[];
  /** When the same request may work, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  /** @param detail for the caller when the status is below 500, for the log otherwise; no personal data in it. */
  constructor(
    code: ErrorCode,
    detail: string,
    options: {
      cause?: unknown;
      problems?: readonly FieldProblem[];
      retryAfterSeconds?: number;
    } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.problems = options.problems ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status ?? 500;
  }

  get exposed(): boolean {
    return this.status < 500;
  }
}

/** Any thrown thing as an Error, with the original kept as `cause` when it was not one. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error('Something that is not an Error was thrown', { cause: thrown });
}
