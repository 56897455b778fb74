/** The Map: the same contract in this process, bounded in bytes and entries, least recently used first out. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { CacheDriver, StoredEntry, Tag } from './types.js';

export interface MemoryDriverOptions {
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly maxEntries?: number;
}

export interface MemoryStats {
  /** The ceiling. */
  readonly maxBytes: number;
  readonly entries: number;
  readonly bytes: number;
  readonly evictions: number;
}

export interface MemoryDriver extends CacheDriver {
  /** What is stored and still valid, with the lifetime that is left. */
  entries(): IterableIterator<StoredEntry>;
  /** The same of one name, without counting as a use of it. */
  entry(name: string): StoredEntry | undefined;
  /** The same as `set`, at once. */
  put(entries: readonly StoredEntry[]): void;
  /** Deletes at once, without a promise: what follows in the same turn of the event loop sees it. */
  forget(names: readonly string[]): void;
  clear(): void;
  isEmpty(): boolean;
  stats(): MemoryStats;
}

interface Kept {
  readonly value: Buffer;
  /** None: a lease, which no tag clears. */
  readonly tags: readonly Tag[];
  readonly expiresAtMs: number;
}

/** What is around a value and its name: objects, Map and list nodes, the set of its tag; measured with values of 0.1 to 20 kB. */
const OVERHEAD_BYTES = 500;
const DEFAULT_MAX_ENTRIES = 200_000;

export function createMemoryDriver({
  clock,
  maxBytes,
  maxEntries = DEFAULT_MAX_ENTRIES,
}: MemoryDriverOptions): MemoryDriver {
  const names = new Map<Tag, Set<string>>();
  let evictions = 0;
  const kept = new LRUCache<string, Kept>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: (entry, name) => entry.value.length + 2 * name.length + OVERHEAD_BYTES,
    dispose: (entry, name, reason) => {
      if (reason === 'evict') evictions += 1;
      if (reason !== 'set') forget(entry, name);
    },
  });

  function forget({ tags }: Kept, name: string): void {
    for (const tag of tags) {
      const own = names.get(tag);
      own?.delete(name);
      if (own?.size === 0) names.delete(tag);
    }
  }

  function read(name: string): Kept | undefined {
    const entry = kept.get(name);
    if (!entry || entry.expiresAtMs > clock.monotonicMs()) return entry;
    kept.delete(name);
    return undefined;
  }

  function write(name: string, value: Buffer, ttlMs: number, tags: readonly Tag[]): void {
    // Under other tags than before, perhaps: what was there leaves its own first.
    const before = kept.peek(name);
    if (before) forget(before, name);
    kept.set(name, { value: ownBytes(value), tags, expiresAtMs: clock.monotonicMs() + ttlMs });
    // A value above the ceiling is not kept at all; then it must not be listed either.
    if (!kept.has(name)) return;
    for (const tag of tags) {
      const own = names.get(tag);
      if (own) own.add(name);
      else names.set(tag, new Set([name]));
    }
  }

  function put(entries: readonly StoredEntry[]): void {
    for (const { name, value, ttlMs, tags } of entries) {
      if (ttlMs > 0) write(name, value, ttlMs, tags);
      else kept.delete(name);
    }
  }

  function remove(name: string): boolean {
    return read(name) !== undefined && kept.delete(name);
  }

  return {
    name: 'memory',
    leaseScope: 'process',
    getMany: async (wanted) => wanted.map((name) => read(name)?.value),
    set: async (entries) => put(entries),
    put,
    setIfAbsent: async ({ name, value, ttlMs, tags }) => {
      if (read(name)) return false;
      if (ttlMs > 0) write(name, value, ttlMs, tags);
      return true;
    },
    delete: async (wanted) => wanted.filter(remove).length,
    acquireLease: async (name, token, ttlMs) => {
      if (ttlMs <= 0 || read(name)) return false;
      write(name, Buffer.from(token), ttlMs, []);
      return true;
    },
    releaseLease: async (name, token) => {
      const holder = read(name)?.value;
      return holder?.equals(Buffer.from(token)) === true && kept.delete(name);
    },
    clearTag: async (tag) => [...(names.get(tag) ?? [])].filter(remove).length,
    *entries() {
      const nowMs = clock.monotonicMs();
      for (const [name, { value, tags, expiresAtMs }] of kept.entries()) {
        if (tags.length === 0 || expiresAtMs <= nowMs) continue;
        yield { name, value, tags, ttlMs: expiresAtMs - nowMs };
      }
    },
    entry: (name) => {
      const found = kept.peek(name);
      const ttlMs = (found?.expiresAtMs ?? 0) - clock.monotonicMs();
      if (!found || found.tags.length === 0 || ttlMs <= 0) return undefined;
      return { name, value: found.value, tags: found.tags, ttlMs };
    },
    forget: (wanted) => {
      for (const name of wanted) remove(name);
    },
    isEmpty: () => kept.size === 0,
    clear: () => {
      names.clear();
      kept.clear();
    },
    stats: () => ({ maxBytes, entries: kept.size, bytes: kept.calculatedSize, evictions }),
  };
}

/**
 * Small buffers are parts of slabs that they share, and received ones parts of what came with them: each would hold on
 * to all of it for as long as it is kept. Measured with values that are stored again and again: twice the ceiling.
 */
function ownBytes(value: Buffer): Buffer {
  if (value.length === value.buffer.byteLength) return value;
  const own = Buffer.allocUnsafeSlow(value.length);
  own.set(value);
  return own;
}
