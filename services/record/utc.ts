import { type SQL, sql } from 'drizzle-orm';

/** A time as the API writes it: ISO 8601 in UTC with milliseconds, whatever zone the session is in. */
export const isoUtc = (time: SQL): SQL =>
  sql`to_char(${time} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
