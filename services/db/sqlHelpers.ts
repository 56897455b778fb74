import { type SQL, sql } from 'drizzle-orm';

/** Rows as one parameter, for `jsonb_to_recordset`: a batch of any size is one statement of constant text. */
export const jsonRows = (rows: readonly object[]): SQL => sql`${JSON.stringify(rows)}::jsonb`;

/** A list as one array parameter, the same on both engines (drivers spell array parameters differently). */
export const uuidList = (ids: readonly string[]): SQL =>
  sql`(select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`;

/** Columns keep whole milliseconds and round up at the half, so a moment just written may lie ahead of the clock by that. */
export const nowRounded: SQL = sql`(clock_timestamp() + interval '0.5 ms')`;

export const milliseconds = (ms: number): SQL => sql`make_interval(secs => ${ms / 1000}::float8)`;
