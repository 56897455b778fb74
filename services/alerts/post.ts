/**
 * One POST to an address that an organization chose: only to the public internet, over https in production, without
 * redirects, in bounded time. What the receiver answers is not read beyond its status.
 */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { AddressRefusedError, type PublicLookupOptions, publicLookup } from '../network/publicLookup.js';
import type { SignedMessage } from './message.js';

/** Reasons are codes or short words: never a URL. */
export type Posted =
  | { readonly outcome: 'answered'; readonly status: number }
  | { readonly outcome: 'failed'; readonly reason: string }
  /** It must not be sent there, however often it is tried. */
  | { readonly outcome: 'refused'; readonly reason: string };

export interface PosterOptions extends PublicLookupOptions {
  readonly isHttpAllowed: boolean;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

export type Poster = (url: string, message: SignedMessage, signal: AbortSignal) => Promise<Posted>;

export const createPoster =
  (options: PosterOptions): Poster =>
  async (given, message, signal) => {
    if (!URL.canParse(given)) return { outcome: 'refused', reason: 'bad_url' };
    const url = new URL(given);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && options.isHttpAllowed))
      return { outcome: 'refused', reason: 'https_needed' };
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);
    try {
      const lookup = publicLookup(url, options);
      return { outcome: 'answered', status: await post(url, message, { signal: deadline, lookup }) };
    } catch (error) {
      if (error instanceof AddressRefusedError) return { outcome: 'refused', reason: error.message };
      return { outcome: 'failed', reason: reasonOf(error, signal) };
    }
  };

function post(
  url: URL,
  { headers, body }: SignedMessage,
  how: { readonly signal: AbortSignal; readonly lookup: LookupFunction },
): Promise<number> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method: 'POST',
      // A connection of its own: a kept one would not be looked up.
      agent: false,
      headers: { 'user-agent': 'jack', 'content-length': Buffer.byteLength(body), ...headers },
      ...how,
    });
    asked.on('response', (response) => {
      response.on('error', () => undefined);
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

function reasonOf(error: unknown, stopped: AbortSignal): string {
  if (stopped.aborted) return 'stopped';
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === 'ABORT_ERR' || name === 'TimeoutError') return 'timeout';
  return code ?? (message === 'no_address' ? message : 'network_error');
}
