/** The small facts that a session carries. */
import { JackError } from '../errors.js';
import type { SessionData } from '../types.js';

/** Facts to merge one level deep, where null takes one away; or the new whole, made of the old. */
export type DataChange = SessionData | ((data: SessionData) => SessionData);

export const changedData = (data: SessionData, change: DataChange): SessionData =>
  typeof change === 'function' ? change(data) : withoutNulls({ ...data, ...change });

const withoutNulls = (data: SessionData): SessionData =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));

/** @throws JackError E_INPUT_INVALID */
export function refuseTooMuch(data: SessionData, maxBytes: number): void {
  if (Buffer.byteLength(JSON.stringify(data)) <= maxBytes) return;
  throw new JackError('E_INPUT_INVALID', `A session holds at most ${maxBytes} bytes of data.`);
}
