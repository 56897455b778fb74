/** What a session's cookie carries. The record and the cache know only its hash. */
import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../secrets.js';

/** 256 bits as base64url. */
const FORM = /^[A-Za-z0-9_-]{43}$/;

export const newSessionToken = (): string => randomBytes(32).toString('base64url');

/** @returns undefined when the text is not of the form of a token, so that nothing has to be asked. */
export const hashSessionToken = (text: string): string | undefined =>
  FORM.test(text) ? sha256Hex(text) : undefined;
