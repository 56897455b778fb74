/**
 * How much of what is asked for on a day the tower holds. On the Map the day is played in its own time; on Redis it is
 * played faster and lifetimes are shortened alike, so that the server's own expiry decides.
 */
import { startRedis } from '../scripts/lib/redisServer.js';
import { createMemoryDriver } from '../services/cache/memoryDriver.js';
import { Cache } from '../services/cache.js';
import { createKeys } from '../services/cacheAdapter/keys.js';
import { TTLS_MS, type Ttls } from '../services/cacheAdapter/ttls.js';
import { CacheAdapter } from '../services/cacheAdapter.js';
import { createLogger } from '../services/logger.js';
import { Dealerships, type Rate } from './day/dealerships.js';
import { DAY_MS, type DayEvent, HOUR_MS, writeDay } from './day/script.js';
import { figure, printTable, say } from './table.js';
import { openTowerStage } from './towerStage.js';

const DAY = { organizations: 200, seed: 20 };
/** Of each organization; on Redis fewer, so that a minute of that day is not more than a process does in its time. */
const SHOPPERS = 20;
const NOON_MS = 12 * HOUR_MS;
const OUTAGE_MS = HOUR_MS;

export interface DayOptions {
  /** How long a day takes on Redis. */
  readonly realMs: number;
}

interface Played {
  readonly label: string;
  readonly texts: number;
  readonly dealerships: Dealerships;
}

export async function day({ realMs }: DayOptions): Promise<void> {
  const events = writeDay({ ...DAY, shoppers: SHOPPERS });
  const fewer = writeDay({ ...DAY, shoppers: Math.max(1, Math.floor(realMs / 6_000)) });
  const played: Played[] = [await playOnMap(events), await playOnMap(fewer)];
  played.push(await playOnRedis(fewer, { realMs, hasOutage: false }));
  played.push(await playOnRedis(fewer, { realMs, hasOutage: true }));
  played.push(await playOnRedis(fewer, { realMs, hasOutage: true, localMaxBytes: 0 }));
  printTable(
    `A day at ${DAY.organizations} organizations (seed ${DAY.seed}); hit rates from 8 o'clock on`,
    [
      '',
      'texts',
      'what turns ask for',
      'without first texts',
      'snapshots',
      'without first texts',
      'settings',
      'histories for people',
      'stale',
    ],
    played.map(({ label, texts, dealerships: { rates, stale } }) => {
      const turns = sum(rates.snapshot, rates.agent);
      return [
        label,
        figure(texts),
        percent(turns, true),
        percent(turns, false),
        percent(rates.snapshot, true),
        percent(rates.snapshot, false),
        percent(rates.agent, true),
        percent(rates.history, true),
        stale,
      ];
    }),
  );
}

async function playOnMap(events: readonly DayEvent[]): Promise<Played> {
  say('a day on the Map');
  let atMs = 0;
  const clock = { now: () => Date.UTC(2026, 0, 5) + atMs, monotonicMs: () => atMs };
  const cache = Cache.create({
    memory: createMemoryDriver({ clock, maxBytes: 100 * 1024 * 1024 }),
    isFallbackEnabled: true,
    clock,
    logger: createLogger({ level: 'error', format: 'json' }),
    random: Math.random,
  });
  const keys = createKeys({ prefix: 'day:', phoneHashKey: Buffer.alloc(32) });
  const dealerships = new Dealerships(CacheAdapter.create({ cache, keys }));
  for (const event of events) {
    atMs = event.atMs;
    await dealerships.happen(event);
  }
  await cache.stop();
  return { label: 'Map, in its own time', texts: textsOf(events), dealerships };
}

interface OnRedis {
  readonly realMs: number;
  readonly hasOutage: boolean;
  readonly localMaxBytes?: number;
}

async function playOnRedis(
  events: readonly DayEvent[],
  { realMs, hasOutage, localMaxBytes }: OnRedis,
): Promise<Played> {
  const kept = localMaxBytes === 0 ? ', nothing kept in the process' : '';
  const label = `Redis${kept}${hasOutage ? ', killed at noon, back empty at one' : ''}`;
  say(`a day in ${realMs / 1_000} s: ${label}`);
  const scale = realMs / DAY_MS;
  const ttls = Object.fromEntries(Object.entries(TTLS_MS).map(([kind, ms]) => [kind, ms * scale])) as Ttls;
  const server = await startRedis();
  const stage = await openTowerStage({ url: server.url, ttls, localMaxBytes, isOutageExpected: hasOutage });
  try {
    const dealerships = new Dealerships(stage.adapter);
    const startedAtMs = performance.now();
    const outage = hasOutage ? playOutage(server, scale) : undefined;
    const pending = new Set<Promise<void>>();
    for (const event of events) {
      const waitMs = startedAtMs + event.atMs * scale - performance.now();
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const happening = dealerships.happen(event).finally(() => pending.delete(happening));
      pending.add(happening);
    }
    await Promise.all(pending);
    await outage;
    return { label, texts: textsOf(events), dealerships };
  } finally {
    await stage.close();
    await server.stop();
  }
}

async function playOutage(server: Awaited<ReturnType<typeof startRedis>>, scale: number): Promise<void> {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms * scale));
  await pause(NOON_MS);
  await server.kill();
  await pause(OUTAGE_MS);
  await server.restart();
}

const textsOf = (events: readonly DayEvent[]): number => events.filter(({ kind }) => kind === 'text').length;

const sum = (...rates: readonly Rate[]): Rate => ({
  hits: rates.reduce((all, { hits }) => all + hits, 0),
  misses: rates.reduce((all, { misses }) => all + misses, 0),
  firsts: rates.reduce((all, { firsts }) => all + firsts, 0),
});

const percent = ({ hits, misses, firsts }: Rate, countsFirsts: boolean): string =>
  `${figure((100 * hits) / (hits + misses + (countsFirsts ? firsts : 0)), 1)} %`;
