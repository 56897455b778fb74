/**
 * Rate limits: counted in Redis for all processes, and in this process's memory while Redis is away, with one count
 * going over into the other. A limit never fails a request: when nothing can count, memory does.
 */
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Clock } from './clock.js';
import { asError } from './errors.js';
import type { Logger } from './logger.js';
import { type LimiterOptions, WindowInsurance } from './rateLimits/insurance.js';
import {
  type AddressLimit,
  DEFAULT_LIMITS,
  LIMIT_NAMES,
  type Limit,
  type LimitName,
  type Limits,
} from './rateLimits/limits.js';
import { networkOf } from './rateLimits/networkOf.js';
import { createStoreClient, type LimitAccess } from './rateLimits/storeClient.js';
import { type Ticket, Windows } from './rateLimits/windows.js';
import type { OrganizationId } from './types.js';

/** What a limit says of one request. */
export interface Verdict {
  readonly limit: LimitName;
  readonly isAllowed: boolean;
  /** How many a window allows. */
  readonly quota: number;
  readonly windowMs: number;
  readonly remaining: number;
  /** Until the window ends. */
  readonly resetMs: number;
  /** The first refusal of this window in this process: worth a log line. */
  readonly isNews: boolean;
}

/** Names of counters; services/cacheAdapter/keys.ts makes them. */
export interface LimitNames {
  ofOrganization(organizationId: OrganizationId, limit: string, credential?: string): string;
  /** @param subject a phone or an address, which must not be readable in the name. */
  ofOutsider(limit: string, subject: string): string;
}

export interface RateLimitsDeps {
  /** Undefined: memory counts. */
  readonly access: LimitAccess | undefined;
  readonly names: LimitNames;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Logger;
  readonly limits?: Partial<Limits> | undefined;
  /** Callers that memory counts at a time; the one that was quiet longest is forgotten first. */
  readonly maxWindows?: number;
}

export interface RateLimitsReport {
  /** Who counted. */
  readonly counted: { readonly redis: number; readonly memory: number };
  readonly refused: Readonly<Record<LimitName, number>>;
  /** Windows in memory; those of which Redis does not know all; those forgotten too early; those that Redis lost. */
  readonly windows: number;
  readonly untold: number;
  readonly evicted: number;
  readonly lostByRedis: number;
}

/** Some 12 MB when full (measured: 460 bytes a window with its name). */
const MAX_WINDOWS = 25_000;
/** Counters told to Redis in one exchange after an outage: under a millisecond of its time. */
const TELL_BATCH = 200;
const LOG_EVERY_MS = 60_000;

export class RateLimits {
  readonly #deps: RateLimitsDeps;
  readonly #limits: Limits;
  readonly #windows: Windows;
  readonly #limiters: ReadonlyMap<LimitName, RateLimiterRedis>;
  readonly #counted = { redis: 0, memory: 0 };
  readonly #refused: Record<LimitName, number>;
  #telling: Promise<void> | undefined;
  #isStopped = false;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  private constructor(deps: RateLimitsDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
    this.#windows = new Windows({ clock: deps.clock, maxWindows: deps.maxWindows ?? MAX_WINDOWS });
    this.#limiters = this.#createLimiters(deps.access);
    this.#refused = Object.fromEntries(LIMIT_NAMES.map((name) => [name, 0])) as Record<LimitName, number>;
  }

  static create(deps: RateLimitsDeps): RateLimits {
    return new RateLimits(deps);
  }

  /** What was counted in an outage and is being told to Redis is finished. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#telling;
  }

  /** One API call: both limits are asked at once. @param credential names the key or session, and is not its secret. */
  async apiCall(organizationId: OrganizationId, credential: string): Promise<readonly Verdict[]> {
    const { names } = this.#deps;
    return await Promise.all([
      this.#consume('key', names.ofOrganization(organizationId, 'key', credential)),
      this.#consume('organization', names.ofOrganization(organizationId, 'organization')),
    ]);
  }

  /** @param address of the peer, IPv4 or IPv6; of the latter the network (/64) counts, since one person has all of it. */
  async address(limit: AddressLimit, address: string): Promise<Verdict> {
    return await this.#consume(limit, this.#deps.names.ofOutsider(limit, networkOf(address)));
  }

  /**
   * One text of a phone. A verdict and nothing more: a text over the limit is stored, acknowledged and answered like any
   * other, since whoever drops it cannot know that it was not "STOP" or "my address is". What a flood can cost is bounded
   * elsewhere: texts that arrive while a turn runs share the next one, and a conversation has one turn at a time.
   */
  inboundText(text: { account: string; to: string; from: string }): Promise<Verdict> {
    const subject = `${text.account} ${text.to} ${text.from}`;
    return this.#consume('inboundText', this.#deps.names.ofOutsider('inboundText', subject));
  }

  report(): RateLimitsReport {
    return { counted: { ...this.#counted }, refused: { ...this.#refused }, ...this.#windows.report() };
  }

  async #consume(limit: LimitName, name: string): Promise<Verdict> {
    const policy = this.#limits[limit];
    const ticket = this.#windows.count(name, limit, policy);
    const limiter = this.#limiters.get(limit);
    const position = limiter ? await this.#ask(limiter, ticket) : this.#windows.keepHere(ticket);
    this.#counted[ticket.settledBy ?? 'memory'] += 1;
    return this.#judge(ticket, policy, position);
  }

  async #ask(limiter: RateLimiterRedis, ticket: Ticket): Promise<number> {
    const { consumedPoints, msBeforeNext } = await consume(limiter, ticket, this.#optionsOf(ticket));
    // The insurance has settled it: Redis did not answer.
    if (ticket.settledBy) return consumedPoints;
    const position = this.#windows.confirm(ticket, consumedPoints, msBeforeNext);
    if (this.#windows.untoldCount > 0) this.#tellRedis();
    return position;
  }

  #judge(ticket: Ticket, { points, windowMs }: Limit, position: number): Verdict {
    const { window } = ticket;
    const isAllowed = position <= points;
    const isNews = !isAllowed && !window.isReported;
    if (!isAllowed) {
      window.isReported = true;
      this.#refused[window.limit] += 1;
    }
    return {
      limit: window.limit,
      isAllowed,
      quota: points,
      windowMs,
      remaining: Math.max(0, points - position),
      resetMs: this.#windows.msLeft(ticket),
      isNews,
    };
  }

  /** A window that Redis does not have yet gets what is left of the one here, in the whole seconds that it takes. */
  #optionsOf(ticket: Ticket): LimiterOptions {
    return { ticket, customDuration: Math.max(1, Math.ceil(this.#windows.msLeft(ticket) / 1_000)) };
  }

  /** After an outage: what memory counted reaches Redis, for the other processes to see, also for callers who stay away. */
  #tellRedis(): void {
    if (this.#telling || this.#isStopped) return;
    this.#telling = this.#tellAll()
      .catch((error: unknown) => this.#logFailure(error))
      .finally(() => {
        this.#telling = undefined;
      });
  }

  async #tellAll(): Promise<void> {
    const windows = this.#windows.allUntold();
    for (let at = 0; at < windows.length && !this.#isStopped; at += TELL_BATCH) {
      const told = await Promise.all(
        windows.slice(at, at + TELL_BATCH).map(async (window) => {
          const ticket = this.#windows.takeUntold(window);
          return ticket === undefined || (await this.#tell(ticket));
        }),
      );
      if (told.includes(false)) return;
    }
  }

  /** @returns whether Redis took it. */
  async #tell(ticket: Ticket): Promise<boolean> {
    const { name, limit } = ticket.window;
    const limiter = this.#limiters.get(limit);
    if (!limiter) throw new Error('There is no Redis to tell.');
    const { consumedPoints, msBeforeNext } = await limiter.penalty(
      name,
      ticket.points,
      this.#optionsOf(ticket),
    );
    if (ticket.settledBy) return false;
    this.#windows.confirm(ticket, consumedPoints, msBeforeNext);
    return true;
  }

  #createLimiters(access: LimitAccess | undefined): ReadonlyMap<LimitName, RateLimiterRedis> {
    if (!access) return new Map();
    const storeClient = createStoreClient(access, (error) => this.#logFailure(error));
    const insuranceLimiter = new WindowInsurance(this.#windows);
    return new Map(
      LIMIT_NAMES.map((name) => {
        const { points, windowMs } = this.#limits[name];
        const options = { storeClient, insuranceLimiter, keyPrefix: '', points, duration: windowMs / 1_000 };
        return [name, new RateLimiterRedis(options)];
      }),
    );
  }

  /** That Redis is away is told by who watches it; an error of this call alone (memory full, a missing right) is told here. */
  #logFailure(error: unknown): void {
    if (asError(error).name === 'RedisAwayError') return;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#deps.logger.warn('Redis could not count a limit; memory did', { error: asError(error) });
  }
}

/** The library rejects with its answer when the limit is passed, which is an answer like any other here. */
async function consume(
  limiter: RateLimiterRedis,
  { window, points }: Ticket,
  options: LimiterOptions,
): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(window.name, points, options);
  } catch (error) {
    if (error instanceof RateLimiterRes) return error;
    throw error;
  }
}
