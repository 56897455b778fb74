/** A webhook as Twilio posts it: signed, with the timeouts and retries that the fragment of its URL asks for. */
import { type AttemptResult, attempt } from './httpAttempt.js';
import { overridesOf, type RetryClass } from './overrides.js';
import { newSid } from './sids.js';
import { formBody, signTwilio } from './signature.js';

export interface WebhookAttempt {
  /** As it was signed. */
  readonly url: string;
  readonly kind: 'inbound' | 'fallback' | 'status';
  readonly params: Readonly<Record<string, string>>;
  readonly signature: string;
  /** The same for all attempts of one webhook. */
  readonly idempotencyToken: string;
  readonly result: AttemptResult;
  readonly durationMs: number;
}

export interface WebhookRequest {
  /** With its fragment. */
  readonly url: string;
  readonly kind: WebhookAttempt['kind'];
  readonly params: Readonly<Record<string, string>>;
  readonly authToken: string;
}

export interface WebhookPoster {
  /** Where a public URL is really served; the Host header stays. Absent: where it says. */
  readonly resolve?: ((url: URL) => URL) | undefined;
  readonly random?: (() => number) | undefined;
  onAttempt(attempt: WebhookAttempt): void;
}

/** A timer may end a millisecond early: what is left then is no time for another attempt. */
const LEAST_TIME_MS = 5;

/** @returns how the last attempt ended. */
export async function postWebhook(poster: WebhookPoster, request: WebhookRequest): Promise<AttemptResult> {
  const { authToken, kind, params } = request;
  const overrides = overridesOf(request.url);
  const url = request.url.split('#', 1)[0] ?? '';
  const signature = signTwilio({ authToken, url, params });
  const idempotencyToken = newSid('RQ', poster.random);
  const startedAt = performance.now();
  for (let tries = 0; ; tries += 1) {
    const attemptedAt = performance.now();
    const totalTimeMs = Math.max(1, overrides.totalTimeMs - (attemptedAt - startedAt));
    const result = await attempt({
      ...addressOf(poster, url, { signature, idempotencyToken }),
      body: formBody(params),
      times: { ...overrides, totalTimeMs },
    });
    const durationMs = performance.now() - attemptedAt;
    poster.onAttempt({ url, kind, params, signature, idempotencyToken, result, durationMs });
    const failure = failureOf(result);
    const hasTime = overrides.totalTimeMs - (performance.now() - startedAt) >= LEAST_TIME_MS;
    if (!failure || tries >= overrides.retryCount || !hasTime || !overrides.retryPolicy.has(failure)) {
      return result;
    }
  }
}

function addressOf(
  { resolve }: WebhookPoster,
  url: string,
  { signature, idempotencyToken }: Pick<WebhookAttempt, 'signature' | 'idempotencyToken'>,
) {
  const signed = new URL(url);
  const served = resolve ? resolve(new URL(url)) : new URL(url);
  const { username, password } = signed;
  // Credentials in the URL are signed with it, and sent as a header.
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  served.username = '';
  served.password = '';
  return {
    url: served,
    headers: {
      host: signed.host,
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      accept: '*/*',
      'user-agent': 'TwilioProxy/1.1',
      'x-twilio-signature': signature,
      'i-twilio-idempotency-token': idempotencyToken,
      ...(username === '' ? {} : { authorization: `Basic ${basic.toString('base64')}` }),
    },
  };
}

function failureOf(result: AttemptResult): RetryClass | undefined {
  if (result.kind !== 'answered') return result.kind;
  if (result.status >= 500) return '5xx';
  return result.status >= 400 ? '4xx' : undefined;
}

export const isSuccess = (result: AttemptResult): result is Extract<AttemptResult, { kind: 'answered' }> =>
  result.kind === 'answered' && result.status >= 200 && result.status < 300;
