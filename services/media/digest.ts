import { webcrypto } from 'node:crypto';

/** SHA-256, hex. In the thread pool: 5 MB take some 10 ms, which no text should wait for. */
export async function digestOf(bytes: Buffer): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}
