/**
 * The Redis side of the contract. What is asked for in one moment travels together (services/waves.ts); never KEYS or SCAN.
 *
 * Every value is listed under its tags (tagIndex.ts). A write of a name that is known to be listed says "only if it is
 * still there", and is made good with its listing when it was not.
 */
import { readFileSync } from 'node:fs';
import type { ChainableCommander, Cluster, Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { type Clock, createSteadyTime } from '../clock.js';
import type { RedisAccess } from '../redis/access.js';
import { isOwnFault } from '../redis/guard.js';
import { createWave } from '../waves.js';
import {
  addListings,
  listingsOf,
  MAX_TTL_MS,
  type PipelineWithIndex,
  takenForListedUntilMs,
} from './tagIndex.js';
import type { CacheDriver, StoredEntry, Tag } from './types.js';

export interface RedisDriverDeps {
  readonly access: RedisAccess;
  readonly clock: Clock;
  /** Name of the sorted set that lists what a tag holds. */
  indexName(tag: Tag): string;
}

/** Small enough that no command keeps the server for a millisecond. */
const CLEAR_BATCH = 500;
const WAVE_ITEMS = 1_000;
/** Measured with 32 turns in flight: 4 to 16 are alike, 1 and 32 are slower. */
const WAVE_CALLS = 16;
/** Names that this process wrote; one that fell out is listed again. */
const KNOWN_NAMES = 50_000;

/** What this process knows of a name that it wrote. */
interface Note {
  /** Number of the last write of it. */
  lastWrite: number;
  /** Until when it is listed under all its tags, ms since 1970. */
  listedUntilMs: number;
}

interface WithScripts {
  releaseLease(name: string, token: string): Promise<number>;
  setListed(count: number, ...namesValuesAndTtls: (string | number | Buffer)[]): Promise<(number | string)[]>;
}

const script = (file: string) => readFileSync(new URL(`./lua/${file}`, import.meta.url), 'utf8');

export function createRedisDriver({ access, clock, indexName }: RedisDriverDeps): CacheDriver {
  const prepared = new WeakSet<Redis | Cluster>();
  const known = new LRUCache<string, Note>({ max: KNOWN_NAMES });
  const readWave = createWave<string, Buffer | undefined>({
    enoughCalls: WAVE_CALLS,
    maxItems: WAVE_ITEMS,
    send: readMany,
  });
  const writeWave = createWave<StoredEntry, boolean>({
    enoughCalls: WAVE_CALLS,
    maxItems: WAVE_ITEMS,
    send: writeMany,
  });
  // Names would be forgotten before their values when the clock is set forward.
  const steadyMs = createSteadyTime(clock);
  let writes = 0;
  let listings = 0;

  /** Of a millisecond: no two listings of a name have the same score, by which a clear tells an old one from a new one. */
  function ownPart(): number {
    listings = (listings + 1) % 1_000;
    return listings / 1_000;
  }

  function clientOf(group: number): Redis | Cluster {
    const client = access.clientOf(group);
    if (prepared.has(client)) return client;
    prepared.add(client);
    client.defineCommand('releaseLease', { numberOfKeys: 1, lua: script('releaseLease-1.lua') });
    client.defineCommand('indexNames', { numberOfKeys: 1, lua: script('index-1.lua') });
    client.defineCommand('unlistNames', { numberOfKeys: 1, lua: script('unlist-1.lua') });
    client.defineCommand('setListed', { lua: script('setListed-n.lua') });
    return client;
  }

  /** A command that does not travel in a wave goes after those that were asked for before it. */
  async function exchange<T>(
    operation: string,
    name: string,
    work: (client: Redis | Cluster) => Promise<T>,
  ): Promise<T> {
    const group = access.groupOf(name);
    writeWave.flush(group);
    readWave.flush(group);
    return await access.exchange(() => work(clientOf(group)), operation, group);
  }

  async function readMany(group: number, names: readonly string[]): Promise<(Buffer | undefined)[]> {
    const values = await access.exchange(() => clientOf(group).mgetBuffer(names as string[]), 'get', group);
    return values.map((value) => value ?? undefined);
  }

  /**
   * Names that are not known to be listed are listed in the same pipeline, after their values: when another client clears
   * or flushes in between, a name without a value is left, which does no harm. @returns for each entry whether it is stored; false: it was thought to be listed and is gone.
   */
  async function writeMany(group: number, entries: readonly StoredEntry[]): Promise<(boolean | Error)[]> {
    const nowMs = steadyMs();
    if (entries.length > 1 && entries.every(({ name, ttlMs }) => ttlMs > 0 && isListed(name, nowMs + ttlMs)))
      return await writeAllListed(group, entries);
    const pipeline = clientOf(group).pipeline() as PipelineWithIndex;
    const fresh = entries.filter((entry) => isFresh(entry, nowMs) && !isApart(entry));
    const listings = listingsOf(fresh, nowMs + ownPart(), indexName);
    for (const { name, value, ttlMs } of entries) {
      if (ttlMs <= 0) pipeline.unlink(name);
      else if (isListed(name, nowMs + ttlMs)) pipeline.set(name, value, 'PX', lifetime(ttlMs), 'XX');
      else pipeline.set(name, value, 'PX', lifetime(ttlMs));
    }
    addListings(pipeline, listings, nowMs);
    const replies = await access.exchange(() => execute(pipeline), 'set', group);
    const failed = replies.slice(entries.length).find(([error]) => error)?.[0];
    return replies.slice(0, entries.length).map(([error, reply]) => error ?? failed ?? reply !== null);
  }

  /** One command where a pipeline would be as many as there are values (measured: 2.7 µs a value instead of 7.4). */
  async function writeAllListed(
    group: number,
    entries: readonly StoredEntry[],
  ): Promise<(boolean | Error)[]> {
    const args: (string | number | Buffer)[] = entries.map(({ name }) => name);
    for (const { value, ttlMs } of entries) args.push(value, lifetime(ttlMs));
    const client = clientOf(group) as unknown as WithScripts;
    const replies = await access.exchange(() => client.setListed(entries.length, ...args), 'set', group);
    return replies.map((reply) => (typeof reply === 'string' ? new Error(reply) : reply === 1));
  }

  const isListed = (name: string, untilMs: number) => (known.peek(name)?.listedUntilMs ?? 0) >= untilMs;
  const isFresh = ({ name, ttlMs }: StoredEntry, nowMs: number) =>
    ttlMs > 0 && !isListed(name, nowMs + ttlMs);

  /** Lists names whose values are elsewhere, as the values of one tag are in a cluster. */
  async function list(entries: readonly StoredEntry[]): Promise<void> {
    const nowMs = steadyMs();
    const listings = [...listingsOf(entries, nowMs + ownPart(), indexName)];
    await Promise.all(
      [...byGroup(listings, ([index]) => index)].map(([group, own]) => {
        const pipeline = clientOf(group).pipeline() as PipelineWithIndex;
        addListings(pipeline, new Map(own), nowMs);
        return access.exchange(() => allDone(pipeline), 'index', group);
      }),
    );
  }

  const isApart = ({ name, tags }: StoredEntry) =>
    tags.some((tag) => access.groupOf(indexName(tag)) !== access.groupOf(name));

  function byGroup<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<number, Item[]> {
    const groups = new Map<number, Item[]>();
    for (const item of items) {
      const group = access.groupOf(nameOf(item));
      const own = groups.get(group);
      if (own) own.push(item);
      else groups.set(group, [item]);
    }
    return groups;
  }

  /** One value that is known to be listed: what nearly every write is. */
  async function writeListed(entry: StoredEntry): Promise<void> {
    const number = ++writes;
    noteWrite(entry.name, number);
    const own = [entry];
    const [isStored] = await writeWave.add(access.groupOf(entry.name), own);
    if (isStored === false) await writeAgain(own, number);
    // Cleared between the look and the sending, with an index that does not travel along.
    else if (isFresh(entry, steadyMs()) && isApart(entry)) await list(own);
  }

  async function write(entries: readonly StoredEntry[]): Promise<void> {
    const nowMs = steadyMs();
    const fresh = entries.filter((entry) => isFresh(entry, nowMs));
    const apart = fresh.filter(isApart);
    const number = ++writes;
    for (const { name } of entries) noteWrite(name, number);
    const groups = [...byGroup(entries, ({ name }) => name)];
    // Sent together; a value whose listing failed is reported as not stored, and its caller deletes it.
    const [stored] = await Promise.all([
      Promise.all(groups.map(([group, own]) => writeWave.add(group, own))),
      apart.length > 0 ? list(apart) : undefined,
    ]);
    for (const { name, ttlMs } of fresh) noteListed(name, number, takenForListedUntilMs(ttlMs, nowMs));
    const gone = groups.flatMap(([, own], n) => own.filter((_, at) => stored[n]?.[at] === false));
    if (gone.length > 0) await writeAgain(gone, number);
  }

  /**
   * Deleted, evicted, expired, or everything was flushed, and the listing with it. What was written or deleted since
   * then, here, is newer and stays.
   */
  async function writeAgain(gone: readonly StoredEntry[], number: number): Promise<void> {
    const own = gone.filter(({ name }) => known.peek(name)?.lastWrite === number);
    for (const { name } of own) known.delete(name);
    if (own.length > 0) await write(own);
  }

  function noteWrite(name: string, number: number): void {
    const note = known.peek(name);
    if (note) note.lastWrite = number;
    else known.set(name, { lastWrite: number, listedUntilMs: 0 });
  }

  function noteListed(name: string, number: number, untilMs: number): void {
    const note = known.peek(name);
    if (note?.lastWrite === number) note.listedUntilMs = untilMs;
  }

  /** A write that is under way for the name is not made good any more. */
  function noteGone(names: readonly string[]): void {
    for (const name of names) known.delete(name);
  }

  async function removeMany(names: readonly string[], operation: string): Promise<number> {
    const removed = await Promise.all(
      [...byGroup(names, (name) => name)].map(([group, own]) => {
        writeWave.flush(group);
        readWave.flush(group);
        return access.exchange(() => clientOf(group).unlink(...own), operation, group);
      }),
    );
    return removed.reduce((sum, count) => sum + count, 0);
  }

  /**
   * A name that is stored while this runs is listed anew and stays listed; one that was met already is left to those
   * who store it all the time, so that the clear ends.
   */
  async function clearAll(index: string): Promise<number> {
    const met = new Set<string>();
    let cleared = 0;
    let from = 0;
    let listed = await exchange('clear', index, (client) =>
      client.zrange(index, String(from), String(from + CLEAR_BATCH - 1), 'WITHSCORES'),
    );
    while (listed.length > 0) {
      const fresh = namesAndScores(listed).filter(([name]) => !met.has(name));
      from = fresh.length > 0 ? 0 : from + CLEAR_BATCH;
      for (const [name] of fresh) met.add(name);
      const removed = await removeListed(index, fresh, from);
      cleared += removed.count;
      listed = removed.listed;
    }
    return cleared;
  }

  /**
   * The values go, then their listings; those of what was stored meanwhile are newer and stay.
   * @returns how many values there were, and what is listed now, `from` there on.
   */
  async function removeListed(
    index: string,
    fresh: readonly (readonly [name: string, score: string])[],
    from: number,
  ): Promise<{ readonly count: number; readonly listed: string[] }> {
    const names = fresh.map(([name]) => name);
    noteGone(names);
    const group = access.groupOf(index);
    const isTogether = names.every((name) => access.groupOf(name) === group);
    // One exchange where all is in one place, as it is unless there is a cluster.
    const apart = isTogether ? 0 : await removeMany(names, 'clear');
    const replies = await exchange('clear', index, (client) => {
      const pipeline = client.pipeline() as PipelineWithIndex;
      if (isTogether && names.length > 0) pipeline.unlink(...names);
      if (names.length > 0) pipeline.unlistNames(index, ...fresh.flat());
      pipeline.zrange(index, String(from), String(from + CLEAR_BATCH - 1), 'WITHSCORES');
      return allDone(pipeline);
    });
    const together = isTogether && names.length > 0 ? (replies[0] as number) : 0;
    return { count: apart + together, listed: replies.at(-1) as string[] };
  }

  return {
    name: 'redis',
    leaseScope: 'shared',
    getMany: async (names) => {
      const [first] = names;
      if (first === undefined) return [];
      if (names.length === 1) return await readWave.add(access.groupOf(first), names);
      const groups = [...byGroup([...names.keys()], (at) => names[at] as string)];
      const found: (Buffer | undefined)[] = Array.from({ length: names.length });
      await Promise.all(
        groups.map(async ([group, places]) => {
          const values = await readWave.add(
            group,
            places.map((at) => names[at] as string),
          );
          for (const [n, at] of places.entries()) found[at] = values[n];
        }),
      );
      return found;
    },
    set: (entries) => {
      const [only] = entries;
      if (only === undefined) return Promise.resolve();
      const isUsual = entries.length === 1 && only.ttlMs > 0 && isListed(only.name, steadyMs() + only.ttlMs);
      return isUsual ? writeListed(only) : write(entries);
    },
    setIfAbsent: async (entry) => {
      const { name, value, ttlMs } = entry;
      if (ttlMs <= 0) return (await exchange('setIfAbsent', name, (client) => client.exists(name))) === 0;
      const reply = await exchange('setIfAbsent', name, (client) =>
        client.set(name, value, 'PX', lifetime(ttlMs), 'NX'),
      );
      if (reply !== 'OK') return false;
      // Only now: listed before, the value that was there could get an expiry that is not its own.
      await list([entry]);
      return true;
    },
    delete: async (names) => {
      noteGone(names);
      return await removeMany(names, 'delete');
    },
    acquireLease: async (name, token, ttlMs) => {
      if (ttlMs <= 0) return false;
      const reply = await exchange('lease', name, (client) =>
        client.set(name, token, 'PX', lifetime(ttlMs), 'NX'),
      );
      return reply === 'OK';
    },
    releaseLease: async (name, token) =>
      (await exchange('lease', name, (client) =>
        (client as unknown as WithScripts).releaseLease(name, token),
      )) === 1,
    clearTag: (tag) => clearAll(indexName(tag)),
  };
}

/** Redis takes whole milliseconds, and 0 is an error. */
const lifetime = (ttlMs: number): number => Math.max(1, Math.min(Math.round(ttlMs), MAX_TTL_MS));

const namesAndScores = (flat: readonly string[]): [name: string, score: string][] =>
  flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as [string, string]] : []));

type Replies = [error: Error | null, reply: unknown][];

/**
 * A pipeline answers with errors as values. @throws those that say something of the server (READONLY, LOADING), which
 * the guard must hear of; the others are left to the caller of each command.
 */
async function execute(pipeline: ChainableCommander): Promise<Replies> {
  const replies: Replies = (await pipeline.exec()) ?? [];
  for (const [error] of replies) {
    if (error && !isOwnFault(error)) throw error;
  }
  return replies;
}

/** @throws the first error. */
async function allDone(pipeline: ChainableCommander): Promise<unknown[]> {
  return (await execute(pipeline)).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
