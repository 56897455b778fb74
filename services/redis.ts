/** The connection to Redis: options, events, health, and what it costs. */
import { EventEmitter } from 'node:events';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import type { Logger } from './logger.js';
import type { GuardedLink } from './redis/guard.js';
import { withDeadline } from './redis/guard.js';
import { commandOptions, type RedisTarget } from './redis/options.js';

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
const PROBE_TTL_MS = 10_000;

export class RedisConnections {
  readonly command: Redis;
  readonly #deps: RedisConnectionsDeps;
  readonly #events = new EventEmitter();
  readonly #latency: RecordableHistogram = createHistogram();
  #lastError: string | null = null;
  #hasBeenReady = false;
  #isReady = false;
  #isStopped = false;
  #roundTrips = 0;

  private constructor(deps: RedisConnectionsDeps) {
    this.#deps = deps;
    const options = commandOptions(deps.target, deps.random);
    const { url } = deps.target;
    this.command = url === undefined ? new Redis(options) : new Redis(url, options);
    this.#listen();
  }

  static create(deps: RedisConnectionsDeps): RedisConnections {
    return new RedisConnections(deps);
  }

  /** Returns when Redis answers, or when it is clear that it does not; it goes on trying. Never throws. */
  async start(): Promise<void> {
    const firstTry = new Promise<void>((resolve) => {
      this.#events.once('ready', resolve);
      this.command.once('close', resolve);
    });
    // Its failure arrives as an error event as well, which is where it is kept.
    this.command.connect().catch((error: unknown) => this.#note(error));
    await firstTry;
    if (this.#isReady) return;
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

  /** Counts one exchange with the server, of however many commands. */
  async exchange<T>(work: () => Promise<T>): Promise<T> {
    this.#roundTrips += 1;
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#latency.record(Math.max(1, Math.round((performance.now() - startedAt) * 1_000)));
    }
  }

  /** How often a request was sent to the server and its answer waited for. */
  roundTrips(): number {
    return this.#roundTrips;
  }

  latency(): {
    readonly count: number;
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly p99Ms: number;
  } {
    const at = (percentile: number) =>
      this.#latency.count === 0 ? 0 : this.#latency.percentile(percentile) / 1_000;
    return { count: this.#latency.count, p50Ms: at(50), p95Ms: at(95), p99Ms: at(99) };
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

  /** Errors of the client carry command arguments in their fields and addresses in their text: the kind is enough. */
  #note(error: unknown): void {
    if (!(error instanceof Error)) return;
    const { code } = error as { code?: unknown };
    this.#lastError = typeof code === 'string' ? code : (/^[A-Z]{4,}/.exec(error.message)?.[0] ?? error.name);
  }
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
