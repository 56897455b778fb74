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
  /** Runs when the probes have passed and before traffic returns; a failure leaves the guard open. */
  beforeClose?(): Promise<void>;
  onChange?(isOpen: boolean, reason: string): void;
}

/** They fail their own call and say nothing about the connection. */
const OWN_FAULT = /^(OOM|BUSY|NOSCRIPT|CROSSSLOT|TRYAGAIN|WRONGTYPE|NOPERM|ERR|EXECABORT)\b/;

export class Guard {
  readonly #options: Required<Omit<GuardOptions, 'onChange' | 'beforeClose'>>;
  readonly #hooks: Pick<GuardOptions, 'onChange' | 'beforeClose'>;
  #isOpen = false;
  #misses = 0;
  #passed = 0;
  #prober: NodeJS.Timeout | undefined;
  #isStopped = false;

  private constructor(options: GuardOptions) {
    this.#options = { deadlineMs: 80, missesToOpen: 3, probeEveryMs: 250, probesToClose: 2, ...options };
    this.#hooks = options;
  }

  static create(options: GuardOptions): Guard {
    return new Guard(options);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @throws RedisAwayError, or the server's own error when it concerns this call alone. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isOpen) throw new RedisAwayError('open');
    if (!this.#options.link.isReady()) {
      this.open('not connected');
      throw new RedisAwayError('not connected');
    }
    try {
      const result = await withDeadline(work(), this.#options.deadlineMs);
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
    this.#hooks.onChange?.(true, reason);
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
    if (error instanceof Error && OWN_FAULT.test(error.message)) return error;
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
    await this.#hooks.beforeClose?.();
    if (this.#isStopped) return;
    if (!this.#options.link.isReady()) {
      this.#passed = 0;
      this.#scheduleProbe();
      return;
    }
    this.#isOpen = false;
    this.#misses = 0;
    this.#hooks.onChange?.(false, 'Redis answers again');
  }
}

/**
 * One more turn of the event loop before giving up: after a stall of our own the answer may already be in the socket
 * (measured: 40 to 56 false timeouts in 100 calls without it, none with it).
 */
export function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(new RedisAwayError('deadline'))), deadlineMs);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
