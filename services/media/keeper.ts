/**
 * Takes in what shoppers send, in the background: claims due rows, downloads, looks what the bytes are, stores them. And
 * erases from the store what no row needs any more. Any number of processes may do it at once.
 */
import type { Clock } from '../clock.js';
import { coalesce } from '../coalesce.js';
import type { Database } from '../db/client.js';
import { asError } from '../errors.js';
import { type Logger, logContext } from '../logger.js';
import {
  announceContent,
  claimErasures,
  claimMedia,
  type Erasure,
  freeMediaLeases,
  type MediaClaim,
  markStored,
  refuseMedia,
  requestErasure,
  retryMedia,
  settleErasure,
} from '../record/media.js';
import type { TwilioCredentials } from '../twilio/restClient.js';
import { digestOf } from './digest.js';
import type { Downloader } from './download.js';
import { isAsDeclared, sniff } from './sniff.js';
import type { MediaLimits, MediaStore } from './types.js';

export interface MediaKeeperDeps {
  readonly database: Database;
  readonly store: MediaStore;
  readonly downloader: Downloader;
  /** @throws when the account has no usable token. */
  credentialsFor(claim: MediaClaim): Promise<TwilioCredentials>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits: MediaLimits;
  /** Told of every step that is in the record. */
  onOutcome?(outcome: MediaOutcome): void;
}

/** `failed`: an attempt that is made again. */
export type MediaOutcome = 'stored' | 'refused' | 'failed' | 'erased';

const ERASURES_AT_ONCE = 20;
const LONGEST_RETRY_MS = 15 * 60_000;
/** An erasure takes milliseconds. */
const BUSY_RETRY_MS = 1_000;

export class MediaKeeper {
  readonly #deps: MediaKeeperDeps;
  readonly #active = new Set<Promise<void>>();
  readonly #claiming = coalesce(() => logContext.exit(() => this.#claimAll()));
  readonly #erasing = coalesce(() => logContext.exit(() => this.#eraseDue()));
  #stopping = new AbortController();
  #isRunning = false;
  #sweeper: NodeJS.Timeout | undefined;

  private constructor(deps: MediaKeeperDeps) {
    this.#deps = deps;
  }

  static create(deps: MediaKeeperDeps): MediaKeeper {
    return new MediaKeeper(deps);
  }

  async start(): Promise<void> {
    if (this.#isRunning) return;
    if (this.#deps.database.kind === 'pglite') await freeMediaLeases(this.#deps.database);
    this.#stopping = new AbortController();
    this.#isRunning = true;
    this.#sweeper = setInterval(() => this.wake(), this.#deps.limits.sweepMs);
    this.wake();
  }

  /** Downloads under way are broken off and given back; whoever runs next takes them. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearInterval(this.#sweeper);
    this.#stopping.abort();
    await this.#claiming.idle();
    await this.#erasing.idle();
    await Promise.all(this.#active);
  }

  /** Something may be due. */
  wake(): void {
    if (!this.#isRunning) return;
    this.#claiming.run();
    this.#erasing.run();
  }

  async #claimAll(): Promise<void> {
    const { database, limits, logger } = this.#deps;
    try {
      for (;;) {
        const limit = limits.maxConcurrent - this.#active.size;
        if (limit <= 0 || !this.#isRunning) return;
        const claims = await claimMedia(database, { limit, leaseMs: limits.leaseMs });
        for (const claim of claims) this.#begin(claim);
        if (claims.length < limit) return;
      }
    } catch (error) {
      logger.warn('due media could not be claimed; the sweep tries again', { error: asError(error) });
    }
  }

  #begin(claim: MediaClaim): void {
    const work = this.#takeIn(claim)
      .catch((error: unknown) => {
        this.#deps.logger.warn('media could not be settled; the lease runs out and it is taken again', {
          organizationId: claim.organizationId,
          mediaId: claim.id,
          error: asError(error),
        });
      })
      .finally(() => {
        const wasFull = this.#active.size >= this.#deps.limits.maxConcurrent;
        this.#active.delete(work);
        if (wasFull) this.wake();
      });
    this.#active.add(work);
  }

  async #takeIn(claim: MediaClaim): Promise<void> {
    const { database, downloader } = this.#deps;
    const credentials = await this.#credentials(claim);
    if (!credentials) return await this.#fail(claim, 'no_credentials');
    const download = await downloader.download(claim.sourceUrl, credentials, this.#stopping.signal);
    if (download.outcome === 'refused') return await this.#refuse(claim, download.reason);
    if (download.outcome === 'failed') {
      if (!this.#stopping.signal.aborted) return await this.#fail(claim, download.reason);
      return await retryMedia(database, claim, { reason: download.reason, delayMs: 0, isCounted: false });
    }
    const { bytes } = download;
    const sniffed = sniff(bytes);
    if (!sniffed) return await this.#refuse(claim, 'type_not_accepted');
    if (!isAsDeclared(sniffed, claim.declaredType)) return await this.#refuse(claim, 'type_mismatch');
    const digest = await digestOf(bytes);
    const announced = await announceContent(database, claim, digest);
    if (announced === 'gone') return;
    if (announced === 'busy') {
      const again = { reason: 'being_erased', delayMs: BUSY_RETRY_MS, isCounted: false };
      return await retryMedia(database, claim, again);
    }
    const key = { organizationId: claim.organizationId, digest };
    try {
      await this.#deps.store.put(key, bytes);
    } catch (error) {
      this.#log(claim, 'media could not be stored', { error: asError(error) });
      return await this.#fail(claim, 'store_unavailable');
    }
    const { contentType } = sniffed;
    if (await markStored(database, claim, { contentType, bytes: bytes.length }))
      this.#deps.onOutcome?.('stored');
    // Erased, or another's, while it was being stored: whether the bytes are needed is for the eraser to find out.
    else await requestErasure(database, key);
  }

  async #credentials(claim: MediaClaim): Promise<TwilioCredentials | undefined> {
    try {
      return await this.#deps.credentialsFor(claim);
    } catch (error) {
      this.#log(claim, 'media cannot be fetched without credentials', { error: asError(error) });
      return undefined;
    }
  }

  async #fail(claim: MediaClaim, reason: string): Promise<void> {
    const { database, limits, random } = this.#deps;
    if (claim.attempts >= limits.maxAttempts) return await this.#refuse(claim, reason);
    this.#deps.onOutcome?.('failed');
    const delayMs = Math.min(limits.firstRetryMs * 2 ** (claim.attempts - 1), LONGEST_RETRY_MS);
    const jitter = 0.75 + random() / 2;
    await retryMedia(database, claim, { reason, delayMs: delayMs * jitter, isCounted: true });
  }

  async #refuse(claim: MediaClaim, reason: string): Promise<void> {
    await refuseMedia(this.#deps.database, claim, reason);
    this.#deps.onOutcome?.('refused');
    this.#log(claim, 'media of a shopper was not taken in', { reason });
  }

  #log(claim: MediaClaim, message: string, details: Readonly<Record<string, unknown>>): void {
    const { organizationId, id: mediaId, attempts } = claim;
    this.#deps.logger.warn(message, { organizationId, mediaId, attempts, ...details });
  }

  async #eraseDue(): Promise<void> {
    const { database, limits, logger } = this.#deps;
    try {
      for (;;) {
        if (!this.#isRunning) return;
        const due = await claimErasures(database, { limit: ERASURES_AT_ONCE, leaseMs: limits.leaseMs });
        for (const erasure of due) await this.#erase(erasure);
        if (due.length < ERASURES_AT_ONCE) return;
      }
    } catch (error) {
      logger.warn('media could not be erased; the sweep tries again', { error: asError(error) });
    }
  }

  async #erase(erasure: Erasure): Promise<void> {
    await this.#deps.store.delete(erasure);
    await settleErasure(this.#deps.database, erasure, this.#deps.limits.secondPassMs);
    this.#deps.onOutcome?.('erased');
  }
}
