import type { OrganizationId } from '../types.js';

/** Bytes are named by their SHA-256 within their organization: what is sent twice is kept once, and never shared further. */
export interface MediaKey {
  readonly organizationId: OrganizationId;
  /** 64 hexadecimal digits. */
  readonly digest: string;
}

/** Where the bytes are. Both implementations pass test/unit/media/store.test.ts. */
export interface MediaStore {
  /** Returns when the bytes are there to stay. Storing them again changes nothing. */
  put(key: MediaKey, bytes: Buffer): Promise<void>;
  /** @returns undefined when they are not there. */
  get(key: MediaKey): Promise<Buffer | undefined>;
  /** What is not there is deleted already. */
  delete(key: MediaKey): Promise<void>;
}

export interface MediaLimits {
  /** Of one picture or file; the carrier's own limit for a whole text is 5 MB. */
  readonly maxBytes: number;
  /** For one download with all its redirects. */
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  /** How long a claim holds: longer than a download and storing it may take together. */
  readonly leaseMs: number;
  /** How often due rows of other or dead processes are looked for. */
  readonly sweepMs: number;
  /** After so many failures it is given up, and staff are told. */
  readonly maxAttempts: number;
  /** Until the second attempt; doubled each time. */
  readonly firstRetryMs: number;
  /** Between the two passes of an erasure: longer than a claim holds. */
  readonly secondPassMs: number;
  /** Redirects may lead to this machine. Only for a carrier double that runs on it. */
  readonly isLoopbackAllowed: boolean;
}

export const DEFAULT_MEDIA_LIMITS: MediaLimits = {
  maxBytes: 5 * 1024 * 1024,
  timeoutMs: 20_000,
  maxConcurrent: 4,
  leaseMs: 60_000,
  sweepMs: 5_000,
  // With the doubling and its ceiling of 15 minutes: about an hour.
  maxAttempts: 12,
  firstRetryMs: 2_000,
  secondPassMs: 10 * 60_000,
  isLoopbackAllowed: false,
};
