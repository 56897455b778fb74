/** Where entries come from, and small helpers to work through them. */
import type { SourceEntry } from './shapeEntry.js';
import type { MigrationKind } from './types.js';

export interface EntrySource {
  /** What it holds, in the order in which it is to be moved. */
  readonly kinds: readonly MigrationKind[];
  /** May be read more than once. @param skip leaves out the first so many. */
  entries(kind: MigrationKind, skip: number): AsyncIterable<SourceEntry>;
}

export async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Up to `limit` at once. The first error ends it, after those under way have settled. */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => void | Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = queue.next(); !next.done && failures.length === 0; next = queue.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length > 0) throw failures[0];
}
