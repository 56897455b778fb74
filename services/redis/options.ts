/**
 * Options of every connection. Each constant was chosen by measuring the client under faults; the figures are in
 * REDIS_IMPLEMENTATION_GUIDE.md.
 */
import { readFileSync } from 'node:fs';
import type { ClusterOptions, RedisOptions } from 'ioredis';
import { asError, JackError } from '../errors.js';

export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;
export type ClusterClientOptions = Omit<ClusterOptions, 'redisOptions'> & {
  readonly redisOptions: ClientOptions;
};

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export interface RedisTarget {
  /** `redis://` or `rediss://`; `host`, `port` and `tls` are for when there is none. */
  readonly url: string | undefined;
  readonly host: string;
  readonly port: number;
  /** User, password and database count where the URL has none, and for every node of the other topologies. */
  readonly username?: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: boolean;
  /** File with the certificates (PEM) of the authorities to trust; absent: those that Node trusts. */
  readonly tlsCaFile?: string | undefined;
  readonly sentinel?: SentinelTarget | undefined;
  /** Some nodes of a cluster; they name the others. */
  readonly clusterNodes?: readonly HostAndPort[] | undefined;
  /** Command connections to one server; absent: 1. A cluster has one for each node. */
  readonly poolSize?: number;
  readonly connectionTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly maxRetries: number;
}

export interface SentinelTarget {
  readonly nodes: readonly HostAndPort[];
  /** What the sentinels call the group of master and replicas. */
  readonly name: string;
  /** Of the sentinels themselves. */
  readonly password?: string | undefined;
}

export type Topology = 'single' | 'sentinel' | 'cluster';

export const topologyOf = (target: RedisTarget): Topology =>
  target.clusterNodes ? 'cluster' : target.sentinel ? 'sentinel' : 'single';

/** @param random from 0 up to 1, for the jitter that keeps many processes from reconnecting in step. */
export function commandOptions(target: RedisTarget, random: () => number): ClientOptions {
  return {
    ...whereOptions(target, random),
    lazyConnect: true,
    // A call never waits for a connection: with a queue, a restart of 3 s made every call take up to 3.9 s.
    enableOfflineQueue: false,
    // Only 0 rejects what is in flight at the first close; only both together never run a command twice.
    maxRetriesPerRequest: target.maxRetries,
    autoResendUnfulfilledCommands: false,
    // Backstops behind the guard's own deadline: alone, commandTimeout left every timed-out write to run later.
    commandTimeout: target.commandTimeoutMs,
    socketTimeout: Math.max(1_000, 2 * target.commandTimeoutMs),
    connectTimeout: target.connectionTimeoutMs,
    disconnectTimeout: 200,
    enableReadyCheck: true,
    maxLoadingRetryTime: 500,
    keepAlive: 10_000,
    // A call would wait for the running batch: a deadline of 80 ms became 160 ms under a hang.
    enableAutoPipelining: false,
    retryStrategy: (attempt) => backoffMs(attempt, random),
    reconnectOnError: reconnectOnceASecond(),
  };
}

/** For listening: it waits for the server and subscribes again by itself. A heartbeat with `socketTimeout` finds a dead peer. */
export function subscriberOptions(target: RedisTarget, random: () => number): ClientOptions {
  return {
    ...commandOptions(target, random),
    lazyConnect: false,
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
    socketTimeout: 500,
    autoResubscribe: true,
  };
}

/**
 * For commands that wait at the server, `longestBlockMs` and no longer. Neither timeout of a command connection may
 * apply: a BLPOP cut by one swallowed the next item. A peer that says nothing after the longest block is dead.
 */
export function blockingOptions(
  target: RedisTarget,
  random: () => number,
  longestBlockMs: number,
): ClientOptions {
  const { commandTimeout: _none, ...options } = commandOptions(target, random);
  return {
    ...options,
    enableOfflineQueue: true,
    blockingTimeout: longestBlockMs,
    blockingTimeoutGrace: 500,
    socketTimeout: longestBlockMs + 1_000,
  };
}

/** @param each of the connections to its nodes. */
export function clusterOptions(
  target: RedisTarget,
  each: ClientOptions,
  random: () => number,
): ClusterClientOptions {
  // Ends of connections are the cluster client's to answer: a node comes back with the next look at the slots.
  const { retryStrategy: _retry, reconnectOnError: _on, enableOfflineQueue = false, ...ofNode } = each;
  return {
    lazyConnect: true,
    enableOfflineQueue,
    // Each of them would run a command again of which nobody knows whether it was run.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
    slotsRefreshTimeout: target.connectionTimeoutMs,
    clusterRetryStrategy: (attempt) => backoffMs(attempt, random),
    redisOptions: ofNode,
    // A certificate names hosts, not the addresses behind them.
    ...(target.tls ? { dnsLookup: (host, callback) => callback(null, host) } : {}),
  };
}

/** 50 ms doubling to 1 s, half of it jitter; never ends, since returning nothing would end the client for good. */
export const backoffMs = (attempt: number, random: () => number): number =>
  Math.min(50 * 2 ** Math.min(attempt - 1, 5), 1_000) * (0.5 + random() / 2);

function whereOptions(target: RedisTarget, random: () => number): ClientOptions {
  const { sentinel, clusterNodes, url } = target;
  const tls = tlsOptions(target);
  const login = {
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(tls === undefined ? {} : { tls }),
  };
  if (clusterNodes) return login;
  if (sentinel) return { ...login, db: target.db, ...sentinelOptions(sentinel, tls, random) };
  if (url !== undefined) return { ...login, ...(target.db === 0 ? {} : { db: target.db }) };
  return { ...login, host: target.host, port: target.port, db: target.db };
}

const sentinelOptions = (
  { nodes, name, password }: SentinelTarget,
  tls: ClientOptions['tls'],
  random: () => number,
): ClientOptions => ({
  sentinels: nodes.map((node) => ({ ...node })),
  name,
  role: 'master',
  ...(password === undefined ? {} : { sentinelPassword: password }),
  ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  sentinelCommandTimeout: 300,
  // Without it a client stays with a frozen master: 12 s after the promotion it had not moved, and then wrote to it.
  failoverDetector: true,
  sentinelRetryStrategy: (attempt) => backoffMs(attempt, random),
  sentinelReconnectStrategy: () => 1_000 * (0.5 + random() / 2),
});

/** @throws JackError E_CONFIG_INVALID when the file with the authorities cannot be read. */
function tlsOptions({ url, tls, tlsCaFile }: RedisTarget): ClientOptions['tls'] {
  if (!tls && !url?.startsWith('rediss:')) return undefined;
  if (tlsCaFile === undefined) return {};
  try {
    return { ca: readFileSync(tlsCaFile, 'utf8') };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? asError(error).name;
    throw new JackError('E_CONFIG_INVALID', `REDIS_TLS_CA_FILE cannot be read: ${reason}`, { cause: error });
  }
}

/** A demoted or loading server needs another connection, not seventy: "ready" resets the backoff. */
function reconnectOnceASecond(): (error: Error) => boolean | 1 {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    const nowMs = performance.now();
    if (!/^(READONLY|LOADING|MASTERDOWN)/.test(error.message) || nowMs - lastMs < 1_000) return false;
    lastMs = nowMs;
    return 1;
  };
}
