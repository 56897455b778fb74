/**
 * The order of locks in the record: the conversation (several: by id), then its messages and outbox rows. A trigger
 * touches the conversation of every changed message, so a statement that began with messages would take them the other
 * way round, and two could wait for each other.
 */
import { type SQL, sql } from 'drizzle-orm';

/** For `with`: locks the conversations of these ids. @param ids a query. */
export const lockedConversations = (ids: SQL): SQL =>
  sql`locked as materialized (
    select id from conversations where id in (${ids}) order by id for no key update)`;

/** For `where`: only when all of them are locked. @param id a column. */
export const isLocked = (id: SQL): SQL => sql`${id} = any(array(select locked.id from locked))`;
