/**
 * Redis over Upstash's REST interface. A call is one exchange; names, indexes and leases are those of redisDriver.ts, so
 * that both may share a database. Values are in upstash/valueText.ts.
 */
import { readFileSync } from 'node:fs';
import { type Clock, createSteadyTime } from '../clock.js';
import type { UpstashClient } from '../upstash/client.js';
import { fromStored, toText } from '../upstash/valueText.js';
import { createWriteLane, type RestPipeline } from '../upstash/writeLane.js';
import { createWave } from '../waves.js';
import type { CacheDriver, StoredEntry, Tag } from './types.js';

export interface UpstashDriverDeps {
  readonly client: UpstashClient;
  readonly clock: Clock;
  /** Name of the sorted set that lists what a tag holds. */
  indexName(tag: Tag): string;
  /**
   * Runs one exchange behind the guard, counted and timed.
   * @throws RedisAwayError when there is no usable answer in time, else the server's own error.
   */
  exchange<T>(work: () => Promise<T>, operation: string): Promise<T>;
}

/** The longest lifetime of a value. */
const MAX_TTL_MS = 31 * 24 * 3_600_000;
/** How much longer than its value a name is listed, in lifetimes, as redisDriver.ts lists it. */
const LISTED_FOR = 1.5;
/** Scores are clocks of several machines; a value whose name was forgotten too early could not be cleared. */
const GRACE_MS = 60_000;
const CLEAR_BATCH = 500;
const READ_ITEMS = 500;
/** What a command costs in a body beside its value. */
const COMMAND_BYTES = 600;

/** Without its comments: the text travels with every call, since a flushed script would cost a second exchange. */
const script = (file: string): string =>
  readFileSync(new URL(`./lua/${file}`, import.meta.url), 'utf8').replace(/^--.*\n/gm, '');

export function createUpstashDriver({ client, clock, indexName, exchange }: UpstashDriverDeps): CacheDriver {
  const releaseLease = script('releaseLease-1.lua');
  const indexNames = script('index-1.lua');
  // Names would be forgotten before their values when the clock is set forward.
  const steadyMs = createSteadyTime(clock);
  const lane = createWriteLane({ client, exchange });
  const reads = createWave<string, Buffer | undefined>({ maxItems: READ_ITEMS, send: readMany });

  async function readMany(_group: number, names: readonly string[]): Promise<(Buffer | undefined)[]> {
    const found = await exchange(() => client.mget<(Buffer | null)[]>([...names]), 'get');
    return found.map((bytes) => (bytes === null ? undefined : fromStored(Buffer.from(bytes))));
  }

  const listedUntil = (ttlMs: number, nowMs: number): number =>
    Math.ceil(nowMs + Math.min(ttlMs, MAX_TTL_MS) * LISTED_FOR + GRACE_MS);

  /** Goes before the values in a pipeline: when only a part of it is executed, a name without value does no harm. */
  function listNames(pipeline: RestPipeline, entries: readonly StoredEntry[]): void {
    const nowMs = steadyMs();
    const indexes = new Map<string, (string | number)[]>();
    for (const { name, ttlMs, tags } of entries) {
      for (const tag of tags) {
        const index = indexName(tag);
        const args = indexes.get(index) ?? [Math.floor(nowMs - GRACE_MS)];
        args.push(listedUntil(ttlMs, nowMs), name);
        indexes.set(index, args);
      }
    }
    for (const [index, args] of indexes) pipeline.eval(indexNames, [index], args);
  }

  function addSet(pipeline: RestPipeline, entries: readonly StoredEntry[]): void {
    listNames(
      pipeline,
      entries.filter(({ ttlMs }) => ttlMs > 0),
    );
    for (const { name, value, ttlMs } of entries) {
      if (ttlMs > 0) pipeline.set(name, toText(value), { px: lifetime(ttlMs) });
      else pipeline.unlink(name);
    }
  }

  /** A name may be listed longer by this, never shorter: a value that is there keeps its own listing. */
  function addSetIfAbsent(pipeline: RestPipeline, { name, value, ttlMs, tags }: StoredEntry): void {
    for (const tag of tags) {
      const index = indexName(tag);
      pipeline.zadd(index, { gt: true }, { score: listedUntil(ttlMs, steadyMs()), member: name });
      pipeline.pexpire(index, MAX_TTL_MS * LISTED_FOR + 2 * GRACE_MS);
    }
    pipeline.set(name, toText(value), { px: lifetime(ttlMs), nx: true });
  }

  /** @returns the reply of the last command, which is the one that answers. */
  async function change(operation: string, bytes: number, addTo: (pipeline: RestPipeline) => void) {
    return (await lane.run({ operation, bytes, addTo })).at(-1);
  }

  /** Removes a batch and reads the next one in the same exchange. */
  async function clearBatch(index: string, names: readonly string[]) {
    const [first, ...others] = names as [string, ...string[]];
    const [removed, , next] = await lane.run({
      operation: 'clear',
      bytes: COMMAND_BYTES + 2 * sizeOf(names),
      addTo: (pipeline) =>
        pipeline
          .unlink(first, ...others)
          .zrem(index, first, ...others)
          .zrange(index, 0, CLEAR_BATCH - 1),
    });
    return { removed: Number(removed), next: textsOf(next) };
  }

  return {
    name: 'redis',
    leaseScope: 'shared',
    getMany: async (names) => (names.length === 0 ? [] : await reads.add(0, names)),
    set: async (entries) => {
      if (entries.length === 0) return;
      await change('set', bytesOf(entries), (pipeline) => addSet(pipeline, entries));
    },
    setIfAbsent: async (entry) => {
      if (entry.ttlMs > 0) {
        const addTo = (pipeline: RestPipeline) => addSetIfAbsent(pipeline, entry);
        return (await change('setIfAbsent', bytesOf([entry]), addTo)) === 'OK';
      }
      return (await change('setIfAbsent', COMMAND_BYTES, (pipeline) => pipeline.exists(entry.name))) === 0;
    },
    delete: async ([first, ...others]) => {
      if (first === undefined) return 0;
      const addTo = (pipeline: RestPipeline) => pipeline.unlink(first, ...others);
      return Number(await change('delete', COMMAND_BYTES + sizeOf([first, ...others]), addTo));
    },
    acquireLease: async (name, token, ttlMs) => {
      if (ttlMs <= 0) return false;
      const addTo = (pipeline: RestPipeline) => pipeline.set(name, token, { px: lifetime(ttlMs), nx: true });
      return (await change('lease', COMMAND_BYTES, addTo)) === 'OK';
    },
    releaseLease: async (name, token) => {
      const addTo = (pipeline: RestPipeline) => pipeline.eval(releaseLease, [name], [token]);
      return (await change('lease', COMMAND_BYTES, addTo)) === 1;
    },
    clearTag: async (tag) => {
      const index = indexName(tag);
      const readFirst = (pipeline: RestPipeline) => pipeline.zrange(index, 0, CLEAR_BATCH - 1);
      let names = textsOf(await change('clear', COMMAND_BYTES, readFirst));
      let cleared = 0;
      while (names.length > 0) {
        const { removed, next } = await clearBatch(index, names);
        cleared += removed;
        names = next;
      }
      return cleared;
    },
  };
}

/** Redis takes whole milliseconds, and 0 is an error. */
const lifetime = (ttlMs: number): number => Math.max(1, Math.min(Math.round(ttlMs), MAX_TTL_MS));

const textsOf = (reply: unknown): string[] => (reply as readonly Buffer[]).map(String);

const sizeOf = (names: readonly string[]): number => names.reduce((sum, name) => sum + name.length + 3, 0);

/** Bytes that are no text grow by a third, escapes of control characters by less than that. */
const bytesOf = (entries: readonly StoredEntry[]): number =>
  entries.reduce(
    (sum, { value, name, tags }) =>
      sum + (value.length * 4) / 3 + (COMMAND_BYTES + name.length) * (1 + tags.length),
    0,
  );
