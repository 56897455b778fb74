/**
 * Values over REST. A command is JSON, so a value has to be text. What is valid UTF-8 goes as it is and lies in Redis
 * byte for byte as another client would have written it; the rest goes as base64 behind a mark. Answers come as base64
 * of the stored bytes, so every value can be read, whoever wrote it.
 */
import { isUtf8 } from 'node:buffer';

const MARK = 'base64:';
const MARK_BYTES = Buffer.from(MARK);

export const toText = (value: Buffer): string =>
  isUtf8(value) && !isMarked(value) ? value.toString('utf8') : `${MARK}${value.toString('base64')}`;

export const fromStored = (stored: Buffer): Buffer =>
  isMarked(stored) ? Buffer.from(stored.toString('latin1', MARK.length), 'base64') : stored;

const isMarked = (bytes: Buffer): boolean => bytes.subarray(0, MARK.length).equals(MARK_BYTES);
