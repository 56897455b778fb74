/** The cookies that carry session tokens, one a kind, so that a phone page and a console in one browser do not meet. */
import type { Request } from 'express';
import { JackError } from '../../services/errors.js';
import type { Session } from '../../services/types.js';

type Kind = Session['kind'];

const NAMES: Readonly<Record<Kind, string>> = { staff: 'jack', guest: 'jack-guest' };

const isSecure = (publicUrl: string | undefined): boolean => publicUrl?.startsWith('https:') ?? false;

/** With `__Host-`, which no other host and no plain connection can set, wherever Jack is reached by https. */
export const cookieName = (kind: Kind, publicUrl: string | undefined): string =>
  `${isSecure(publicUrl) ? '__Host-' : ''}${NAMES[kind]}`;

/** @returns undefined when the request brings none. Of two with one name, the first: the one with the longer path. */
export function readSessionCookie(
  req: Request,
  kind: Kind,
  publicUrl: string | undefined,
): string | undefined {
  const prefix = `${cookieName(kind, publicUrl)}=`;
  const pair = (req.get('cookie') ?? '')
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(prefix));
  return pair?.slice(prefix.length) || undefined;
}

/** `Set-Cookie` for a token, which is base64url and needs no quoting. */
export function sessionCookie(
  kind: Kind,
  publicUrl: string | undefined,
  { token, ttlMs }: { readonly token: string; readonly ttlMs: number },
): string {
  const name = cookieName(kind, publicUrl);
  const secure = isSecure(publicUrl) ? '; Secure' : '';
  return `${name}=${token}; Path=/; Max-Age=${Math.floor(ttlMs / 1000)}; HttpOnly; SameSite=Lax${secure}`;
}

/** `Set-Cookie` that makes the browser forget. */
export const endedSessionCookie = (kind: Kind, publicUrl: string | undefined): string =>
  sessionCookie(kind, publicUrl, { token: '', ttlMs: 0 });

/**
 * A browser sends cookies along with what a page of another site asks for. Such a request names where it comes from;
 * one that names nothing is not from a browser of these years.
 * @throws JackError E_CROSS_SITE
 */
export function refuseForeignSite(req: Request, publicUrl: string | undefined): void {
  const site = req.get('sec-fetch-site');
  const isForeign =
    site === undefined ? !isOwnOrigin(req, publicUrl) : site !== 'same-origin' && site !== 'none';
  if (isForeign) throw new JackError('E_CROSS_SITE', 'This call is for pages of this server.');
}

function isOwnOrigin(req: Request, publicUrl: string | undefined): boolean {
  const origin = req.get('origin');
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  if (publicUrl !== undefined && origin === new URL(publicUrl).origin) return true;
  // Reached under another name, such as localhost: then page and call have the same host, and no https is weakened.
  return new URL(origin).host === req.get('host') && !isSecure(publicUrl);
}
