/** A file of Maps, or of a chat library, as a source of entries. It is read as a stream, each kind where it begins. */
import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { asError, JackError } from '../errors.js';
import { JsonSections, type JsonSlice } from './jsonSections.js';
import type { SourceEntry } from './shapeEntry.js';
import type { EntrySource } from './sources.js';
import type { MigrationKind } from './types.js';

export interface JsonFile extends EntrySource {
  readonly path: string;
  readonly bytes: number;
  /** Of the whole file, hex: what a resume point belongs to. */
  readonly sha256: string;
  /** Entries over all kinds. */
  readonly total: number;
}

const CHUNK_BYTES = 1024 * 1024;

interface Section {
  readonly kind: MigrationKind;
  /** Where its value begins. */
  readonly at: number;
}

/**
 * Reads the file once, from end to end: that it is whole, what it holds and where.
 * @throws JackError E_INPUT_INVALID when there is no such file, it is not this kind of JSON, or it holds nothing known.
 */
export async function openJsonFile(
  path: string,
  kinds: readonly MigrationKind[],
  onProgress: (readBytes: number, ofBytes: number) => void = () => undefined,
): Promise<JsonFile> {
  const { size } = await statFile(path);
  const sections = new Map<string, Section>();
  const hash = createHash('sha256');
  const parser = new JsonSections();
  let total = 0;
  let readBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    for (const { section, sectionAt, isEntry } of parser.push(chunk)) {
      const kind = kinds.find((name) => name === section);
      if (!isEntry || !kind) continue;
      sections.set(`${kind} ${sectionAt}`, { kind, at: sectionAt });
      total += 1;
    }
    readBytes += chunk.length;
    onProgress(readBytes, size);
  }
  parser.end();
  if (!kinds.some((kind) => parser.names.has(kind))) refuseUnknown(path, kinds, parser.names);
  const found = [...sections.values()];
  return {
    path,
    bytes: size,
    sha256: hash.digest('hex'),
    total,
    kinds: kinds.filter((kind) => found.some((section) => section.kind === kind)),
    entries: (kind, skip) =>
      entriesOf(
        path,
        found.filter((section) => section.kind === kind),
        skip,
      ),
  };
}

async function statFile(path: string): Promise<Stats> {
  const stats = await stat(path).catch((error: unknown) => {
    throw new JackError('E_INPUT_INVALID', `${path} cannot be read.`, { cause: asError(error) });
  });
  if (!stats.isFile()) throw new JackError('E_INPUT_INVALID', `${path} is not a file.`);
  return stats;
}

/** An empty dump is fine as long as it is one. */
function refuseUnknown(path: string, kinds: readonly MigrationKind[], names: ReadonlySet<string>): void {
  const has = names.size > 0 ? ` It has: ${[...names].slice(0, 5).join(', ')}.` : '';
  throw new JackError('E_INPUT_INVALID', `${path} holds none of ${kinds.join(', ')}.${has}`);
}

async function* entriesOf(
  path: string,
  sections: readonly Section[],
  skip: number,
): AsyncGenerator<SourceEntry> {
  let index = 0;
  for (const { kind, at } of sections) {
    for await (const slice of slicesOf(path, kind, at)) {
      if (index >= skip) yield entryOf(kind, slice, index);
      index += 1;
    }
  }
}

async function* slicesOf(path: string, kind: MigrationKind, at: number): AsyncGenerator<JsonSlice> {
  const parser = new JsonSections({ section: { name: kind, at } });
  const stream = createReadStream(path, { start: at, highWaterMark: CHUNK_BYTES });
  // Leaving the loop early ends the stream.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    yield* parser.push(chunk);
    if (parser.isDone) return;
  }
  parser.end();
}

/** A Map is written as an object, or as its entries: `[["key", value], …]`. */
function entryOf(kind: MigrationKind, { key, bytes }: JsonSlice, index: number): SourceEntry {
  const place = key ?? `#${index}`;
  if (!bytes) return { kind, key: place, value: undefined, problem: 'too_large' };
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // Counted with its key; the entries around it are sound.
    return { kind, key: place, value: undefined, problem: 'not_json' };
  }
  if (key !== undefined || kind === 'conversations' || kind === 'keys') return { kind, key: place, value };
  if (Array.isArray(value) && typeof value[0] === 'string') return { kind, key: value[0], value: value[1] };
  return { kind, key: place, value, problem: 'entry_has_no_key' };
}
