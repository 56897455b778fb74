/**
 * Rate limits at the HTTP door. The headers are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` says
 * what is allowed, `RateLimit` what is left; a refusal is 429 with `Retry-After`.
 */
import type { Request, RequestHandler, Response } from 'express';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import type { AddressLimit } from '../../services/rateLimits/limits.js';
import type { Verdict } from '../../services/rateLimits.js';
import type { OrganizationCaller } from './authenticate.js';

type Context = Pick<AppContext, 'limits' | 'logger'>;

/** What a request that failed may have failed for, and which limit counts that. */
const COUNTED_FAILURES = {
  E_UNAUTHENTICATED: 'failedCredential',
  E_SIGNATURE_INVALID: 'unsignedWebhook',
} as const satisfies Record<string, AddressLimit>;

/** As express knows it through TRUST_PROXY. A peer that is gone already has none. */
export const addressOf = (req: Request): string => req.ip ?? 'unknown';

/**
 * Proves who calls. A missing or wrong credential is counted for the address, and past the limit it is answered with 429;
 * whoever has a right one from the same address (an office, a proxy) goes on.
 * @throws JackError E_RATE_LIMITED, or what `prove` throws.
 */
export async function countFailures<T>(
  ctx: Context,
  { req, res }: { readonly req: Request; readonly res: Response },
  prove: () => Promise<T>,
): Promise<T> {
  try {
    return await prove();
  } catch (error) {
    const limit = error instanceof JackError ? limitOf(error) : undefined;
    if (limit !== undefined) enforce(ctx, res, [await ctx.limits.address(limit, addressOf(req))]);
    throw error;
  }
}

const limitOf = ({ code }: JackError): AddressLimit | undefined =>
  (COUNTED_FAILURES as Partial<Record<string, AddressLimit>>)[code];

/** One call of a known caller. @throws JackError E_RATE_LIMITED */
export async function limitCaller(ctx: Context, res: Response, caller: OrganizationCaller): Promise<void> {
  const { organizationId, actor } = caller;
  enforce(ctx, res, await ctx.limits.apiCall(organizationId, actor), { organizationId });
}

/** Limits requests of an address, whatever they bring: log-ins, pages that know no credential. */
export const limitAddress =
  (ctx: Context, limit: AddressLimit): RequestHandler =>
  async (req, res, next) => {
    enforce(ctx, res, [await ctx.limits.address(limit, addressOf(req))]);
    next();
  };

/** @throws JackError E_RATE_LIMITED with when the last of the exceeded windows ends. */
function enforce(
  { logger }: Context,
  res: Response,
  verdicts: readonly Verdict[],
  who: { readonly organizationId?: string } = {},
): void {
  res.set('RateLimit-Policy', verdicts.map(policyOf).join(', '));
  res.set('RateLimit', verdicts.map(stateOf).join(', '));
  const refused = verdicts.filter(({ isAllowed }) => !isAllowed);
  if (refused.length === 0) return;
  for (const { limit, quota, isNews } of refused) {
    if (isNews) logger.warn('a rate limit was reached', { subsystem: 'http', limit, quota, ...who });
  }
  const retryAfterSeconds = Math.max(1, ...refused.map(({ resetMs }) => seconds(resetMs)));
  const allowed = refused.map(({ quota, windowMs }) => `${quota} in ${seconds(windowMs)} s`).join(', ');
  throw new JackError('E_RATE_LIMITED', `More than ${allowed}; wait ${retryAfterSeconds} s.`, {
    retryAfterSeconds,
  });
}

const policyOf = ({ limit, quota, windowMs }: Verdict): string =>
  `"${limit}";q=${quota};w=${seconds(windowMs)}`;

const stateOf = ({ limit, remaining, resetMs }: Verdict): string =>
  `"${limit}";r=${remaining};t=${seconds(resetMs)}`;

const seconds = (ms: number): number => Math.ceil(ms / 1_000);
