/** What Twilio refuses at once, with the codes of twilio.com/docs/api/errors. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  /** Seconds, for the header Retry-After. */
  readonly retryAfterS: number | undefined;
  constructor(status: number, code: number, message: string, retryAfterS?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }

  get body(): object {
    return {
      code: this.code,
      message: this.message,
      more_info: `https://www.twilio.com/docs/errors/${this.code}`,
      status: this.status,
    };
  }
}

export const notFound = (path: string): ApiError =>
  new ApiError(404, 20404, `The requested resource ${path} was not found`);
export const tooMany = (): ApiError => new ApiError(429, 20429, 'Too Many Requests', 2);
export const brokenInside = (): ApiError => new ApiError(500, 20500, 'An internal server error has occurred');

/** The magic numbers of Twilio's test credentials (twilio.com/docs/iam/test-credentials). */
const BAD_FROM: Readonly<Record<string, number>> = {
  '+15005550001': 21212,
  '+15005550007': 21606,
  '+15005550008': 21611,
};
const GOOD_FROM = '+15005550006';
const BAD_TO: Readonly<Record<string, number>> = {
  '+15005550001': 21211,
  '+15005550002': 21612,
  '+15005550003': 21408,
  '+15005550004': 21610,
  '+15005550009': 21614,
};

const MAX_BODY = 1_600;
const MAX_MEDIA = 10;
const E164 = /^\+[1-9]\d{6,14}$/;
const SHORT_CODE = /^\d{5,6}$/;

export interface SendForm {
  readonly to: string;
  readonly from: string;
  readonly messagingServiceSid: string;
  readonly body: string;
  readonly mediaUrls: readonly string[];
}

/**
 * What a form shows by itself; whether the number is ours, its queue full or the receiver opted out is asked after.
 * @throws ApiError
 */
export function refuseForm({ to, from, messagingServiceSid, body, mediaUrls }: SendForm): void {
  const refuse = (code: number, message: string) => {
    throw new ApiError(400, code, message);
  };
  if (to === '') refuse(21604, "A 'To' phone number is required.");
  if (from === '' && messagingServiceSid === '') refuse(21603, "A 'From' phone number is required.");
  if (body === '' && mediaUrls.length === 0) refuse(21602, 'Message body is required.');
  if (body.length > MAX_BODY) {
    refuse(21617, 'The concatenated message body exceeds the 1600 character limit');
  }
  if (mediaUrls.length > MAX_MEDIA) refuse(21623, 'Number of media files exceeds allowed limit');
  const fromCode = from === '' ? undefined : (BAD_FROM[from] ?? (isAddress(from) ? undefined : 21212));
  if (fromCode) refuse(fromCode, `The 'From' number ${from} cannot be used.`);
  const toCode = E164.test(to) ? BAD_TO[to] : 21211;
  if (toCode) refuse(toCode, `The 'To' number ${to} cannot be used.`);
  if (to === from) refuse(21266, "'To' and 'From' number cannot be the same");
}

const isAddress = (from: string): boolean => E164.test(from) || SHORT_CODE.test(from);

export const isMagicSender = (from: string): boolean => from === GOOD_FROM;

export const notOurSender = (from: string): ApiError =>
  new ApiError(
    400,
    21606,
    `The From phone number ${from} is not a valid, SMS-capable number of this account`,
  );
export const optedOut = (): ApiError => new ApiError(400, 21610, 'Attempt to send to unsubscribed recipient');
export const queueFull = (from: string): ApiError =>
  new ApiError(400, 21611, `This 'From' number ${from} has exceeded the maximum number of queued messages`);
