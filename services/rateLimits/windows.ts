/**
 * This process's own count of every window, kept whether Redis counts or not. It is what makes a change of store
 * harmless: `told` is what Redis last said (of all processes), `untold` what was counted here and Redis does not know
 * yet. A request is sent to Redis together with what is untold, so a count is neither lost nor begun again.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { Limit, LimitName } from './limits.js';

export interface Window {
  readonly name: string;
  readonly limit: LimitName;
  /** On the monotonic clock. Never later than the end of Redis's window for the same name. */
  endsAtMs: number;
  told: number;
  /** Of what Redis has been told, the part of this process. */
  own: number;
  untold: number;
  /** Sent to Redis and not answered. */
  inFlight: number;
  /** All that was ever untold in this window, and how much of it tickets have taken along. */
  added: number;
  taken: number;
  /** Tickets so far, and the latest of them that Redis has answered. */
  tickets: number;
  answered: number;
  /** Whether somebody has been told that the limit is reached. */
  isReported: boolean;
}

/** One count on its way: to Redis, or, when that fails, into `untold`. */
export interface Ticket {
  readonly window: Window;
  /** What Redis is to add: what was untold so far, and the request itself. */
  readonly points: number;
  /** Among the tickets of its window. */
  readonly order: number;
  /** Of what was untold, what tickets up to this one took along. */
  readonly taken: number;
  /** Of the request among all that this process knows of. */
  readonly position: number;
  readonly sentAtMs: number;
  /** Who counted it; undefined while it is under way. */
  settledBy: 'redis' | 'memory' | undefined;
}

export interface WindowsDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly maxWindows: number;
}

export class Windows {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #windows: LRUCache<string, Window>;
  readonly #untold = new Set<Window>();
  #evicted = 0;
  #lostByRedis = 0;

  constructor({ clock, maxWindows }: WindowsDeps) {
    this.#clock = clock;
    this.#windows = new LRUCache<string, Window>({
      max: maxWindows,
      dispose: (window, _name, reason) => {
        this.#untold.delete(window);
        if (reason === 'evict' && window.endsAtMs > clock.monotonicMs()) this.#evicted += 1;
      },
    });
  }

  /** Counts one request. The ticket must be settled by `confirm` or `keepHere`. */
  count(name: string, limit: LimitName, { windowMs }: Limit): Ticket {
    const nowMs = this.#clock.monotonicMs();
    let window = this.#windows.get(name);
    if (!window || window.endsAtMs <= nowMs) {
      window = {
        name,
        limit,
        endsAtMs: nowMs + windowMs,
        told: 0,
        own: 0,
        untold: 0,
        inFlight: 0,
        added: 0,
        taken: 0,
        tickets: 0,
        answered: 0,
        isReported: false,
      };
      this.#windows.set(name, window);
    }
    return this.#take(window, 1, nowMs);
  }

  /** Takes what Redis does not know, without a request of its own. Undefined: there is nothing, or its window is over. */
  takeUntold(window: Window): Ticket | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (window.endsAtMs > nowMs && window.untold > 0) return this.#take(window, 0, nowMs);
    this.#untold.delete(window);
    return undefined;
  }

  #take(window: Window, requests: number, sentAtMs: number): Ticket {
    const points = window.untold + requests;
    window.taken += window.untold;
    window.untold = 0;
    window.inFlight += points;
    window.tickets += 1;
    this.#untold.delete(window);
    const { taken, tickets: order, told, inFlight } = window;
    return { window, points, order, taken, position: told + inFlight, sentAtMs, settledBy: undefined };
  }

  /**
   * Redis has counted. @param consumed in its window, with the ticket's points. @param ttlMs what is left of that window.
   * @returns the place of the request in the window.
   */
  confirm(ticket: Ticket, consumed: number, ttlMs: number): number {
    const { window, points, sentAtMs } = ticket;
    this.#settle(ticket, 'redis');
    // Answers may overtake each other on the way through promises; then only that to the later request says something.
    if (ticket.order > window.answered) {
      window.answered = ticket.order;
      this.#restoreMissing(window, window.told + points - consumed);
      window.told = consumed;
      // Measured from the sending, so that this window never outlives that of Redis: its count would go into the next.
      if (ttlMs > 0) window.endsAtMs = sentAtMs + ttlMs;
    }
    window.own += points;
    // What had to be told again after this was sent, or was counted here since, comes on top.
    return consumed + window.added - ticket.taken;
  }

  /**
   * Counters only grow, so one that is lower than it must be was emptied, evicted, or is another server's. Each process
   * tells its own part again: all of them telling everything would refuse callers who are far from the limit.
   */
  #restoreMissing(window: Window, missing: number): void {
    if (missing <= 0) return;
    this.#lostByRedis += 1;
    const own = Math.min(missing, window.own);
    window.own -= own;
    this.#addUntold(window, own);
  }

  /** Redis did not count, or nobody knows whether it did. @returns the place of the request in the window. */
  keepHere(ticket: Ticket): number {
    this.#settle(ticket, 'memory');
    this.#addUntold(ticket.window, ticket.points);
    return ticket.position;
  }

  #settle(ticket: Ticket, settledBy: 'redis' | 'memory'): void {
    ticket.settledBy = settledBy;
    ticket.window.inFlight -= ticket.points;
  }

  /** Windows that hold something Redis does not know. */
  allUntold(): Window[] {
    return [...this.#untold];
  }

  #addUntold(window: Window, points: number): void {
    if (points === 0) return;
    window.untold += points;
    window.added += points;
    // An evicted window is known to nobody: nothing would ever take it out of the set.
    if (this.#windows.peek(window.name) === window) this.#untold.add(window);
  }

  get untoldCount(): number {
    return this.#untold.size;
  }

  /** Milliseconds until the window of a ticket ends. */
  msLeft({ window }: Pick<Ticket, 'window'>): number {
    return Math.max(0, window.endsAtMs - this.#clock.monotonicMs());
  }

  report(): {
    readonly windows: number;
    readonly untold: number;
    readonly evicted: number;
    readonly lostByRedis: number;
  } {
    return {
      windows: this.#windows.size,
      untold: this.#untold.size,
      evicted: this.#evicted,
      lostByRedis: this.#lostByRedis,
    };
  }
}
