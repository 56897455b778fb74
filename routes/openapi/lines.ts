/** Long answers, one JSON value a line (application/x-ndjson), read from the record no faster than the caller takes them. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';

export const LINES_TYPE = 'application/x-ndjson';

/** What fails before the first line is thrown and can be answered; later the connection breaks off, and it is thrown too. */
export async function sendLines(res: Response, values: AsyncIterable<unknown>): Promise<void> {
  const iterator = values[Symbol.asyncIterator]();
  const first = await iterator.next();
  res.setHeader('Content-Type', LINES_TYPE);
  try {
    await pipeline(Readable.from(toLines(first, iterator)), res);
  } catch (error) {
    // A caller that has gone wants no more lines.
    if ((error as { code?: unknown }).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function* toLines(
  first: IteratorResult<unknown>,
  iterator: AsyncIterator<unknown>,
): AsyncGenerator<string> {
  try {
    for (let next = first; !next.done; next = await iterator.next()) yield `${JSON.stringify(next.value)}\n`;
  } finally {
    await iterator.return?.();
  }
}
