/**
 * Who calls: the administrator, an organization's key, or somebody of its staff. The organization comes from the
 * credential and nowhere else. A key in the header counts before a session in the cookie.
 */
import type { Request } from 'express';
import type { AppContext } from '../../services/context.js';
import { asError, JackError } from '../../services/errors.js';
import { findApiKey, parseApiKey, touchApiKey } from '../../services/record/apiKeys.js';
import { isSameSecret, sha256Hex } from '../../services/secrets.js';
import type { OrganizationId, Session } from '../../services/types.js';
import { readSessionCookie, refuseForeignSite } from './sessionCookie.js';

export interface AdministratorCaller {
  readonly actor: 'administrator';
}

export interface OrganizationCaller {
  readonly organizationId: OrganizationId;
  /** `key:` and the visible part of the key, or `session:` and its id; for limits and the audit trail. */
  readonly actor: string;
}

export interface SessionCaller extends OrganizationCaller {
  readonly session: Session;
}

/** Anybody, from a page of this server. */
export interface VisitorCaller {
  /** What the staff cookie carries, unproven. */
  readonly token: string | undefined;
}

type Context = Pick<AppContext, 'config' | 'database' | 'logger' | 'sessions'>;

/** Compared with when no such key exists, so that the answer takes as long. */
const NO_HASH = '0'.repeat(64);

/** @throws JackError E_UNAUTHENTICATED */
export function authenticateAdministrator(
  ctx: Pick<AppContext, 'config'>,
  req: Request,
): AdministratorCaller {
  const { adminApiKey } = ctx.config;
  if (adminApiKey === undefined) {
    throw new JackError('E_UNAUTHENTICATED', 'Administrator calls are closed: ADMIN_API_KEY is not set.');
  }
  if (!isSameSecret(bearerOf(req), adminApiKey)) {
    throw new JackError('E_UNAUTHENTICATED', 'This is not the administrator key.');
  }
  return { actor: 'administrator' };
}

/** @throws JackError E_UNAUTHENTICATED; E_CROSS_SITE for a session that another site's page makes use of. */
export async function authenticateOrganization(ctx: Context, req: Request): Promise<OrganizationCaller> {
  const { publicUrl } = ctx.config;
  const isSession =
    req.get('authorization') === undefined && readSessionCookie(req, 'staff', publicUrl) !== undefined;
  if (isSession) return await authenticateSession(ctx, req);
  const { organizationId, prefix } = await proveApiKey(ctx, bearerOf(req));
  return { organizationId, actor: `key:${prefix}` };
}

/**
 * What changes something asks the record whether the session is still there; reading may be a second behind it.
 * @throws JackError E_UNAUTHENTICATED, E_CROSS_SITE
 */
export async function authenticateSession(ctx: Context, req: Request): Promise<SessionCaller> {
  const { publicUrl } = ctx.config;
  const token = readSessionCookie(req, 'staff', publicUrl);
  if (token === undefined) throw new JackError('E_UNAUTHENTICATED', 'Nobody is logged in here.');
  const isReading = req.method === 'GET' || req.method === 'HEAD';
  if (!isReading) refuseForeignSite(req, publicUrl);
  const session = await ctx.sessions.get(token, 'staff', { isFresh: !isReading });
  if (!session) throw new JackError('E_UNAUTHENTICATED', 'The session is over: log in again.');
  return { organizationId: session.organizationId, actor: `session:${session.id}`, session };
}

/** @throws JackError E_CROSS_SITE: a page of another site may not log its visitor in here. */
export function meetVisitor({ config }: Pick<AppContext, 'config'>, req: Request): VisitorCaller {
  refuseForeignSite(req, config.publicUrl);
  return { token: readSessionCookie(req, 'staff', config.publicUrl) };
}

export interface ProvenKey {
  readonly id: string;
  readonly organizationId: OrganizationId;
  /** The visible part. */
  readonly prefix: string;
}

/** @throws JackError E_UNAUTHENTICATED */
export async function proveApiKey(
  ctx: Pick<AppContext, 'database' | 'logger'>,
  text: string,
): Promise<ProvenKey> {
  const parsed = parseApiKey(text);
  if (!parsed) throw new JackError('E_UNAUTHENTICATED', 'This call needs the API key of an organization.');
  const found = await findApiKey(ctx.database, parsed.prefix);
  const isRight = isSameSecret(sha256Hex(parsed.apiKey), found?.secretHash ?? NO_HASH);
  if (!found || !isRight) throw new JackError('E_UNAUTHENTICATED', 'This API key is not known.');
  if (found.isUseStale) noteUse(ctx, found);
  return { id: found.id, organizationId: found.organizationId, prefix: parsed.prefix };
}

/** Not awaited: when a key was last used is worth knowing and not worth waiting for. */
function noteUse(
  { database, logger }: Pick<AppContext, 'database' | 'logger'>,
  key: { readonly id: string; readonly organizationId: OrganizationId },
): void {
  touchApiKey(database, key.organizationId, key.id).catch((error: unknown) => {
    logger.warn('the use of a key could not be noted', { subsystem: 'http', error: asError(error) });
  });
}

/** @throws JackError E_UNAUTHENTICATED when there is no bearer token. */
function bearerOf(req: Request): string {
  const token = /^Bearer +([\x21-\x7e]{1,500})$/i.exec(req.get('authorization') ?? '')?.[1];
  if (token === undefined) {
    throw new JackError('E_UNAUTHENTICATED', 'This call needs the header "Authorization: Bearer <key>".');
  }
  return token;
}
