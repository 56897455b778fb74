import { createHash } from 'node:crypto';

/** The carrier's name of a text, (AccountSid, MessageSid), as 128 bits in the form of a UUID. */
export function carrierKey(accountSid: string, messageSid: string): string {
  const hex = createHash('sha256').update(`${accountSid} ${messageSid}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
