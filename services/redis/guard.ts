/**
 * Stands in front of the client. A call gets its answer within the deadline or a RedisAwayError; once the guard is
 * open, at once. Open means that nothing but the probe touches Redis, so traffic cannot keep it from closing again.
 */
import { errorKind } from './errorKind.js';

export type AwayReason = 'not connected' | 'deadline' | 'open';

/** Redis gave no usable answer. What the call did there is unknown: it is never repeated, only made harmless. */
export class RedisAwayError extends Error {
  override readonly name = 'RedisAwayError';
  readonly reason: AwayReason;
  constructor(reason: AwayReason, options?: ErrorOptions) {
    super(`Redis is away: ${reason}`, options);
    this.reason = reason;
  }
}

export interface GuardedLink {
  isReady(): boolean;
  /** One write with a lifetime: a read-only or full server answers PING all the same. */
  probe(): Promise<void>;
  /** Ends the connection, which then reconnects by itself. */
  reconnect(): void;
}

export interface GuardOptions {
  readonly link: GuardedLink;
  readonly deadlineMs?: number;
  readonly missesToOpen?: number;
  readonly probeEveryMs?: number;
  readonly probesToClose?: number;
}

/** What the cache asks of whatever stands in front of the server: one guard, or one for each shard. */
export interface Breaker {
  readonly isOpen: boolean;
  /** The last call got no answer in time: what can be done without another one is. */
  readonly isInDoubt: boolean;
  /** @throws RedisAwayError, or the server's own error when it concerns this call alone. */
  run<T>(work: () => Promise<T>): Promise<T>;
  open(reason: string): void;
  onChange(listener: (isOpen: boolean, reason: string) => void): void;
  /** Runs when the probes have passed and before traffic returns; a failure leaves the guard open. */
  onBeforeClose(hook: () => Promise<void>): void;
  stop(): void;
}

/** They fail their own call and say nothing about the connection. */
const OWN_FAULT = /^(OOM|BUSY|NOSCRIPT|CROSSSLOT|TRYAGAIN|WRONGTYPE|NOPERM|ERR|EXECABORT)\b/;

export const isOwnFault = (error: unknown): boolean =>
  error instanceof Error && OWN_FAULT.test(error.message);

export class Guard implements Breaker {
  readonly #options: Required<GuardOptions>;
  readonly #listeners: ((isOpen: boolean, reason: string) => void)[] = [];
  readonly #beforeClose: (() => Promise<void>)[] = [];
  #isOpen = false;
  /** What must be done before traffic returns is being done: its calls pass, and nobody else calls yet. */
  #isClosing = false;
  #misses = 0;
  #passed = 0;
  #prober: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Ends a call that has no answer yet. */
  readonly #underWay = new Set<(error: RedisAwayError) => void>();

  private constructor(options: GuardOptions) {
    this.#options = { deadlineMs: 80, missesToOpen: 3, probeEveryMs: 250, probesToClose: 2, ...options };
  }

  static create(options: GuardOptions): Guard {
    return new Guard(options);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isInDoubt(): boolean {
    return this.#misses > 0;
  }

  onChange(listener: (isOpen: boolean, reason: string) => void): void {
    this.#listeners.push(listener);
  }

  onBeforeClose(hook: () => Promise<void>): void {
    this.#beforeClose.push(hook);
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOpen && !this.#isClosing) throw new RedisAwayError('open');
    if (!this.#options.link.isReady()) {
      this.open('not connected');
      throw new RedisAwayError('not connected');
    }
    try {
      const result = await withDeadline(work(), this.#options.deadlineMs, this.#underWay);
      this.#misses = 0;
      return result;
    } catch (error) {
      throw this.#judge(error);
    }
  }

  open(reason: string): void {
    if (this.#isOpen || this.#isStopped) return;
    this.#isOpen = true;
    this.#passed = 0;
    for (const listener of this.#listeners) listener(true, reason);
    // What three calls waited for in vain, the others need not wait for.
    for (const giveUp of this.#underWay) giveUp(new RedisAwayError('open'));
    this.#scheduleProbe();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#prober);
  }

  #judge(error: unknown): unknown {
    if (error instanceof RedisAwayError) {
      this.#misses += 1;
      // Calls that were under way when it opened miss as well; they must not end the connection once more.
      if (!this.#isOpen && this.#misses >= this.#options.missesToOpen) {
        this.open(`${this.#misses} calls in a row took longer than ${this.#options.deadlineMs} ms`);
        this.#options.link.reconnect();
      }
      return error;
    }
    if (isOwnFault(error)) return error;
    this.open(errorKind(error));
    return new RedisAwayError('not connected', { cause: error });
  }

  #scheduleProbe(): void {
    if (this.#isStopped) return;
    this.#prober = setTimeout(() => {
      this.#probe().catch(() => {
        // A probe that fails is the news that Redis is still away; the next one follows.
        this.#passed = 0;
        this.#scheduleProbe();
      });
    }, this.#options.probeEveryMs);
    // The server holds the process; a process that has nothing else to do may end.
    this.#prober.unref();
  }

  async #probe(): Promise<void> {
    if (!this.#options.link.isReady()) this.#passed = 0;
    else {
      await withDeadline(this.#options.link.probe(), this.#options.deadlineMs);
      this.#passed += 1;
    }
    if (this.#passed < this.#options.probesToClose) {
      this.#scheduleProbe();
      return;
    }
    this.#isClosing = true;
    try {
      for (const hook of this.#beforeClose) await hook();
    } finally {
      this.#isClosing = false;
    }
    if (this.#isStopped) return;
    if (!this.#options.link.isReady()) {
      this.#passed = 0;
      this.#scheduleProbe();
      return;
    }
    this.#isOpen = false;
    this.#misses = 0;
    for (const listener of this.#listeners) listener(false, 'Redis answers again');
  }
}

/**
 * One more turn of the event loop before giving up: after a stall of our own the answer may already be in the socket
 * (measured: 40 to 56 false timeouts in 100 calls without it, none with it).
 */
export function withDeadline<T>(
  work: Promise<T>,
  deadlineMs: number,
  underWay?: Set<(error: RedisAwayError) => void>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => giveUp(new RedisAwayError('deadline'))), deadlineMs);
    const end = (): void => {
      clearTimeout(timer);
      underWay?.delete(giveUp);
    };
    const giveUp = (error: unknown): void => {
      end();
      reject(error);
    };
    underWay?.add(giveUp);
    work.then((value) => {
      end();
      resolve(value);
    }, giveUp);
  });
}
