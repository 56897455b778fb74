/** Media in a bucket of S3, or of what speaks its protocol (MinIO, R2, Ceph). For several machines. */
import { createHash } from 'node:crypto';
import type { MediaConfig } from '../config/media.js';
import { signV4 } from './signatureV4.js';
import type { MediaKey, MediaStore } from './types.js';

export interface S3StoreOptions {
  readonly s3: NonNullable<MediaConfig['s3']>;
  /** For dates of signatures. */
  readonly clock: { now(): number };
  readonly timeoutMs?: number;
}

const NO_BODY = createHash('sha256').update('').digest('hex');
/** Shorter than a claim of a row holds. */
const TIMEOUT_MS = 20_000;

export function createS3Store({ s3, clock, timeoutMs = TIMEOUT_MS }: S3StoreOptions): MediaStore {
  /** Path style, which every implementation of the protocol understands. */
  const urlOf = ({ organizationId, digest }: MediaKey): URL =>
    new URL(`${s3.endpoint}/${s3.bucket}/media/${organizationId}/${digest}`);
  const ask = async (method: string, key: MediaKey, body?: Buffer): Promise<Response> => {
    const url = urlOf(key);
    const bodyDigest = body ? key.digest : NO_BODY;
    return await fetch(url, {
      method,
      headers: signV4(s3, { method, url, bodyDigest, at: new Date(clock.now()) }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: new Uint8Array(body) } : {}),
    });
  };
  return {
    put: async (key, bytes) => {
      const response = await ask('PUT', key, bytes);
      await expectOk(response, 'stored');
    },
    get: async (key) => {
      const response = await ask('GET', key);
      if (response.status === 404) {
        await response.body?.cancel();
        return undefined;
      }
      if (!response.ok) await expectOk(response, 'read');
      return Buffer.from(await response.arrayBuffer());
    },
    delete: async (key) => {
      const response = await ask('DELETE', key);
      if (response.status !== 404) await expectOk(response, 'deleted');
    },
  };
}

/** The answer's body is not repeated: it may name keys. */
async function expectOk(response: Response, what: string): Promise<void> {
  await response.body?.cancel();
  if (!response.ok) throw new Error(`The bucket answered ${response.status}: media could not be ${what}.`);
}
