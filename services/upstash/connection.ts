/**
 * Upstash as the tower sees it: a client, a guard in front of it, health, and what exchanges cost. There is no
 * connection that could break, so "ready" means that the guard is closed: the last exchange or probe worked.
 */
import type { Logger } from '../logger.js';
import { errorKind } from '../redis/errorKind.js';
import { Guard, type GuardedLink, isOwnFault, RedisAwayError, withDeadline } from '../redis/guard.js';
import { Latency, type LatencyReport } from '../redis/latency.js';
import { UpstashClient } from './client.js';
import { type StoreFeatures, UPSTASH_FEATURES } from './features.js';
import { readHealth, type UpstashHealth } from './health.js';

export interface UpstashConnectionDeps {
  readonly url: string;
  readonly token: string;
  /**
   * From sending to the last byte of the answer. Longer than on a socket (80 ms), since a new connection costs three
   * round trips before the first byte, and the first answer after a pause always needs one.
   */
  readonly commandTimeoutMs: number;
  /** How long the start waits for the first answer. */
  readonly connectionTimeoutMs: number;
  /** Key of the guard's probe. */
  readonly probeKey: string;
  readonly logger: Logger;
}

const PROBE_TTL_MS = 10_000;
/** Every command is paid for; two a second while Upstash is away are enough. */
const PROBE_EVERY_MS = 500;
/** Room for the transport, which frees the connection, to give up before the guard does. */
const GUARD_GRACE_MS = 50;

export class UpstashConnection {
  readonly client: UpstashClient;
  readonly guard: Guard;
  readonly features: StoreFeatures = UPSTASH_FEATURES;
  readonly #deps: UpstashConnectionDeps;
  readonly #latency = new Latency();
  #lastError: string | null = null;
  #hasAnswered = false;
  #isStarted = false;
  #isStopped = false;
  #roundTrips = 0;

  private constructor(deps: UpstashConnectionDeps) {
    this.#deps = deps;
    const { url, token, commandTimeoutMs } = deps;
    this.client = UpstashClient.create({ url, token, deadlineMs: commandTimeoutMs });
    this.guard = Guard.create({
      link: this.link(),
      deadlineMs: commandTimeoutMs + GUARD_GRACE_MS,
      // A second call would wait as long as the first: nothing else tells that the server hangs.
      missesToOpen: 1,
      probeEveryMs: PROBE_EVERY_MS,
    });
    this.guard.onChange((isOpen, reason) => this.#logChange(isOpen, reason));
  }

  static create(deps: UpstashConnectionDeps): UpstashConnection {
    return new UpstashConnection(deps);
  }

  /** Returns when Upstash has taken a write, refused it, or the time for connecting is over. Never throws. */
  async start(): Promise<void> {
    const { connectionTimeoutMs, logger } = this.#deps;
    try {
      await withDeadline(this.#probe(), connectionTimeoutMs);
      logger.info('Upstash answers');
    } catch (error) {
      this.#note(error);
      logger.warn('no Upstash answers; state is served from memory', { reason: this.#lastError });
    }
    this.#isStarted = true;
  }

  /** Idempotent; ends what is under way. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.guard.stop();
    this.client.close();
  }

  isReady(): boolean {
    return this.#hasAnswered && !this.guard.isOpen && !this.#isStopped;
  }

  /** What a guard needs to know. A probe is always worth a try: there is no connection to wait for. */
  link(): GuardedLink {
    return {
      isReady: () => !this.#isStopped,
      probe: () => this.#probe(),
      // A request that was given up took its connection with it.
      reconnect: () => undefined,
    };
  }

  onChange(listener: (isReady: boolean) => void): void {
    this.guard.onChange((isOpen) => listener(!isOpen));
  }

  /**
   * One exchange behind the guard, counted and timed.
   * @throws RedisAwayError, or UpstashReplyError when the server refused this call alone.
   */
  async exchange<T>(work: () => Promise<T>, operation = 'other'): Promise<T> {
    return await this.guard.run(async () => {
      this.#roundTrips += 1;
      try {
        return await this.#latency.time(operation, work);
      } catch (error) {
        this.#note(error);
        throw error;
      }
    });
  }

  /** How often a request was sent and its answer waited for. */
  roundTrips(): number {
    return this.#roundTrips;
  }

  latency(): LatencyReport {
    return this.#latency.report();
  }

  latencyByOperation(): Record<string, LatencyReport> {
    return this.#latency.byOperation();
  }

  /** Never throws; as long as the deadline of a command at most. */
  async health(): Promise<UpstashHealth> {
    return await readHealth({
      client: this.client,
      isReady: this.isReady(),
      isStopped: this.#isStopped,
      lastError: () => this.#lastError,
      onError: (error) => this.#note(error),
    });
  }

  async #probe(): Promise<void> {
    try {
      await this.client.set(this.#deps.probeKey, '1', { px: PROBE_TTL_MS });
      this.#hasAnswered = true;
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #note(error: unknown): void {
    // While Upstash serves, a refused command is its caller's affair; at the start and in a probe it is the reason.
    if (isOwnFault(error) && this.#isStarted && !this.guard.isOpen) return;
    this.#lastError = error instanceof RedisAwayError ? 'TIMEOUT' : errorKind(error);
  }

  #logChange(isOpen: boolean, reason: string): void {
    if (!isOpen) this.#lastError = null;
    if (!this.#isStarted) return;
    const { logger } = this.#deps;
    if (isOpen) logger.warn('Upstash gives no usable answer', { reason });
    else logger.info('Upstash answers again');
  }
}
