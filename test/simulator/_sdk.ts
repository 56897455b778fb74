/** The client that Twilio publishes, sent to the simulator instead of api.twilio.com. */
import twilio from 'twilio';
import type { TwilioSimulator } from '../../simulator/twilio.js';

interface SdkRequest {
  readonly method: string;
  readonly uri: string;
  readonly username?: string;
  readonly password?: string;
  readonly data?: Record<string, string | string[]>;
  readonly params?: Record<string, string>;
}

export function sdkFor(simulator: TwilioSimulator, authToken = simulator.authToken) {
  const request = async ({ method, uri, username, password, data, params }: SdkRequest) => {
    const url = new URL(uri.replace('https://api.twilio.com', simulator.baseUrl));
    for (const [name, value] of Object.entries(params ?? {})) url.searchParams.set(name, String(value));
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(data ?? {})) {
      for (const each of [value].flat()) form.append(name, each);
    }
    const answer = await fetch(url, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      ...(data ? { body: form } : {}),
    });
    const text = await answer.text();
    const body: unknown = text === '' ? '' : JSON.parse(text);
    return { statusCode: answer.status, body, headers: answer.headers };
  };
  return twilio(simulator.accountSid, authToken, { httpClient: { request } as never });
}

/** @returns the HTTP status and Twilio's code of a call that fails; undefined for one that does not. */
export const failureOf = async (
  work: Promise<unknown>,
): Promise<[status: number, code: number] | undefined> =>
  await work.then(
    () => undefined,
    ({ status, code }: { status: number; code: number }): [number, number] => [status, code],
  );
