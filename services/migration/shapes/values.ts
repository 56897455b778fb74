/** Reading values whose names and forms differ from server to server. */
import { z } from 'zod';

export type Fields = Readonly<Record<string, unknown>>;

const fieldsSchema = z.record(z.string(), z.unknown());

/** An object, also one that was kept as JSON text; undefined for anything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  const parsed = fieldsSchema.safeParse(value instanceof Map ? Object.fromEntries(value) : unwrapped(value));
  return parsed.success ? parsed.data : undefined;
}

/** Values that were kept as JSON text come out as what they say. */
export function unwrapped(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // Text that begins with a brace and is no JSON is just text.
    return value;
  }
}

/** The first of these names that holds something. */
export function pick(fields: Fields, names: readonly string[]): unknown {
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return undefined;
}

/** What PostgreSQL can store and every reader can show: no NUL, no half of a surrogate pair. */
export const storable = (text: string): string => text.replaceAll('\0', '').replace(/\p{Cs}/gu, '\uFFFD');

/** @returns trimmed text of 1 to `most` characters, numbers included; undefined for the rest. */
export function wordsOf(value: unknown, most: number): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const words = storable(String(value)).trim();
  return words.length > 0 && words.length <= most ? words : undefined;
}

const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/** ISO text, a Date, seconds or milliseconds since the epoch. */
export function timeOf(value: unknown): number | undefined {
  const atMs = millisecondsOf(value);
  return atMs !== undefined && atMs >= EARLIEST_MS && atMs < LATEST_MS ? Math.floor(atMs) : undefined;
}

function millisecondsOf(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'string' && !/^\d+(\.\d+)?$/.test(value)) return Date.parse(value);
  const count = Number(value);
  if ((typeof value !== 'number' && typeof value !== 'string') || !Number.isFinite(count)) return undefined;
  // Seconds of any year up to 5138 are below this, milliseconds of any year after 1973 above.
  return count < 100_000_000_000 ? count * 1000 : count;
}

/** `true`, `"true"`, `"yes"`, `1`. */
export const isYes = (value: unknown): boolean =>
  value === true || value === 1 || (typeof value === 'string' && /^(true|yes|1)$/i.test(value.trim()));

/** Names of fields that nobody read, for the report; what is no plain name is not repeated. */
export function unreadNotes(fields: Fields, read: ReadonlySet<string>): string[] {
  return Object.keys(fields)
    .filter((name) => !read.has(name))
    .map((name) => `field_without_a_place:${/^[A-Za-z_]\w{0,39}$/.test(name) ? name : 'other'}`);
}
