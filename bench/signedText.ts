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

/** The n-th shopper, of millions; nobody but the carrier double ever hears of them. */
export const shopperPhone = (n: number): string => `+1778${5_550_000 + n}`;
