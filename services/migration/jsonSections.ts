/**
 * Reads `{"a": {"key": value, …}, "b": [value, …], …}` as it streams by: one entry at a time, whatever the size of the
 * file. Only the two outer levels are looked at here; an entry is handed on as its bytes.
 */
import { JackError } from '../errors.js';

export interface JsonSlice {
  /** The name on the outer level. */
  readonly section: string;
  /** In an object; undefined in a list, and for a section that is neither. */
  readonly key: string | undefined;
  /** Undefined when the entry is larger than the limit. */
  readonly bytes: Buffer | undefined;
  /** Of the section's own value in the file. */
  readonly sectionAt: number;
  /** False for a section that is a plain value. */
  readonly isEntry: boolean;
}

const MAX_ENTRY_BYTES = 32 * 1024 * 1024;
const MAX_NAME_BYTES = 4_096;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);
const ENDS_PLAIN = new Set([...SPACES, COMMA, CLOSE_OBJECT, CLOSE_LIST]);

type Expects = 'open' | 'name' | 'colon' | 'value' | 'comma' | 'nothing';

export class JsonSections {
  readonly #maxEntryBytes: number;
  readonly #isOneSection: boolean;
  #at = 0;
  /** Level 1: names of sections; level 2: entries of one. */
  #level: 0 | 1 | 2 = 0;
  #isList = false;
  #isEmpty = true;
  #expects: Expects = 'open';
  #section = '';
  #sectionAt = 0;
  #key: string | undefined;
  #capture: Capture | undefined;
  #slices: JsonSlice[] = [];
  /** Of the outer level, empty sections included; the first hundred. */
  readonly names = new Set<string>();

  constructor(
    options: { readonly maxEntryBytes?: number; readonly section?: { name: string; at: number } } = {},
  ) {
    this.#maxEntryBytes = options.maxEntryBytes ?? MAX_ENTRY_BYTES;
    this.#isOneSection = options.section !== undefined;
    if (!options.section) return;
    this.#level = 1;
    this.#expects = 'value';
    this.#section = options.section.name;
    this.#at = options.section.at;
  }

  /** True when what was asked for has been read; the rest of the file does not matter. */
  get isDone(): boolean {
    return this.#expects === 'nothing';
  }

  /** @throws JackError E_INPUT_INVALID with the place, when it is not JSON of this form. */
  push(chunk: Buffer): JsonSlice[] {
    this.#slices = [];
    let index = 0;
    while (index < chunk.length && !(this.#isOneSection && this.isDone)) {
      index = this.#capture ? this.#collect(this.#capture, chunk, index) : this.#step(chunk, index);
    }
    this.#at += chunk.length;
    return this.#slices;
  }

  /** @throws JackError E_INPUT_INVALID when the file ends too early. */
  end(): void {
    if (!this.isDone) throw notJson(this.#at, 'it ends too early');
  }

  #step(chunk: Buffer, index: number): number {
    const byte = chunk[index] ?? 0;
    if (SPACES.has(byte) || (this.#at + index < 3 && BOM.has(byte))) return index + 1;
    const at = this.#at + index;
    switch (this.#expects) {
      case 'open':
        if (byte !== OPEN_OBJECT) throw notJson(at, 'it does not begin with an object');
        this.#enter(1, false);
        return index + 1;
      case 'name':
        if (byte === CLOSE_OBJECT && this.#isEmpty) return this.#leave(index);
        if (byte !== QUOTE) throw notJson(at, 'a name is expected');
        this.#capture = new Capture(byte, MAX_NAME_BYTES);
        return index;
      case 'colon':
        if (byte !== COLON) throw notJson(at, 'a colon is expected');
        this.#expects = 'value';
        return index + 1;
      case 'value':
        return this.#value(index, byte);
      case 'comma':
        return this.#next(at, index, byte);
      case 'nothing':
        throw notJson(at, 'something follows its end');
      default:
        return this.#expects satisfies never;
    }
  }

  #value(index: number, byte: number): number {
    const at = this.#at + index;
    if (this.#level === 1) {
      this.#sectionAt = at;
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        this.#enter(2, byte === OPEN_LIST);
        return index + 1;
      }
    } else if (this.#isList && this.#isEmpty && byte === CLOSE_LIST) {
      return this.#leave(index);
    }
    if (byte === COMMA || byte === COLON || byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      throw notJson(at, 'a value is expected');
    }
    this.#capture = new Capture(byte, this.#maxEntryBytes);
    return index;
  }

  #next(at: number, index: number, byte: number): number {
    const closes = this.#level === 2 && this.#isList ? CLOSE_LIST : CLOSE_OBJECT;
    if (byte === closes) return this.#leave(index);
    if (byte !== COMMA) throw notJson(at, 'a comma is expected');
    this.#isEmpty = false;
    this.#expects = this.#level === 2 && this.#isList ? 'value' : 'name';
    return index + 1;
  }

  #enter(level: 1 | 2, isList: boolean): void {
    this.#level = level;
    this.#isList = isList;
    this.#isEmpty = true;
    this.#key = undefined;
    this.#expects = isList ? 'value' : 'name';
  }

  #leave(index: number): number {
    if (this.#level === 1) this.#expects = 'nothing';
    else {
      this.#level = 1;
      this.#isList = false;
      this.#expects = this.#isOneSection ? 'nothing' : 'comma';
    }
    return index + 1;
  }

  #collect(capture: Capture, chunk: Buffer, index: number): number {
    const end = capture.take(chunk, index);
    if (end === -1) return chunk.length;
    this.#capture = undefined;
    if (this.#expects === 'name') {
      this.#named(capture.bytes());
      return end;
    }
    this.#slices.push({
      section: this.#section,
      key: this.#key,
      bytes: capture.bytes(),
      sectionAt: this.#sectionAt,
      isEntry: this.#level === 2,
    });
    this.#isEmpty = false;
    this.#expects = this.#level === 1 && this.#isOneSection ? 'nothing' : 'comma';
    return end;
  }

  #named(bytes: Buffer | undefined): void {
    const name = bytes && parseName(bytes);
    if (name === undefined) throw notJson(this.#at, 'a name is not valid');
    if (this.#level === 1) {
      this.#section = name;
      if (this.names.size < 100) this.names.add(name);
    } else this.#key = name;
    this.#expects = 'colon';
  }
}

/** Bytes of a UTF-8 byte order mark, which some editors put in front. */
const BOM = new Set([0xef, 0xbb, 0xbf]);

function parseName(bytes: Buffer): string | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as string;
  } catch {
    // The caller says where.
    return undefined;
  }
}

const notJson = (at: number, why: string): JackError =>
  new JackError('E_INPUT_INVALID', `The file is not the JSON that is expected: ${why} (byte ${at}).`);

/** One value from its first byte to its last, over as many chunks as it takes. */
class Capture {
  readonly #isPlain: boolean;
  readonly #isText: boolean;
  readonly #maxBytes: number;
  #parts: Buffer[] | undefined = [];
  #size = 0;
  #depth = 0;
  #isInText = false;
  #isEscaped = false;

  constructor(first: number, maxBytes: number) {
    this.#isText = first === QUOTE;
    this.#isPlain = !this.#isText && first !== OPEN_OBJECT && first !== OPEN_LIST;
    this.#maxBytes = maxBytes;
  }

  /** @returns where the value ends in this chunk, or -1 when it goes on. */
  take(chunk: Buffer, from: number): number {
    const end = this.#isPlain ? endOfPlain(chunk, from) : this.#endOfNested(chunk, from);
    const part = chunk.subarray(from, end === -1 ? chunk.length : end);
    this.#size += part.length;
    if (this.#size > this.#maxBytes) this.#parts = undefined;
    else this.#parts?.push(part);
    return end;
  }

  bytes(): Buffer | undefined {
    return this.#parts && (this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts));
  }

  #endOfNested(chunk: Buffer, from: number): number {
    for (let index = from; index < chunk.length; index += 1) {
      const byte = chunk[index];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isInText) {
        if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) {
          this.#isInText = false;
          if (this.#depth === 0) return index + 1;
        }
      } else if (byte === QUOTE) this.#isInText = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        this.#depth -= 1;
        if (this.#depth === 0) return index + 1;
      }
    }
    return -1;
  }
}

function endOfPlain(chunk: Buffer, from: number): number {
  for (let index = from; index < chunk.length; index += 1) {
    if (ENDS_PLAIN.has(chunk[index] ?? 0)) return index;
  }
  return -1;
}
