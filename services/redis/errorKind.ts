/** Errors that the client makes itself have neither code nor word. */
const OWN_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^All sentinels are unreachable/, 'SENTINELS_UNREACHABLE'],
  [/^(Failed to refresh slots cache|None of startup nodes)/, 'CLUSTER_UNREACHABLE'],
  [/^Command timed out/, 'TIMEOUT'],
  [/^Socket timeout/, 'TIMEOUT'],
];

/**
 * What may be said of an error of the client: its code (`ECONNREFUSED`) or the server's own first word (`WRONGPASS`).
 * Messages hold addresses, and the other fields hold the command's arguments: bodies of texts, passwords.
 */
export function errorKind(error: unknown): string {
  // Asked for by shape: an error of a socket may be of another realm, where instanceof says no.
  const { code, message, name } = (error ?? {}) as { code?: unknown; message?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  if (typeof message === 'string') {
    const own = OWN_WORDS.find(([pattern]) => pattern.test(message))?.[1];
    const word = own ?? /^[A-Z]{3,}(?= |$)/.exec(message)?.[0];
    if (word !== undefined) return word;
  }
  return typeof name === 'string' ? name : 'unknown';
}
