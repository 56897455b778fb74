/**
 * Options of every connection. Each constant was chosen by measuring the client under faults; the figures are in
 * REDIS_IMPLEMENTATION_GUIDE.md.
 */
import type { RedisOptions } from 'ioredis';

export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

export interface RedisTarget {
  /** `redis://` or `rediss://`; the other fields are for when there is none. */
  readonly url: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: boolean;
  readonly connectionTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly maxRetries: number;
}

/** @param random from 0 up to 1, for the jitter that keeps many processes from reconnecting in step. */
export function commandOptions(target: RedisTarget, random: () => number): ClientOptions {
  return {
    ...(target.url === undefined
      ? {
          host: target.host,
          port: target.port,
          db: target.db,
          ...(target.password === undefined ? {} : { password: target.password }),
          ...(target.tls ? { tls: {} } : {}),
        }
      : {}),
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

/** 50 ms doubling to 1 s, half of it jitter; never ends, since returning nothing would end the client for good. */
export const backoffMs = (attempt: number, random: () => number): number =>
  Math.min(50 * 2 ** Math.min(attempt - 1, 5), 1_000) * (0.5 + random() / 2);

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
