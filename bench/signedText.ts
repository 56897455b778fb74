/** A text as the carrier's webhook brings it, signed. */
import { PUBLIC_URL } from '../test/support/shopper.js';
import { formBody, inboundForm, signTwilio } from '../test/support/signTwilio.js';
import type { TwilioDouble } from '../test/support/twilioDouble.js';
import type { PreparedRequest } from './openLoop.js';

const PATH = '/api/webhooks/twilio/sms/incoming';

export function signedText(
  { accountSid, authToken }: TwilioDouble,
  text: { readonly from: string; readonly to: string; readonly body: string },
): PreparedRequest {
  const params = inboundForm({ ...text, accountSid });
  return {
    path: PATH,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signTwilio({ authToken, url: `${PUBLIC_URL}${PATH}`, params }),
    },
    body: formBody(params),
  };
}

/** The n-th shopper of ten thousand. */
export const shopperPhone = (n: number): string => `+1778555${String(n % 10_000).padStart(4, '0')}`;
