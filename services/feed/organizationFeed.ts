/** One organization's feed as its streams in this process see it: one look for all of them, and shared reads. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Coalesced, coalesce } from '../coalesce.js';
import type { Database } from '../db/client.js';
import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import { type FeedPage, numberFeed, readFeed } from '../record/feed.js';
import type { ConversationId, OrganizationId } from '../types.js';
import type { Follower } from './types.js';

export interface OrganizationFeedDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly paceMs: number;
  /** Keeps the feed from taking the connections that texts need. */
  limited<T>(work: () => Promise<T>): Promise<T>;
}

const PAGE = 200;

export class OrganizationFeed {
  readonly followers = new Set<Follower>();
  readonly organizationId: OrganizationId;
  readonly #deps: OrganizationFeedDeps;
  readonly #looking: Coalesced;
  /** Reads under way: who wants the same gets the same. Nothing is kept, so what was erased is told to nobody. */
  readonly #reads = new Map<string, Promise<FeedPage>>();
  #position = 0;
  #trimmedId = 0;
  #isGone = false;
  #hasFailed = false;

  constructor(organizationId: OrganizationId, deps: OrganizationFeedDeps) {
    this.organizationId = organizationId;
    this.#deps = deps;
    this.#looking = coalesce(async () => {
      await this.#lookOrLog();
      await pause(deps.paceMs, undefined, { ref: false });
    });
  }

  get position(): number {
    return this.#position;
  }

  get trimmedId(): number {
    return this.#trimmedId;
  }

  /** Something may have happened: looks soon, and wakes the followers when it has. */
  look(): void {
    if (!this.#isGone && this.followers.size > 0) this.#looking.run();
  }

  /** @returns false when there is no such organization. @throws Error of the record. */
  async lookNow(): Promise<boolean> {
    const ends = await this.#deps.limited(() => numberFeed(this.#deps.database, this.organizationId));
    if (!ends) {
      this.end();
      return false;
    }
    this.#hasFailed = false;
    this.#trimmedId = Math.max(this.#trimmedId, ends.trimmedId);
    if (ends.lastId <= this.#position) return true;
    this.#position = ends.lastId;
    for (const follower of [...this.followers]) follower.wake();
    return true;
  }

  async read(after: number, conversationId: ConversationId | undefined): Promise<FeedPage> {
    const key = `${after} ${conversationId ?? ''}`;
    const running = this.#reads.get(key);
    if (running) return await running;
    const { database, limited } = this.#deps;
    const request = { after, lastId: this.#position, limit: PAGE, conversationId };
    const read = limited(() => readFeed(database, this.organizationId, request)).finally(() =>
      this.#reads.delete(key),
    );
    this.#reads.set(key, read);
    return await read;
  }

  end(): void {
    this.#isGone = true;
    for (const follower of [...this.followers]) follower.end();
  }

  async idle(): Promise<void> {
    await this.#looking.idle();
  }

  async #lookOrLog(): Promise<void> {
    try {
      await this.lookNow();
    } catch (error) {
      // The next event or poll looks again.
      if (!this.#hasFailed) {
        this.#deps.logger.warn('the feed could not be read; it is tried again', {
          organizationId: this.organizationId,
          error: asError(error),
        });
      }
      this.#hasFailed = true;
    }
  }
}
