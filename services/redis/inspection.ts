/** What an operator may be told of Redis, asked now: no address, no key and no credential in it. */
import type { Cluster, Redis } from 'ioredis';
import { withDeadline } from './guard.js';
import type { RedisHealth } from './health.js';
import { readServerInfo, type ServerInfo } from './info.js';
import type { Topology } from './options.js';

export type { ServerInfo } from './info.js';

export interface RedisInspection {
  readonly state: RedisHealth['state'];
  /** Null, as the connections, of one that said nothing in time. */
  readonly topology: Topology | 'upstash' | null;
  /** Name and kind of an error. */
  readonly lastError: string | null;
  readonly connections: RedisHealth['connections'] | null;
  /** Of the slowest server. */
  readonly latencyMs: number | null;
  /** Those that take writes and answered. */
  readonly servers: readonly ServerInfo[];
  /** How many of those there are did not answer. */
  readonly silentServers: number;
  /** False: whoever reaches the port is let in. Null: it cannot be found out. */
  readonly needsPassword: boolean | null;
  /** Whether snapshots are made by themselves (`save`); null when the server does not say. */
  readonly hasSnapshots: boolean | null;
}

export interface InspectionDeps {
  health(): Promise<Omit<RedisHealth, 'topology'> & { readonly topology: RedisInspection['topology'] }>;
  /** Absent where commands of administrators cannot be sent. */
  readonly command?: () => Redis | Cluster;
  /** Whether this process logs in with a password. */
  readonly hasPassword: boolean;
}

/** Together with the half second of health below the one that a check has. */
const DEADLINE_MS = 300;

/** Never throws. Answers within 0.8 s, or what health takes and 0.3 s. */
export async function inspect(deps: InspectionDeps): Promise<RedisInspection> {
  const health = await deps.health();
  const { state, topology, lastError, connections, latencyMs } = health;
  const servers = health.servers.flatMap(({ info }) => (info === null ? [] : [readServerInfo(info)]));
  const isReady = state === 'ready';
  const [needsPassword, hasSnapshots] = await Promise.all([
    isReady ? asksForPassword(deps) : null,
    isReady ? makesSnapshots(deps) : null,
  ]);
  return {
    state,
    topology,
    lastError,
    connections,
    latencyMs,
    servers,
    silentServers: health.servers.length - servers.length,
    needsPassword,
    hasSnapshots,
  };
}

/** How long one PING takes; null when there is no answer in time. */
export async function ping({ command }: Pick<InspectionDeps, 'command'>): Promise<number | null> {
  const startedAtMs = performance.now();
  const answer = await ask(command, (redis) => redis.ping());
  return answer === null ? null : performance.now() - startedAtMs;
}

/** Who comes in without a password knows. Otherwise the server may still let others in without: one that has none takes any. */
async function asksForPassword({ command, hasPassword }: InspectionDeps): Promise<boolean | null> {
  if (!hasPassword) return command ? false : null;
  const user = await ask(command, (redis) => redis.call('ACL', 'GETUSER', 'default'));
  const flags = fieldOf(user, 'flags');
  if (!Array.isArray(flags)) return null;
  return flags.includes('off') || !flags.includes('nopass');
}

async function makesSnapshots({ command }: InspectionDeps): Promise<boolean | null> {
  const save = fieldOf(await ask(command, (redis) => redis.call('CONFIG', 'GET', 'save')), 'save');
  return typeof save === 'string' ? save.trim() !== '' : null;
}

/** @returns null without an answer in time, and when the server keeps it to itself, as managed ones do. */
async function ask<T>(
  command: InspectionDeps['command'],
  question: (redis: Redis | Cluster) => Promise<T>,
): Promise<T | null> {
  const redis = command?.();
  if (redis?.status !== 'ready') return null;
  try {
    return await withDeadline(question(redis), DEADLINE_MS);
  } catch {
    // Null says it: the answer is not known. That Redis is away is told by its guard.
    return null;
  }
}

/** Of an answer in pairs (RESP2), or of a map (RESP3). */
function fieldOf(answer: unknown, name: string): unknown {
  if (Array.isArray(answer)) return answer[answer.indexOf(name) + 1];
  if (answer instanceof Map) return answer.get(name);
  return answer && typeof answer === 'object' ? (answer as Record<string, unknown>)[name] : undefined;
}
