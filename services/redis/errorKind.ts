/**
 * What may be said of an error of the client: its code (`ECONNREFUSED`) or the server's own first word (`WRONGPASS`).
 * Messages hold addresses, and the other fields hold the command's arguments: bodies of texts, passwords.
 */
export function errorKind(error: unknown): string {
  // Asked for by shape: an error of a socket may be of another realm, where instanceof says no.
  const { code, message, name } = (error ?? {}) as { code?: unknown; message?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  const word = typeof message === 'string' ? /^[A-Z]{3,}(?= |$)/.exec(message)?.[0] : undefined;
  return word ?? (typeof name === 'string' ? name : 'unknown');
}
