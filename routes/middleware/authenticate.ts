/** Who calls: the administrator, or an organization. The organization comes from the credential and nowhere else. */
import type { Request } from 'express';
import type { AppContext } from '../../services/context.js';
import { asError, JackError } from '../../services/errors.js';
import { findApiKey, parseApiKey, touchApiKey } from '../../services/record/apiKeys.js';
import { isSameSecret, sha256Hex } from '../../services/secrets.js';
import type { OrganizationId } from '../../services/types.js';

export interface AdministratorCaller {
  readonly actor: 'administrator';
}

export interface OrganizationCaller {
  readonly organizationId: OrganizationId;
  /** `key:` and the visible part of the key, for the audit trail. */
  readonly actor: string;
}

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

/** @throws JackError E_UNAUTHENTICATED */
export async function authenticateOrganization(
  ctx: Pick<AppContext, 'database' | 'logger'>,
  req: Request,
): Promise<OrganizationCaller> {
  const parsed = parseApiKey(bearerOf(req));
  if (!parsed) throw new JackError('E_UNAUTHENTICATED', 'This call needs the API key of an organization.');
  const found = await findApiKey(ctx.database, parsed.prefix);
  const isRight = isSameSecret(sha256Hex(parsed.apiKey), found?.secretHash ?? NO_HASH);
  if (!found || !isRight) throw new JackError('E_UNAUTHENTICATED', 'This API key is not known.');
  if (found.isUseStale) noteUse(ctx, found);
  return { organizationId: found.organizationId, actor: `key:${parsed.prefix}` };
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
