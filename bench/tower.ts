/**
 * The state work of one warm turn (read a snapshot of 20 messages, store the new one) through the tower, beside bare
 * ioredis sending the same commands and bytes in the same round trips without any of the tower's work.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { startRedis } from '../scripts/lib/redisServer.js';
import { encode } from '../services/cache/codec.js';
import { createMemoryDriver } from '../services/cache/memoryDriver.js';
import { createRedisDriver } from '../services/cache/redisDriver.js';
import { Cache } from '../services/cache.js';
import { createKeys } from '../services/cacheAdapter/keys.js';
import { CacheAdapter } from '../services/cacheAdapter.js';
import { systemClock } from '../services/clock.js';
import { createLogger } from '../services/logger.js';
import { commandOptions } from '../services/redis/options.js';
import { RedisConnections } from '../services/redis.js';
import type {
  ConversationId,
  ConversationSnapshot,
  LeadId,
  Message,
  MessageId,
  OrganizationId,
  Rev,
} from '../services/types.js';
import { median, shuffled } from './statistics.js';

const CONVERSATIONS = 200;
const IN_FLIGHT = 32;
const RUN_MS = 2_000;
const RUNS = 5;
const HOUR_MS = 3_600_000;

export interface TowerResult {
  readonly name: string;
  readonly turnsPerS: number;
  readonly p99Ms: number;
}

type Turn = (n: number) => Promise<void>;

/** @returns medians of several runs of each, in shuffled order. */
export async function measureTower(): Promise<{ results: TowerResult[]; snapshotBytes: number }> {
  const server = await startRedis();
  const organizationId = 'bench' as OrganizationId;
  const snapshots = Array.from({ length: CONVERSATIONS }, () => newSnapshot(organizationId));
  const tower = await createTowerTurn(server.url, organizationId, snapshots);
  const bare = await createBareTurn(server.url, snapshots);
  const subjects: Record<string, Turn> = { tower: tower.turn, 'bare ioredis': bare.turn };
  const runs: Record<string, TowerResult[]> = { tower: [], 'bare ioredis': [] };
  for (let run = 0; run < RUNS; run += 1) {
    for (const name of shuffled(Object.keys(subjects))) {
      const result = await runFor(subjects[name] as Turn);
      // The first run of each warms caches and the JIT.
      if (run > 0) runs[name]?.push({ name, ...result });
    }
  }
  await tower.close();
  bare.close();
  await server.stop();
  const results = Object.entries(runs).map(([name, list]) => ({
    name,
    turnsPerS: median(list.map(({ turnsPerS }) => turnsPerS)),
    p99Ms: median(list.map(({ p99Ms }) => p99Ms)),
  }));
  return { results, snapshotBytes: encode(snapshots[0]).length };
}

async function runFor(turn: Turn): Promise<{ turnsPerS: number; p99Ms: number }> {
  const times: number[] = [];
  const startedAt = performance.now();
  let n = 0;
  const worker = async () => {
    while (performance.now() - startedAt < RUN_MS) {
      const begin = performance.now();
      await turn(n++ % CONVERSATIONS);
      times.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  times.sort((a, b) => a - b);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { turnsPerS: times.length / seconds, p99Ms: times[Math.floor(times.length * 0.99)] ?? 0 };
}

async function createTowerTurn(
  url: string,
  organizationId: OrganizationId,
  snapshots: ConversationSnapshot[],
) {
  const logger = createLogger({ level: 'error', format: 'json' });
  const keys = createKeys({ prefix: 'tower:', phoneHashKey: Buffer.alloc(32) });
  const connections = RedisConnections.create({
    target: targetOf(url),
    isNamed: true,
    probeKey: keys.probe,
    logger,
    random: Math.random,
  });
  await connections.start();
  const cache = Cache.create({
    memory: createMemoryDriver({ clock: systemClock, maxBytes: 1e8 }),
    redis: {
      link: connections.link(),
      driver: createRedisDriver({
        redis: connections.command,
        clock: systemClock,
        indexName: keys.index,
        exchange: (work) => connections.exchange(work),
      }),
    },
    isFallbackEnabled: true,
    clock: systemClock,
    logger,
    random: Math.random,
  });
  cache.start();
  const adapter = CacheAdapter.create({ cache, keys });
  for (const snapshot of snapshots) await adapter.storeSnapshot(organizationId, snapshot);
  const turn: Turn = async (n) => {
    const known = snapshots[n] as ConversationSnapshot;
    const snapshot = await adapter.getSnapshot(organizationId, known.conversationId, known.rev);
    if (!snapshot) throw new Error('a warm snapshot was a miss');
    await adapter.storeSnapshot(organizationId, snapshot);
  };
  const close = async () => {
    if (cache.mode !== 'redis') throw new Error('the tower left Redis during the measurement');
    await cache.stop();
    await connections.stop();
  };
  return { turn, close };
}

async function createBareTurn(url: string, snapshots: ConversationSnapshot[]) {
  const redis = new Redis(url, { ...commandOptions(targetOf(url), Math.random), lazyConnect: false });
  await new Promise((resolve) => redis.once('ready', resolve));
  const values = snapshots.map((snapshot) => encode(snapshot));
  const names = snapshots.map(({ conversationId }) => `bare:snapshot:{${conversationId}}`);
  const index = 'bare:index:{bench}';
  for (const [n, name] of names.entries()) await redis.set(name, values[n] as Buffer);
  let writes = 0;
  const turn: Turn = async (n) => {
    await redis.mgetBuffer(names[n] as string);
    const pipeline = redis.pipeline();
    pipeline.set(names[n] as string, values[n] as Buffer, 'PX', 2 * HOUR_MS);
    pipeline.zadd(index, Date.now() + 2 * HOUR_MS, names[n] as string);
    pipeline.pexpire(index, 24 * HOUR_MS);
    if (++writes % 16 === 0) pipeline.zremrangebyscore(index, '-inf', Date.now());
    await pipeline.exec();
  };
  return { turn, close: () => redis.disconnect() };
}

const targetOf = (url: string) => ({
  url,
  host: '',
  port: 0,
  password: undefined,
  db: 0,
  tls: false,
  connectionTimeoutMs: 500,
  commandTimeoutMs: 500,
  maxRetries: 0,
});

const WORDS =
  'do you have the blue one in stock what about winter tires can I come by on Saturday morning with my trade in'.split(
    ' ',
  );

function newSnapshot(organizationId: OrganizationId): ConversationSnapshot {
  const messages = Array.from({ length: 20 }, (_, index): Message => {
    let body = '';
    while (body.length < 110) body += `${WORDS[Math.floor(Math.random() * WORDS.length)]} `;
    return {
      seq: index + 1,
      id: randomUUID() as MessageId,
      direction: index % 2 === 0 ? 'inbound' : 'outbound',
      sender: index % 2 === 0 ? 'lead' : 'assistant',
      body: body.slice(0, 120),
      media: [],
      segments: 1,
      status: index % 2 === 0 ? 'received' : 'delivered',
      errorCode: null,
      createdAt: new Date(1_790_000_000_000 + index * 61_000).toISOString(),
    };
  });
  return {
    organizationId,
    conversationId: randomUUID() as ConversationId,
    leadId: randomUUID() as LeadId,
    rev: randomUUID() as Rev,
    lastSeq: 20,
    owner: 'assistant',
    optedOut: false,
    summary: 'Wants a used SUV under 30,000, trades in a 2018 F-150, comes on Saturday.',
    slots: { name: 'Dana', vehicle: 'SUV under 30,000', tradeIn: '2018 Ford F-150', timeframe: 'this week' },
    messages,
  };
}
