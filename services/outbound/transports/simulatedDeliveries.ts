/** The way from the simulated carrier to the handset: a short delay, the two reports, and what a dead process left. */
import { type Batcher, createBatcher } from '../../batcher.js';
import type { Database } from '../../db/client.js';
import type { Logger } from '../../logger.js';
import {
  listUndelivered,
  markSimulatedDelivered,
  type UndeliveredText,
} from '../../record/simulatedTexts.js';
import type { MessageId, OrganizationId } from '../../types.js';

export interface DeliveryStatus {
  readonly organizationId: OrganizationId;
  readonly messageId: MessageId;
  readonly status: 'sent' | 'delivered';
  readonly errorCode: null;
}

export interface SimulatedDeliveriesDeps {
  readonly database: Database;
  readonly logger: Logger;
  /** From 0 up to 1, as Math.random. */
  random(): number;
  onStatus(status: DeliveryStatus): Promise<unknown>;
  /** Shortest and longest time from acceptance to the handset. */
  readonly delayMs: readonly [number, number];
  readonly sweepMs: number;
}

const MAX_BATCH = 100;
const SWEEP_BATCH = 200;

export class SimulatedDeliveries {
  readonly #deps: SimulatedDeliveriesDeps;
  readonly #delivered: Batcher<MessageId, null>;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #work = new Set<Promise<void>>();
  #sweeping: Promise<void> | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #isStopped = false;

  private constructor(deps: SimulatedDeliveriesDeps) {
    this.#deps = deps;
    this.#delivered = createBatcher({
      maxBatch: MAX_BATCH,
      run: async (ids) => {
        await markSimulatedDelivered(deps.database, ids);
        return ids.map(() => null);
      },
    });
  }

  static create(deps: SimulatedDeliveriesDeps): SimulatedDeliveries {
    return new SimulatedDeliveries(deps);
  }

  /** Takes up at once what an ended process left undelivered; later sweeps take only what is overdue. */
  start(): void {
    if (this.#sweeper || this.#isStopped) return;
    this.#sweep(0);
    this.#sweeper = setInterval(() => this.#sweep(this.#overdueMs()), this.#deps.sweepMs);
  }

  /** Texts not on the handset yet stay in the record, for the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#sweeper);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.#sweeping;
    await Promise.all(this.#work);
  }

  schedule(text: UndeliveredText): void {
    const [shortest, longest] = this.#deps.delayMs;
    const halfMs = (shortest + (longest - shortest) * this.#deps.random()) / 2;
    this.#after(halfMs, async () => {
      await this.#report(text, 'sent');
      this.#after(halfMs, () => this.#deliver(text));
    });
  }

  /** Reported before it is marked: a process that dies in between reports once more, never not at all. */
  async #deliver(text: UndeliveredText): Promise<void> {
    await this.#report(text, 'delivered');
    await this.#delivered.add(text.messageId);
  }

  #report(
    { organizationId, messageId }: UndeliveredText,
    status: DeliveryStatus['status'],
  ): Promise<unknown> {
    return this.#deps.onStatus({ organizationId, messageId, status, errorCode: null });
  }

  #after(delayMs: number, work: () => Promise<void>): void {
    if (this.#isStopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const running = work()
        .catch((error: unknown) => {
          this.#deps.logger.warn('a delivery could not be reported; the sweep tries again', { error });
        })
        .finally(() => this.#work.delete(running));
      this.#work.add(running);
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Texts younger than this may still have their own timer. */
  #overdueMs(): number {
    return this.#deps.delayMs[1] + this.#deps.sweepMs;
  }

  #sweep(olderThanMs: number): void {
    this.#sweeping ??= this.#deliverLeftovers(olderThanMs)
      .catch((error: unknown) => {
        this.#deps.logger.warn('undelivered texts could not be looked for; the next sweep tries again', {
          error,
        });
      })
      .finally(() => {
        this.#sweeping = undefined;
      });
  }

  async #deliverLeftovers(olderThanMs: number): Promise<void> {
    let after: string | undefined;
    while (!this.#isStopped) {
      const texts = await listUndelivered(this.#deps.database, { olderThanMs, after, limit: SWEEP_BATCH });
      const outcomes = await Promise.allSettled(texts.map((text) => this.#deliver(text)));
      const refused = outcomes.find((outcome) => outcome.status === 'rejected');
      if (refused)
        this.#deps.logger.warn('deliveries could not be reported', { error: refused.reason as unknown });
      if (texts.length < SWEEP_BATCH) return;
      after = texts.at(-1)?.messageId;
    }
  }
}
