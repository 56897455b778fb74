/** An alert as a webhook by Standard Webhooks (https://www.standardwebhooks.com): three headers over a body of JSON. */
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { AlertDelivery } from '../record/alertDeliveries.js';

/** 32 bytes; the specification wants 24 to 64. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export interface SignedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * @param secrets all that are valid now: while a secret is changed the receiver may know either.
 * @param now of this attempt: receivers refuse what is more than five minutes old.
 */
export function signAlert(
  delivery: Pick<AlertDelivery, 'alertId' | 'organizationId' | 'alert'>,
  secrets: readonly string[],
  now: Date,
): SignedMessage {
  const { alertId, organizationId, alert } = delivery;
  const body = JSON.stringify({
    type: 'alert.raised',
    timestamp: alert.createdAt,
    data: { id: alertId, organizationId, ...alert },
  });
  return {
    headers: {
      'content-type': 'application/json',
      // The same for every attempt: what was delivered twice is known by it.
      'webhook-id': alertId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(alertId, now, body)).join(' '),
    },
    body,
  };
}
