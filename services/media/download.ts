/**
 * Fetches one picture or file from the carrier. Credentials go to the carrier's own host and to nobody else; redirects
 * are followed by hand, without them, and only to addresses of the public internet. The name is resolved once, and the
 * connection goes to the address that was checked.
 */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { AddressRefusedError, type PublicLookupOptions, publicLookup } from '../network/publicLookup.js';
import type { TwilioCredentials } from '../twilio/restClient.js';
import type { MediaLimits } from './types.js';

export type Download =
  | { readonly outcome: 'fetched'; readonly bytes: Buffer }
  /** It must not or cannot be fetched, however often it is tried. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** It may work later. Reasons are codes or short words: never a URL. */
  | { readonly outcome: 'failed'; readonly reason: string };

export interface Downloader {
  /** Never throws for what happens on the network. */
  download(url: string, credentials: TwilioCredentials, signal: AbortSignal): Promise<Download>;
}

export interface DownloaderOptions {
  /** Without a trailing slash: the one host that gets credentials. */
  readonly apiBaseUrl: string;
  readonly limits: Pick<MediaLimits, 'maxBytes' | 'timeoutMs' | 'isLoopbackAllowed'>;
  /** Instead of the system's resolver (tests). */
  readonly resolve?: NonNullable<PublicLookupOptions['resolve']>;
}

/** Twilio redirects once, to its content network. */
const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Ends a download for good. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

export function createDownloader(options: DownloaderOptions): Downloader {
  const { apiBaseUrl, limits } = options;
  return {
    download: async (url, credentials, signal) => {
      if (!isCarriersOwn(url, apiBaseUrl, credentials.accountSid)) {
        return { outcome: 'refused', reason: 'not_at_the_carrier' };
      }
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)]);
      try {
        return { outcome: 'fetched', bytes: await follow(new URL(url), credentials, options, deadline) };
      } catch (error) {
        if (error instanceof RefusedError || error instanceof AddressRefusedError) {
          return { outcome: 'refused', reason: error.message };
        }
        return { outcome: 'failed', reason: signal.aborted ? 'stopped' : reasonOf(error, deadline) };
      }
    },
  };
}

/** The URL came in a form: whose account it is in is checked like the host, since the credentials are that account's. */
function isCarriersOwn(url: string, apiBaseUrl: string, accountSid: string): boolean {
  if (!URL.canParse(url)) return false;
  const [given, base] = [new URL(url), new URL(apiBaseUrl)];
  if (given.username !== '' || given.password !== '') return false;
  const folder = `${base.pathname.replace(/\/$/, '')}/2010-04-01/Accounts/${accountSid}/`;
  return given.origin === base.origin && given.pathname.startsWith(folder);
}

async function follow(
  first: URL,
  credentials: TwilioCredentials,
  options: DownloaderOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  const { accountSid, authToken } = credentials;
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;
  // The carrier's host is configured, so it may be anywhere.
  let at = first;
  let response = await get(at, { headers: { authorization }, signal });
  for (let redirects = 0; REDIRECTS.has(response.statusCode ?? 0); redirects += 1) {
    response.destroy();
    if (redirects === MAX_REDIRECTS) throw new RefusedError('too_many_redirects');
    at = nextUrl(response.headers.location, at);
    response = await get(at, { signal, lookup: publicLookup(at, lookupOptionsOf(options)) });
  }
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`http_${response.statusCode}`);
  }
  return await readBody(response, options.limits.maxBytes);
}

/** @throws RefusedError for what is no address on the web, and for a step down from https. */
function nextUrl(location: string | undefined, from: URL): URL {
  if (location === undefined || !URL.canParse(location, from.href)) throw new RefusedError('bad_redirect');
  const next = new URL(location, from);
  const isWeb = next.protocol === 'https:' || (next.protocol === 'http:' && from.protocol === 'http:');
  if (!isWeb || next.username !== '' || next.password !== '') throw new RefusedError('bad_redirect');
  return next;
}

const lookupOptionsOf = ({ limits, resolve }: DownloaderOptions): PublicLookupOptions => ({
  isLoopbackAllowed: limits.isLoopbackAllowed,
  ...(resolve ? { resolve } : {}),
});

interface GetOptions {
  readonly headers?: http.OutgoingHttpHeaders;
  readonly signal: AbortSignal;
  readonly lookup?: LookupFunction;
}

function get(url: URL, { headers, signal, lookup }: GetOptions): Promise<http.IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      // A connection of its own: a kept one would not be looked up.
      agent: false,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'jack', ...headers },
      signal,
      ...(lookup ? { lookup } : {}),
    });
    asked.on('response', resolve);
    asked.on('error', reject);
    asked.end();
  });
}

async function readBody(response: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const announced = Number(response.headers['content-length'] ?? 0);
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (announced <= maxBytes) {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      chunks.push(chunk);
    }
  }
  response.destroy();
  if (announced > maxBytes || bytes > maxBytes) throw new RefusedError('too_large');
  return Buffer.concat(chunks);
}

function reasonOf(error: unknown, deadline: AbortSignal): string {
  if (deadline.aborted) return 'timeout';
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? (/^(?:http_\d+|no_address)$/.test(message) ? message : 'network_error');
}
