/** A message as JSON built by the database, so that lists travel in one value and times have one form. */
import { sql } from 'drizzle-orm';
import type { ContextMessage, Message } from '../types.js';

/** For a table aliased `m`. */
export const messageJson = sql`jsonb_build_object('seq', m.seq, 'id', m.id, 'direction', m.direction, 'sender', m.sender,
  'body', m.body, 'media', m.media, 'segments', m.segments, 'status', m.status, 'errorCode', m.error_code,
  'retracted', m.retracted,
  'createdAt', m.created_at)
  || (case when m.masked is null then '{}'::jsonb else jsonb_build_object('masked', m.masked) end)`;

export type MessageRow = Message;

/** PostgreSQL writes times with the session's offset; the API's form is UTC with a Z. */
export const toMessage = (row: MessageRow): Message => ({
  ...row,
  createdAt: new Date(row.createdAt).toISOString(),
});

export const toContextMessage = (row: MessageRow): ContextMessage => ({
  seq: row.seq,
  direction: row.direction,
  sender: row.sender,
  body: row.body,
  media: row.media,
  createdAtMs: Date.parse(row.createdAt),
});
