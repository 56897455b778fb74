/**
 * The fallback URL: Twilio posts a text there when the first URL failed, with ErrorCode and ErrorUrl beside the text's own
 * parameters (twilio.com/docs/messaging/guides/webhook-request). It is the same text under the same MessageSid; that it came this
 * way says that the first way did not work, which operators must see.
 */
import type { AppContext } from '../../services/context.js';
import type { Received } from '../../services/inbound/receiver.js';
import type { Logger } from '../../services/logger.js';
import type { FormParams } from '../../services/twilio/form.js';

export const FALLBACK_PATH = '/api/webhooks/twilio/sms/fallback';

interface Fallback {
  readonly params: FormParams;
  readonly received: Received;
}

/** Codes of Twilio's debugger have five digits: https://www.twilio.com/docs/api/errors */
const CODE = /^\d{5}$/;

export function noteFallback(
  { metrics, logger }: { readonly metrics: AppContext['metrics']; readonly logger: Logger },
  { params, received }: Fallback,
): void {
  const { ErrorCode: code } = params;
  const errorCode = typeof code === 'string' && CODE.test(code) ? code : 'unknown';
  metrics.path.fallbackUsed(errorCode);
  logger.warn('a text came over the fallback URL: the first webhook failed', {
    organizationId: received.organizationId ?? null,
    outcome: received.outcome,
    errorCode,
    errorUrl: shortUrl(params.ErrorUrl),
  });
}

/** Where it failed, without the query, which may hold whatever an operator put there. */
function shortUrl(url: FormParams[string] | undefined): string | null {
  if (typeof url !== 'string' || url.length > 2_000 || !URL.canParse(url)) return null;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.slice(0, 300);
}
