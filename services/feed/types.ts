import type { FeedPage } from '../record/feed.js';
import type { ConversationId, OrganizationId } from '../types.js';

/** Somebody who follows an organization's feed: a stream. */
export interface Follower {
  /** There is something to look at: `position` may have grown. */
  wake(): void;
  /** The organization is gone, or the process stops: no more will come. */
  end(): void;
}

export interface Following {
  readonly organizationId: OrganizationId;
  /** Everything up to here can be read. */
  readonly position: number;
  /** Where the feed begins: who has seen less than this has missed something. */
  readonly trimmedId: number;
  /**
   * What came after a position, 200 events at most.
   * @throws Error of the record.
   */
  read(after: number, conversationId?: ConversationId): Promise<FeedPage>;
  close(): void;
}

export interface FeedLimits {
  /** Open at once for one organization, in this process. */
  readonly maxPerOrganization: number;
  /** Open at once in this process. */
  readonly maxFollowings: number;
  /** How often the record is asked for news, which bounds how late an event is that nobody told of. */
  readonly pollMs: number;
  /** Pause between two looks at the same organization: what comes meanwhile is one look. */
  readonly paceMs: number;
  /** How long an event can be replayed. */
  readonly keepMs: number;
}

export interface FeedReport {
  readonly followings: number;
  readonly organizations: number;
  readonly polls: number;
  readonly removed: number;
}
