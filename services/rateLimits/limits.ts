/** How much is allowed, as data. A limit counts in windows of fixed length that begin with the first request. */

export interface Limit {
  /** Requests of one caller that a window allows. */
  readonly points: number;
  readonly windowMs: number;
}

const MINUTE_MS = 60_000;

export const DEFAULT_LIMITS = {
  /** API calls with one key or session. */
  key: { points: 600, windowMs: MINUTE_MS },
  /** API calls of one organization, whatever the credential. */
  organization: { points: 1_200, windowMs: MINUTE_MS },
  /** Requests of one address whose credential is missing or wrong. Requests with a valid one are not counted. */
  failedCredential: { points: 60, windowMs: MINUTE_MS },
  /** Tries to log in from one address, right ones too: a password can be guessed. */
  logIn: { points: 10, windowMs: MINUTE_MS },
  /** Webhooks of one address whose signature is missing or wrong. */
  unsignedWebhook: { points: 60, windowMs: MINUTE_MS },
  /** What one address sends from the phone page. Reading is not limited. */
  phonePage: { points: 60, windowMs: MINUTE_MS },
  /** Texts of one phone to one number. Beyond it nothing is refused: see RateLimits.inboundText. */
  inboundText: { points: 30, windowMs: MINUTE_MS },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof DEFAULT_LIMITS;
export type Limits = Readonly<Record<LimitName, Limit>>;

export const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as readonly LimitName[];

/** What one address may use up. */
export type AddressLimit = 'failedCredential' | 'logIn' | 'unsignedWebhook' | 'phonePage';
