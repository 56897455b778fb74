/**
 * Finds out what nobody told us: asks the carrier about texts without a final status, compares its list with the record
 * once a day, takes back texts that have waited too long, and notices credentials that were changed. Any number of
 * processes may do it at once; each row is with one of them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../clock.js';
import type { Database } from '../db/client.js';
import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import {
  cancelStale,
  claimComparison,
  claimUnsettled,
  findByCarrierIds,
  type KnownText,
  putOffPolls,
  type SenderNumber,
  storeComparison,
  type UnsettledText,
} from '../record/reconcile.js';
import { liftCredentialHold, listCredentialHolds } from '../record/sendingHolds.js';
import type { OrganizationId } from '../types.js';
import { RANKS } from './climb.js';
import { raiseNews } from './react.js';
import type { StatusWriter } from './statuses.js';
import type { ListedText, Transport } from './transports/types.js';

export interface ReconcilerDeps {
  readonly database: Database;
  readonly transport: Transport;
  readonly statuses: StatusWriter;
  readonly clock: Clock;
  /** From 0 up to 1: processes that start together do not sweep together. */
  readonly random: () => number;
  readonly logger: Logger;
  /** A hash of what the account is sent with now; undefined: there is none. */
  credentialHash?(organizationId: OrganizationId, account: string): Promise<string | undefined>;
  readonly limits?: Partial<ReconcileLimits>;
}

export interface ReconcileLimits {
  readonly sweepMs: number;
  /** Texts asked after in one sweep, and how many at once. */
  readonly pollBatch: number;
  readonly pollsAtOnce: number;
  /** Between two questions about one text, and when nothing more is expected of it. */
  readonly pollAgainMs: number;
  readonly pollGiveUpMs: number;
  /** When the carrier could not be asked. */
  readonly retryMs: number;
  readonly compareEveryMs: number;
  /** What happened on the edge of the last comparison is looked at again. */
  readonly compareOverlapMs: number;
  /** Younger texts may still be on their way into the record. */
  readonly compareSettleMs: number;
  /** How long a process may take for one number's list. */
  readonly compareLeaseMs: number;
  /** A text that was due for so long is not sent any more: Twilio would not send it either (DOMAIN.md 4.1). */
  readonly maxWaitMs: number;
}

const HOUR_MS = 3_600_000;
const DEFAULT_LIMITS: ReconcileLimits = {
  sweepMs: 60_000,
  pollBatch: 200,
  pollsAtOnce: 4,
  pollAgainMs: 24 * HOUR_MS,
  pollGiveUpMs: 72 * HOUR_MS,
  retryMs: HOUR_MS,
  compareEveryMs: 24 * HOUR_MS,
  compareOverlapMs: HOUR_MS,
  compareSettleMs: HOUR_MS / 4,
  compareLeaseMs: HOUR_MS / 4,
  maxWaitMs: 10 * HOUR_MS,
};
const STALE_BATCH = 200;
/** For staff: whoever the text was for has not had it. */
const TAKEN_BACK = {
  waited_too_long: 'A text could not be sent for hours and was taken back.',
  conversation_moved_on: 'A text was not delivered, and the conversation went on without it.',
} as const;

/** What a comparison of one number's list came to. */
export interface Comparison {
  readonly listed: number;
  /** Statuses that the record did not have. */
  readonly taken: number;
  /** Texts of shoppers that the record does not know. */
  readonly missedInbound: number;
  /** Texts from our number that something else sent. */
  readonly unknownOutbound: number;
}

export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #limits: ReconcileLimits;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopping = new AbortController();

  private constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  static create(deps: ReconcilerDeps): Reconciler {
    return new Reconciler(deps);
  }

  start(): void {
    if (this.#timer) return;
    this.#stopping = new AbortController();
    this.#schedule();
  }

  /** What is under way is finished; the rest waits for the next start. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopping.abort();
    await this.#running;
  }

  #schedule(): void {
    this.#timer = setTimeout(
      () => {
        this.#running = this.#sweep().finally(() => {
          if (!this.#stopping.signal.aborted) this.#schedule();
        });
      },
      this.#limits.sweepMs * (0.75 + this.#deps.random() / 2),
    );
    this.#timer.unref();
  }

  async #sweep(): Promise<void> {
    const duties: Record<string, () => Promise<unknown>> = {
      'changed credentials': () => this.noticeCredentials(),
      'texts that wait too long': () => this.takeBackStale(),
      'texts without a final status': () => this.poll(),
      "the carrier's list": () => this.compareNext(),
    };
    for (const [duty, work] of Object.entries(duties)) {
      if (this.#stopping.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        this.#deps.logger.warn('a part of the reconciliation broke off; the next sweep tries again', {
          duty,
          error: asError(error),
        });
      }
    }
  }

  /** A hold on credentials ends when they are others. */
  async noticeCredentials(): Promise<void> {
    const { database, credentialHash, logger } = this.#deps;
    if (!credentialHash) return;
    for (const hold of await listCredentialHolds(database)) {
      const now = await credentialHash(hold.organizationId, hold.account);
      if (now === undefined || now === hold.credentialHash) continue;
      await liftCredentialHold(database, hold);
      logger.info('the credentials of an organization were changed; its texts go out again', {
        organizationId: hold.organizationId,
      });
    }
  }

  /** @returns how many were taken back. */
  async takeBackStale(): Promise<number> {
    const { database } = this.#deps;
    const limits = { batch: STALE_BATCH, maxWaitMs: this.#limits.maxWaitMs };
    for (let total = 0; ; ) {
      const stale = await database.transaction(async (tx) => {
        const texts = await cancelStale(database, tx, limits);
        const alerts = texts.map(({ organizationId, conversationId, reason }) => ({
          organizationId,
          conversationId,
          kind: 'delivery_failed' as const,
          reason: TAKEN_BACK[reason],
        }));
        await raiseNews({ database }, tx, alerts);
        return texts;
      });
      total += stale.length;
      if (stale.length < STALE_BATCH || this.#stopping.signal.aborted) return total;
    }
  }

  /** @returns how many texts the carrier was asked about. */
  async poll(): Promise<number> {
    const { database, transport } = this.#deps;
    const { pollBatch, pollAgainMs, pollGiveUpMs, pollsAtOnce } = this.#limits;
    const limits = { batch: pollBatch, againMs: pollAgainMs, giveUpMs: pollGiveUpMs };
    for (let total = 0; ; ) {
      const { seen, unsettled } = await claimUnsettled(database, limits);
      if (transport.read) {
        for (let at = 0; at < unsettled.length; at += pollsAtOnce) {
          await Promise.all(unsettled.slice(at, at + pollsAtOnce).map((text) => this.#ask(text)));
        }
        total += unsettled.length;
      }
      if (seen < pollBatch || this.#stopping.signal.aborted) return total;
    }
  }

  async #ask(text: UnsettledText): Promise<void> {
    const { database, transport, statuses, logger } = this.#deps;
    const { organizationId, messageId, account, accountSid, messageSid } = text;
    try {
      const found = await transport.read?.({ organizationId, account, providerSid: messageSid });
      if (!found) {
        logger.warn('the carrier does not know a text that it accepted', { organizationId, messageId });
        return;
      }
      const { status, errorCode } = found;
      const report = { organizationId, messageId, accountSid, messageSid, status, errorCode };
      await statuses.report({ ...report, source: 'poll' });
    } catch (error) {
      logger.warn('the carrier could not be asked about a text', {
        organizationId,
        messageId,
        error: asError(error),
      });
      await putOffPolls(database, [messageId], this.#limits.retryMs);
    }
  }

  /** Compares the number that has waited longest. @returns undefined when none is due. */
  async compareNext(): Promise<Comparison | undefined> {
    const { database, transport, clock, logger } = this.#deps;
    if (!transport.list) return undefined;
    const { compareEveryMs, compareLeaseMs, compareOverlapMs, compareSettleMs } = this.#limits;
    const sender = await claimComparison(database, { everyMs: compareEveryMs, leaseMs: compareLeaseMs });
    if (!sender) return undefined;
    const toMs = clock.now() - compareSettleMs;
    const sinceMs = (sender.comparedToMs ?? toMs - compareEveryMs) - compareOverlapMs;
    let sum: Comparison = { listed: 0, taken: 0, missedInbound: 0, unknownOutbound: 0 };
    for await (const page of transport.list({ ...sender, sinceMs })) {
      const part = await this.#comparePage(
        sender,
        page.filter(({ createdAtMs }) => createdAtMs <= toMs),
      );
      sum = add(sum, part);
      await pause(0);
    }
    await this.#tell(sender, sum);
    await storeComparison(database, sender, toMs);
    if (sum.taken + sum.missedInbound + sum.unknownOutbound > 0) {
      logger.warn("the carrier's list differs from the record", {
        organizationId: sender.organizationId,
        ...sum,
      });
    }
    return sum;
  }

  async #comparePage(sender: SenderNumber, page: readonly ListedText[]): Promise<Comparison> {
    const { database, statuses } = this.#deps;
    const { organizationId } = sender;
    const ids = page.map(({ accountSid, providerSid }) => ({ accountSid, messageSid: providerSid }));
    const known = new Map<string, KnownText>();
    for (const text of await findByCarrierIds(database, organizationId, ids))
      known.set(text.messageSid, text);
    let taken = 0;
    for (const listed of page) {
      const text = known.get(listed.providerSid);
      if (!text?.messageId || !isNews(listed, text)) continue;
      const { accountSid, status, errorCode } = listed;
      const report = { organizationId, messageId: text.messageId, accountSid, status, errorCode };
      const outcome = await statuses.report({ ...report, messageSid: listed.providerSid, source: 'list' });
      if (outcome === 'changed') taken += 1;
    }
    const strangers = page.filter(({ providerSid }) => !known.has(providerSid));
    const count = (direction: ListedText['direction']) =>
      strangers.filter((text) => text.direction === direction).length;
    return {
      listed: page.length,
      taken,
      missedInbound: count('inbound'),
      unknownOutbound: count('outbound'),
    };
  }

  /** A shopper whose text never came is waiting for somebody. */
  async #tell({ organizationId }: SenderNumber, { missedInbound: count }: Comparison): Promise<void> {
    if (count === 0) return;
    const { database } = this.#deps;
    const reason = 'The carrier has texts of shoppers that never reached Jack. Its log shows who waits.';
    await database.transaction((tx) =>
      raiseNews({ database }, tx, [
        { organizationId, conversationId: null, kind: 'texts_missed', reason, details: { count } },
      ]),
    );
  }
}

const isNews = (listed: ListedText, text: KnownText): boolean =>
  listed.direction === 'outbound' &&
  text.status !== null &&
  (RANKS[listed.status] > RANKS[text.status] ||
    (listed.status === text.status && listed.errorCode !== null && listed.errorCode !== text.errorCode));

const add = (a: Comparison, b: Comparison): Comparison => ({
  listed: a.listed + b.listed,
  taken: a.taken + b.taken,
  missedInbound: a.missedInbound + b.missedInbound,
  unknownOutbound: a.unknownOutbound + b.unknownOutbound,
});
