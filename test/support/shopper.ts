/** A shopper with a phone: texts Jack through signed webhooks, and sees what reached the handset. */
import { newPhone } from './records.js';
import { formBody, inboundForm, newSid, signTwilio } from './signTwilio.js';
import type { DoubleText, TwilioDouble } from './twilioDouble.js';

/** What PUBLIC_URL says in tests: signatures are made over it, wherever Jack listens. */
export const PUBLIC_URL = 'https://jack.example.test';
const PATH = '/api/webhooks/twilio/sms/incoming';

export interface Shopper {
  readonly phone: string;
  /** Posts one webhook to Jack at `url`. @returns the HTTP status; 0 when no answer came. */
  text(url: string, body: string, options?: { messageSid?: string; to?: string }): Promise<number>;
  /** What the shopper's handset received from `dealership`, in order. */
  received(dealership?: string): readonly DoubleText[];
}

export function newShopper(twilio: TwilioDouble, dealership: string, phone: string = newPhone()): Shopper {
  return {
    phone,
    text: async (url, body, options = {}) => {
      const params = inboundForm({
        from: phone,
        to: options.to ?? dealership,
        body,
        accountSid: twilio.accountSid,
        messageSid: options.messageSid ?? newSid('SM'),
      });
      return await postWebhook(url, twilio.authToken, params);
    },
    received: (from = dealership) => twilio.handset(phone).filter((text) => text.from === from),
  };
}

export async function postWebhook(
  url: string,
  authToken: string,
  params: Record<string, string>,
): Promise<number> {
  try {
    const response = await fetch(`${url}${PATH}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': signTwilio({ authToken, url: `${PUBLIC_URL}${PATH}`, params }),
      },
      body: formBody(params),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
