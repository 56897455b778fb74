/** What can be wrong with an exchange over REST. Messages are made of fixed words and codes: no URL, token or argument. */

/** No usable answer. What the commands did there is unknown, so they are never sent again. */
export class UpstashAwayError extends Error {
  override readonly name = 'UpstashAwayError';
  /** `TIMEOUT`, `ECONNREFUSED`, `HTTP_500`, `QUOTA`, `NOT_JSON`, … */
  readonly code: string;
  constructor(code: string) {
    super(`Upstash gave no usable answer: ${code}`);
    this.code = code;
  }
}

/** The server executed nothing of this command and says so. The first word is its own (`OOM`, `WRONGTYPE`, `ERR`). */
export class UpstashReplyError extends Error {
  override readonly name = 'UpstashReplyError';
  constructor(word: string) {
    super(`${word} Upstash refused the command`);
  }
}

/** They fail every command alike, whatever it is, and so are news of the server and not of one call. */
const LIMIT = /\bmax (daily |monthly )?(requests?|concurrent connections|bandwidth) (limit )?exceeded/i;

/** @param text the `error` of an answer; it may repeat arguments of the command. */
export function replyError(text: unknown): UpstashAwayError | UpstashReplyError {
  if (typeof text !== 'string') return new UpstashAwayError('NO_RESULT');
  if (LIMIT.test(text)) return new UpstashAwayError('QUOTA');
  const word = /^[A-Z]{3,}(?= |$)/.exec(text)?.[0];
  return new UpstashReplyError(word ?? 'ERR');
}
