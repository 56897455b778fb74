/**
 * What RateLimiterRedis falls back to when Redis gives no answer: the process's own windows. RateLimiterMemory of the
 * same library is not used, since it has no ceiling, holds a timer for each key, and starts from zero in an outage.
 */
import { RateLimiterCompatibleAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { Ticket, Windows } from './windows.js';

/** Goes through the library untouched, from the call to the insurance. */
export interface LimiterOptions {
  readonly ticket: Ticket;
  /** Seconds of a window that begins with this call in Redis. */
  readonly customDuration: number;
}

export class WindowInsurance extends RateLimiterCompatibleAbstract {
  readonly #windows: Windows;
  override readonly keyPrefix = '';
  // The library sets both on every insurance; windows know neither.
  override blockDuration = 0;
  override execEvenly = false;

  constructor(windows: Windows) {
    super();
    this.#windows = windows;
  }

  override async consume(_key: string | number, _points?: number, options?: object): Promise<RateLimiterRes> {
    const { ticket } = options as LimiterOptions;
    const position = this.#windows.keepHere(ticket);
    return new RateLimiterRes(0, this.#windows.msLeft(ticket), position);
  }

  override async penalty(key: string | number, points?: number, options?: object): Promise<RateLimiterRes> {
    return await this.consume(key, points, options);
  }
}
