/** Writes the formats that this folder reads. A file appears when it is whole, readable by its owner alone. */
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asError, JackError } from '../errors.js';

/** A section of the outer object: a Map's entries, or a list. */
export interface Section {
  readonly name: string;
  readonly entries: AsyncIterable<readonly [key: string, value: unknown]> | undefined;
  readonly items?: AsyncIterable<unknown>;
}

/**
 * @returns entries written a section.
 * @throws JackError E_CONFLICT when the file is there and must not be replaced; E_INPUT_INVALID when it cannot be written.
 */
export async function writeJsonFile(
  path: string,
  sections: readonly Section[],
  options: { readonly replaces: boolean; readonly signal?: AbortSignal | undefined },
): Promise<Record<string, number>> {
  if (!options.replaces && existsSync(path)) {
    throw new JackError('E_CONFLICT', `${path} is there already.`);
  }
  const counts: Record<string, number> = {};
  const unfinished = `${path}.${process.pid}.part`;
  try {
    const pieces = Readable.from(piecesOf(sections, counts), { highWaterMark: 64 });
    const file = createWriteStream(unfinished, { mode: 0o600, flags: 'wx' });
    await pipeline(pieces, file, options.signal ? { signal: options.signal } : {});
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && /^E(ACCES|NOENT|ROFS|NOTDIR|ISDIR|EXIST)$/.test(code)) {
      throw new JackError('E_INPUT_INVALID', `${path} cannot be written.`, { cause: asError(error) });
    }
    throw error;
  }
  return counts;
}

async function* piecesOf(
  sections: readonly Section[],
  counts: Record<string, number>,
): AsyncGenerator<string> {
  yield '{';
  for (const [index, { name, entries, items }] of sections.entries()) {
    yield `${index > 0 ? ',' : ''}\n${JSON.stringify(name)}: ${items ? '[' : '{'}`;
    let count = 0;
    for await (const text of textsOf(entries, items)) {
      yield `${count > 0 ? ',' : ''}\n${text}`;
      count += 1;
    }
    counts[name] = count;
    yield `${count > 0 ? '\n' : ''}${items ? ']' : '}'}`;
  }
  yield '\n}\n';
}

async function* textsOf(
  entries: AsyncIterable<readonly [string, unknown]> | undefined,
  items: AsyncIterable<unknown> | undefined,
): AsyncGenerator<string> {
  for await (const [key, value] of entries ?? none())
    yield `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  for await (const item of items ?? none()) yield JSON.stringify(item);
}

async function* none(): AsyncGenerator<never> {
  // Nothing.
}
