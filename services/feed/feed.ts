/**
 * Following the feeds of organizations in this process. What happens here is looked at when it is committed, what
 * happens elsewhere when pub/sub says so; and the record is asked at a bounded rate in any case, one statement for all
 * organizations, so that a lost word costs a delay and no event.
 */
import type { Database } from '../db/client.js';
import { asError, JackError } from '../errors.js';
import type { LiveEvents } from '../events.js';
import type { Logger } from '../logger.js';
import type { PubSub } from '../pubsub.js';
import { findNews } from '../record/feed.js';
import type { OrganizationId } from '../types.js';
import { OrganizationFeed } from './organizationFeed.js';
import { createSlots } from './slots.js';
import { startTrimming, type Trimming } from './trimming.js';
import type { FeedLimits, FeedReport, Follower, Following } from './types.js';

export type { FeedLimits, FeedReport, Follower, Following } from './types.js';

export interface FeedDeps {
  readonly database: Database;
  readonly events: LiveEvents;
  readonly pubsub: Pick<PubSub, 'onBreak'>;
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits?: Partial<FeedLimits> | undefined;
}

const HOUR_MS = 3_600_000;

const LIMITS: FeedLimits = {
  maxPerOrganization: 100,
  maxFollowings: 2_000,
  pollMs: 1_000,
  paceMs: 20,
  keepMs: 24 * HOUR_MS,
};
/** Of the record's ten connections; texts need the others. */
const MAX_STATEMENTS = 2;

export class Feed {
  readonly #deps: FeedDeps;
  readonly #limits: FeedLimits;
  readonly #limited = createSlots(MAX_STATEMENTS);
  readonly #feeds = new Map<
    OrganizationId,
    { readonly feed: OrganizationFeed; readonly unsubscribe: () => void }
  >();
  readonly #endBreaks: () => void;
  #followings = 0;
  #polls = 0;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #trimming: Trimming | undefined;
  #isStopping = false;

  private constructor(deps: FeedDeps) {
    this.#deps = deps;
    this.#limits = { ...LIMITS, ...deps.limits };
    this.#endBreaks = deps.pubsub.onBreak(() => {
      for (const { feed } of this.#feeds.values()) feed.look();
    });
  }

  static create(deps: FeedDeps): Feed {
    return new Feed(deps);
  }

  start(): void {
    if (this.#trimming || this.#isStopping) return;
    this.#trimming = startTrimming({ ...this.#deps, keepMs: this.#limits.keepMs });
    this.#schedule();
  }

  /** Ends every following: streams are long, and a process that stops waits for its requests. */
  beginStop(): void {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    for (const { feed } of this.#feeds.values()) feed.end();
  }

  async stop(): Promise<void> {
    this.beginStop();
    this.#endBreaks();
    await this.#polling;
    await this.#trimming?.stop();
    await Promise.all([...this.#feeds.values()].map(({ feed }) => feed.idle()));
  }

  /**
   * @throws JackError E_RATE_LIMITED when too many follow already, E_SHUTTING_DOWN, E_NOT_FOUND without such an
   * organization, E_DB_UNAVAILABLE.
   */
  async follow(organizationId: OrganizationId, follower: Follower): Promise<Following> {
    if (this.#isStopping) throw new JackError('E_SHUTTING_DOWN', 'No new stream while stopping.');
    const feed = this.#feedOf(organizationId);
    this.#admit(feed);
    this.#followings += 1;
    feed.followers.add(follower);
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#followings -= 1;
      feed.followers.delete(follower);
      this.#forget(feed);
    };
    try {
      if (!(await feed.lookNow())) throw new JackError('E_NOT_FOUND', 'There is no such organization.');
    } catch (error) {
      close();
      if (error instanceof JackError) throw error;
      throw new JackError('E_DB_UNAVAILABLE', 'The feed could not be read.', { cause: asError(error) });
    }
    return {
      organizationId,
      get position() {
        return feed.position;
      },
      get trimmedId() {
        return feed.trimmedId;
      },
      read: (after, conversationId) => feed.read(after, conversationId),
      close,
    };
  }

  report(): FeedReport {
    return {
      followings: this.#followings,
      organizations: this.#feeds.size,
      polls: this.#polls,
      removed: this.#trimming?.removed() ?? 0,
    };
  }

  #admit({ followers }: OrganizationFeed): void {
    const { maxPerOrganization, maxFollowings } = this.#limits;
    if (followers.size < maxPerOrganization && this.#followings < maxFollowings) return;
    throw new JackError('E_RATE_LIMITED', 'Too many streams are open.', { retryAfterSeconds: 10 });
  }

  #feedOf(organizationId: OrganizationId): OrganizationFeed {
    const known = this.#feeds.get(organizationId);
    if (known) return known.feed;
    const { database, events, logger } = this.#deps;
    const { paceMs } = this.#limits;
    const feed = new OrganizationFeed(organizationId, { database, logger, paceMs, limited: this.#limited });
    const unsubscribe = events.subscribe(organizationId, () => feed.look());
    this.#feeds.set(organizationId, { feed, unsubscribe });
    return feed;
  }

  #forget(feed: OrganizationFeed): void {
    const known = this.#feeds.get(feed.organizationId);
    if (known?.feed !== feed || feed.followers.size > 0) return;
    known.unsubscribe();
    this.#feeds.delete(feed.organizationId);
  }

  #schedule(): void {
    if (this.#isStopping) return;
    const delayMs = this.#limits.pollMs * (0.9 + this.#deps.random() / 10);
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll().finally(() => this.#schedule());
    }, delayMs).unref();
  }

  async #poll(): Promise<void> {
    if (this.#feeds.size === 0) return;
    this.#polls += 1;
    const known = new Map([...this.#feeds].map(([id, { feed }]) => [id, feed.position]));
    try {
      const { changed, gone } = await this.#limited(() => findNews(this.#deps.database, known));
      for (const id of changed) this.#feeds.get(id)?.feed.look();
      for (const id of gone) this.#feeds.get(id)?.feed.end();
    } catch (error) {
      this.#deps.logger.warn('the feeds could not be polled; the next poll tries again', {
        error: asError(error),
      });
    }
  }
}
