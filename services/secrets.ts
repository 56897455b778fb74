/**
 * Keys derived from one installation secret: SESSION_SECRET, or, when none is set, a random one that is made once
 * and kept in the record. Changing it makes sealed tokens unreadable and gives every phone another hash.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { Database } from './db/client.js';
import { installation } from './db/schema.js';
import type { E164, OrganizationId } from './types.js';

export interface Secrets {
  /** Keyed hash of a phone within one organization, 32 hexadecimal digits. */
  hashPhone(organizationId: OrganizationId, phone: E164): string;
  seal(organizationId: OrganizationId, clear: string): string;
  /** @throws Error when the text was sealed under another secret, for another organization, or was changed. */
  unseal(organizationId: OrganizationId, sealed: string): string;
  /** Key for the names of cached values. */
  readonly cacheKeyHash: Buffer;
}

export async function loadSecrets(database: Database, configured: string | undefined): Promise<Secrets> {
  return createSecrets(configured ?? (await keptSecret(database)));
}

async function keptSecret(database: Database): Promise<string> {
  const name = 'secret';
  await database.orm
    .insert(installation)
    .values({ name, value: randomBytes(32).toString('base64url') })
    .onConflictDoNothing();
  const [row] = await database.orm.select().from(installation).where(eq(installation.name, name));
  if (!row) throw new Error('The installation secret could not be stored.');
  return row.value;
}

export function createSecrets(secret: string): Secrets {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `jack:${purpose}`, 32));
  const phoneKey = derive('phone-hash');
  const sealKey = derive('seal');
  return {
    cacheKeyHash: derive('cache-keys'),
    hashPhone: (organizationId, phone) =>
      createHmac('sha256', phoneKey).update(`${organizationId}:${phone}`).digest('hex').slice(0, 32),
    seal: (organizationId, clear) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', sealKey, iv).setAAD(Buffer.from(organizationId));
      const body = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final()]);
      return `v1.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    unseal: (organizationId, sealed) => {
      const bytes = Buffer.from(sealed.replace(/^v1\./, ''), 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(0, 12));
      decipher.setAAD(Buffer.from(organizationId)).setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}

export const sha256Hex = (value: string): string => createHash('sha256').update(value).digest('hex');

/** Compares in constant time whatever the lengths: both sides are hashed first. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
