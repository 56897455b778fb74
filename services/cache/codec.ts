/**
 * Values as bytes: one byte that says how, then JSON, deflated where that is smaller. A form that this version does
 * not know, or bytes that do not decode, are a miss: another version of Jack may share the Redis.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Decoded, ValueCodec } from './types.js';

const JSON_PLAIN = 1;
const JSON_DEFLATED = 2;
/** Below it deflating costs time and saves nothing (measured on conversations of 10 and 50 messages). */
const DEFLATE_FROM_BYTES = 1_024;
/** No cached value is near it; a damaged length must not fill the memory. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;
const PLAIN_MARK = Buffer.of(JSON_PLAIN);
const DEFLATED_MARK = Buffer.of(JSON_DEFLATED);

/** @throws TypeError for undefined, functions and the like: JSON has no such values. */
export function encode(value: unknown): Buffer {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new TypeError('This value cannot be written as JSON.');
  const plain = Buffer.from(json, 'utf8');
  if (plain.length >= DEFLATE_FROM_BYTES) {
    const deflated = deflateRawSync(plain, { level: 1 });
    if (deflated.length < plain.length) return Buffer.concat([DEFLATED_MARK, deflated]);
  }
  return Buffer.concat([PLAIN_MARK, plain]);
}

export function decode(bytes: Buffer): Decoded {
  try {
    const body = bytes.subarray(1);
    if (bytes[0] === JSON_PLAIN) return { isUsable: true, value: JSON.parse(body.toString('utf8')) };
    if (bytes[0] === JSON_DEFLATED) {
      const plain = inflateRawSync(body, { maxOutputLength: MAX_INFLATED_BYTES });
      return { isUsable: true, value: JSON.parse(plain.toString('utf8')) };
    }
    return { isUsable: false };
  } catch {
    // Damaged bytes: the caller counts and logs the miss.
    return { isUsable: false };
  }
}

export const jsonCodec = { encode, decode } as ValueCodec<unknown>;
