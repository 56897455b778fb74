/** The connection to Redis: options, events, health, and what it costs. */
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Logger } from './logger.js';
import { errorKind } from './redis/errorKind.js';
import type { GuardedLink } from './redis/guard.js';
import { withDeadline } from './redis/guard.js';
import { Latency, type LatencyReport } from './redis/latency.js';
import { type ClientOptions, commandOptions, type RedisTarget, subscriberOptions } from './redis/options.js';

export interface RedisConnectionsDeps {
  readonly target: RedisTarget;
  /** Key of the guard's probe. */
  readonly probeKey: string;
  readonly logger: Logger;
  readonly random: () => number;
  /** Whether somebody named a server: only then is its absence at the start worth a warning. */
  readonly isNamed: boolean;
}

export interface RedisHealth {
  readonly state: 'ready' | 'connecting' | 'away';
  /** Name and kind only, never an address or an argument. */
  readonly lastError: string | null;
  readonly latencyMs: number | null;
  readonly version: string | null;
  readonly role: string | null;
  readonly uptimeSeconds: number | null;
  readonly usedMemoryBytes: number | null;
}

const HEALTH_DEADLINE_MS = 500;
/** An idle subscriber never notices a dead peer by itself; with it, 1.2 s (measured behind a black hole). */
const HEARTBEAT_MS = 1_000;
const PROBE_TTL_MS = 10_000;

export class RedisConnections {
  readonly command: Redis;
  readonly #deps: RedisConnectionsDeps;
  readonly #events = new EventEmitter();
  readonly #latency = new Latency();
  #subscriber: { readonly client: Redis; readonly heartbeat: NodeJS.Timeout } | undefined;
  #lastError: string | null = null;
  #hasBeenReady = false;
  #isReady = false;
  #isStopped = false;
  #roundTrips = 0;

  private constructor(deps: RedisConnectionsDeps) {
    this.#deps = deps;
    this.command = connect(deps.target.url, commandOptions(deps.target, deps.random));
    this.#listen();
  }

  static create(deps: RedisConnectionsDeps): RedisConnections {
    return new RedisConnections(deps);
  }

  /** Returns when Redis answers, the first try failed, or the time for connecting is over; it goes on trying. Never throws. */
  async start(): Promise<void> {
    const firstTry = new Promise<void>((resolve) => {
      this.#events.once('ready', resolve);
      this.command.once('close', resolve);
    });
    // Its failure arrives as an error event as well, which is where it is kept.
    this.command.connect().catch((error: unknown) => this.#note(error));
    // A server that is loading its data, or frozen, accepts the connection and says nothing for as long as it takes.
    await Promise.race([firstTry, pause(this.#deps.target.connectionTimeoutMs, undefined, { ref: false })]);
    if (this.#isReady || this.#isStopped) return;
    const level = this.#deps.isNamed ? 'warn' : 'info';
    this.#deps.logger.log(level, 'no Redis answers; state is served from memory', {
      reason: this.#lastError,
    });
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#isReady = false;
    this.command.disconnect();
    clearInterval(this.#subscriber?.heartbeat);
    this.#subscriber?.client.disconnect();
  }

  /** The connection that listens, made when first asked for. What is published while it is away is lost. */
  subscriber(): Redis {
    if (this.#subscriber) return this.#subscriber.client;
    const { target, random } = this.#deps;
    const client = connect(target.url, subscriberOptions(target, random));
    // The command connection reports what is wrong with the server; this one only must not crash the process.
    client.on('error', (error: unknown) => this.#note(error));
    const heartbeat = setInterval(() => {
      if (client.status === 'ready') client.ping().catch((error: unknown) => this.#note(error));
    }, HEARTBEAT_MS).unref();
    this.#subscriber = { client, heartbeat };
    return client;
  }

  isReady(): boolean {
    return this.#isReady;
  }

  /** What a guard needs to know of the connection. */
  link(): GuardedLink {
    return {
      isReady: () => this.#isReady,
      probe: async () => {
        await this.command.set(this.#deps.probeKey, '1', 'PX', PROBE_TTL_MS);
      },
      reconnect: () => this.command.disconnect(true),
    };
  }

  /** Called once for every change from usable to not and back. */
  onChange(listener: (isReady: boolean) => void): void {
    this.#events.on('ready', () => listener(true));
    this.#events.on('down', () => listener(false));
  }

  /** Counts and times one exchange with the server, of however many commands. */
  async exchange<T>(work: () => Promise<T>, operation = 'other'): Promise<T> {
    this.#roundTrips += 1;
    return await this.#latency.time(operation, work);
  }

  /** How often a request was sent to the server and its answer waited for. */
  roundTrips(): number {
    return this.#roundTrips;
  }

  latency(): LatencyReport {
    return this.#latency.report();
  }

  /** By what was done: `get`, `set`, `delete`, … */
  latencyByOperation(): Record<string, LatencyReport> {
    return this.#latency.byOperation();
  }

  async health(): Promise<RedisHealth> {
    const nothing = {
      latencyMs: null,
      version: null,
      role: null,
      uptimeSeconds: null,
      usedMemoryBytes: null,
    };
    if (!this.#isReady) {
      return { state: this.#isStopped ? 'away' : 'connecting', lastError: this.#lastError, ...nothing };
    }
    try {
      const startedAt = performance.now();
      const info = await withDeadline(this.command.info(), HEALTH_DEADLINE_MS);
      const latencyMs = performance.now() - startedAt;
      return { state: 'ready', lastError: this.#lastError, latencyMs, ...readInfo(info) };
    } catch (error) {
      this.#note(error);
      return { state: 'away', lastError: this.#lastError, ...nothing };
    }
  }

  #listen(): void {
    // Without this listener the client prints every failed attempt; the log gets changes, not attempts.
    this.command.on('error', (error: unknown) => this.#note(error));
    this.command.on('ready', () => {
      this.#isReady = true;
      this.#deps.logger.info(this.#hasBeenReady ? 'Redis is connected again' : 'Redis is connected');
      this.#hasBeenReady = true;
      this.#lastError = null;
      this.#events.emit('ready');
    });
    this.command.on('close', () => {
      if (!this.#isReady) return;
      this.#isReady = false;
      this.#deps.logger.warn('the connection to Redis is closed', { reason: this.#lastError });
      this.#events.emit('down');
    });
  }

  #note(error: unknown): void {
    const kind = errorKind(error);
    // "Connection is closed." follows every cause and explains none.
    if (kind !== 'Error' || this.#lastError === null) this.#lastError = kind;
  }
}

function connect(url: string | undefined, options: ClientOptions): Redis {
  return url === undefined ? new Redis(options) : new Redis(url, options);
}

function readInfo(info: string) {
  const text = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
  const number = (name: string) => {
    const value = text(name);
    return value === null ? null : Number(value);
  };
  return {
    version: text('redis_version'),
    role: text('role'),
    uptimeSeconds: number('uptime_in_seconds'),
    usedMemoryBytes: number('used_memory'),
  };
}
