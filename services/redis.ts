/** The connections to Redis, by role: commands, listening, waiting. Their events, their health, and what they cost. */
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import type { Logger } from './logger.js';
import type { RedisAccess } from './redis/access.js';
import { BlockingReaders } from './redis/blockingReaders.js';
import { ClusterSide } from './redis/clusterSide.js';
import type { CommandSide, CommandSideDeps } from './redis/commandSide.js';
import { errorKind } from './redis/errorKind.js';
import type { Breaker, GuardedLink, GuardOptions } from './redis/guard.js';
import { type RedisHealth, readHealth } from './redis/health.js';
import { Latency, type LatencyReport } from './redis/latency.js';
import type { RedisTarget } from './redis/options.js';
import { Pool } from './redis/pool.js';
import { Subscriber } from './redis/subscriber.js';

export type { RedisHealth } from './redis/health.js';

export interface RedisConnectionsDeps {
  readonly target: RedisTarget;
  /** Key of the guard's probe. */
  readonly probeKey: string;
  readonly logger: Logger;
  readonly random: () => number;
  /** Whether somebody named a server: only then is its absence at the start worth a warning. */
  readonly isNamed: boolean;
  /** Deadline and patience of the guards; their defaults when absent. */
  readonly guard?: Partial<Omit<GuardOptions, 'link'>>;
}

export class RedisConnections implements RedisAccess {
  readonly #deps: RedisConnectionsDeps;
  readonly #events = new EventEmitter();
  readonly #latency = new Latency();
  readonly #side: CommandSide;
  readonly #readers: BlockingReaders;
  #subscriber: Subscriber | undefined;
  #lastError: string | null = null;
  #hasBeenReady = false;
  #isStopped = false;
  #roundTrips = 0;

  private constructor(deps: RedisConnectionsDeps) {
    this.#deps = deps;
    const { target, random } = deps;
    const onError = (error: unknown) => this.#note(error);
    const side: CommandSideDeps = {
      ...deps,
      onError,
      onReady: () => this.#ready(),
      onDown: () => this.#down(),
    };
    this.#side = target.clusterNodes ? new ClusterSide(side, target.clusterNodes) : new Pool(side);
    this.#readers = new BlockingReaders({ target, random, onError });
  }

  /** @throws JackError E_CONFIG_INVALID when the file with the authorities of TLS cannot be read. */
  static create(deps: RedisConnectionsDeps): RedisConnections {
    return new RedisConnections(deps);
  }

  /** Returns when Redis answers, the first try failed, or the time for connecting is over; it goes on trying. Never throws. */
  async start(): Promise<void> {
    // A server that is loading its data, or frozen, accepts the connection and says nothing for as long as it takes.
    const patience = pause(this.#deps.target.connectionTimeoutMs, undefined, { ref: false });
    await Promise.race([this.#side.connect(), patience]);
    if (this.isReady() || this.#isStopped) return;
    const level = this.#deps.isNamed ? 'warn' : 'info';
    this.#deps.logger.log(level, 'no Redis answers; state is served from memory', {
      reason: this.#lastError,
    });
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#side.stop();
    this.#subscriber?.stop();
    this.#readers.stop();
  }

  /** In front of every exchange. */
  get guard(): Breaker {
    return this.#side.breaker;
  }

  /** The first command connection, or the client of the cluster. */
  get command(): Redis | Cluster {
    return this.#side.clientOf(0);
  }

  /** The connection that listens, made when first asked for. What is published while it is away is lost. */
  subscriber(): Redis {
    this.#subscriber ??= new Subscriber({
      target: this.#deps.target,
      random: this.#deps.random,
      clusterNodes: () => this.#side.nodes(),
      onError: (error) => this.#note(error),
      // It may come back after the commands have; what kept it away is over then.
      onReady: () => {
        if (this.isReady()) this.#lastError = null;
      },
    });
    return this.#subscriber.client;
  }

  /**
   * A connection of its own for commands that wait at the server. Its calls fail when the connection ends, so whoever
   * reads in a loop goes on after an error; `disconnect()` gives it back.
   * @param longestBlockMs of any of its commands; one that blocks longer loses its connection.
   */
  blockingReader({ longestBlockMs = 30_000 } = {}): Redis | Cluster {
    return this.#readers.open(longestBlockMs);
  }

  isReady(): boolean {
    return this.#side.isReady();
  }

  /** What a guard needs to know of the connection. */
  link(): GuardedLink {
    return this.#side.link();
  }

  /** Called once for every change from usable to not and back. */
  onChange(listener: (isReady: boolean) => void): void {
    this.#events.on('change', listener);
  }

  groupOf(name: string): number {
    return this.#side.groupOf(name);
  }

  clientOf(group: number): Redis | Cluster {
    return this.#side.clientOf(group);
  }

  async exchange<T>(work: () => Promise<T>, operation = 'other', group = 0): Promise<T> {
    return await this.#side.run(group, () => {
      this.#roundTrips += 1;
      return this.#latency.time(operation, work);
    });
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

  /** Never throws, and answers within half a second. */
  async health(): Promise<RedisHealth> {
    return await readHealth({
      side: this.#side,
      isStopped: this.#isStopped,
      lastError: () => this.#lastError,
      onError: (error) => this.#note(error),
      subscriber: () => this.#subscriber?.state ?? null,
      blockingReaders: () => this.#readers.count,
    });
  }

  #ready(): void {
    this.#deps.logger.info(this.#hasBeenReady ? 'Redis is connected again' : 'Redis is connected');
    this.#hasBeenReady = true;
    this.#lastError = null;
    this.#events.emit('change', true);
  }

  #down(): void {
    this.#deps.logger.warn('the connection to Redis is closed', {
      reason: this.#lastError ?? 'closed without an error',
    });
    this.#events.emit('change', false);
  }

  #note(error: unknown): void {
    const kind = errorKind(error);
    // "Connection is closed." follows every cause and explains none.
    if (kind !== 'Error' || this.#lastError === null) this.#lastError = kind;
  }
}
