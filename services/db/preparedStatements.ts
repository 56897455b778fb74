/**
 * Statements of constant text are parsed and planned once a connection. Jack's are: batches travel as one JSON
 * parameter. With a pooler in front, it must know prepared statements (PgBouncer 1.21 and later, `max_prepared_statements`).
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';

/** More different texts than Jack has; the rest go unprepared, so that nothing grows without bound. */
const MAX_NAMES = 500;

interface Statement {
  readonly text: string;
  name?: string;
}

/** Names every parameterised statement that `client` is asked to run. */
export function prepareStatements(client: pg.PoolClient): void {
  const names = new Map<string, string>();
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const named = (first: unknown, second: unknown): unknown => {
    if (!isStatement(first) || first.name !== undefined || !Array.isArray(second) || second.length === 0)
      return first;
    const name = nameOf(names, first.text);
    return name === undefined ? first : { ...first, name };
  };
  const wrapped = (first: unknown, ...rest: unknown[]): unknown => query(named(first, rest[0]), ...rest);
  client.query = wrapped as typeof client.query;
}

const isStatement = (value: unknown): value is Statement =>
  typeof value === 'object' && value !== null && typeof (value as { text?: unknown }).text === 'string';

function nameOf(names: Map<string, string>, text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_NAMES) return known;
  const name = `jack_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
  names.set(text, name);
  return name;
}
