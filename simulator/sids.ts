/** Twilio's ids: two letters for the kind and 32 hexadecimal digits. */
import { randomBytes } from 'node:crypto';

/** Account, text, text with media, medium, Messaging Service, API key, webhook request. */
export type SidKind = 'AC' | 'SM' | 'MM' | 'ME' | 'MG' | 'SK' | 'RQ';

/** @param random from 0 up to 1; absent: unguessable. */
export function newSid(kind: SidKind, random?: () => number): string {
  if (!random) return kind + randomBytes(16).toString('hex');
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16));
  return kind + digits.join('');
}
