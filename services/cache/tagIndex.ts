/**
 * Lists of what a tag holds: sorted sets of names by when their values will have expired. A name stays listed
 * longer than its value, so that a value which is stored again and again is listed once in a while and not every time.
 */
import type { ChainableCommander } from 'ioredis';
import type { StoredEntry, Tag } from './types.js';

/** The longest lifetime of a value. */
export const MAX_TTL_MS = 31 * 24 * 3_600_000;
/**
 * How long a name is listed, and how long whoever listed it takes it for listed, in lifetimes of its value. The second is
 * less: another process may have cleared it since and listed it anew for a lifetime that is a tenth shorter.
 */
const LISTED_FOR = 2;
const TAKEN_FOR_LISTED = 1.5;
/** Scores are clocks of several machines; a value whose name was forgotten too early could not be cleared. */
const FORGET_GRACE_MS = 60_000;

export interface PipelineWithIndex extends ChainableCommander {
  /** The script lua/index-1.lua. */
  indexNames(index: string, ...args: (string | number)[]): this;
  /** The script lua/unlist-1.lua. */
  unlistNames(index: string, ...namesAndScores: string[]): this;
}

/** What each index is to be told: expiry and name, one after the other. */
export type Listings = ReadonlyMap<string, readonly (string | number)[]>;

export const takenForListedUntilMs = (ttlMs: number, nowMs: number): number =>
  nowMs + Math.min(ttlMs, MAX_TTL_MS) * TAKEN_FOR_LISTED;

/** @param nowMs now, and a part of a millisecond that is this listing's own. */
export function listingsOf(
  entries: readonly StoredEntry[],
  nowMs: number,
  indexName: (tag: Tag) => string,
): Listings {
  const listings = new Map<string, (string | number)[]>();
  for (const { name, ttlMs, tags } of entries) {
    const untilMs = nowMs + Math.min(ttlMs, MAX_TTL_MS) * LISTED_FOR + FORGET_GRACE_MS;
    for (const tag of tags) {
      const index = indexName(tag);
      const args = listings.get(index);
      if (args) args.push(untilMs, name);
      else listings.set(index, [untilMs, name]);
    }
  }
  return listings;
}

/** Names whose values have expired are forgotten on the way. */
export function addListings(pipeline: PipelineWithIndex, listings: Listings, nowMs: number): void {
  for (const [index, args] of listings) {
    pipeline.indexNames(index, Math.floor(nowMs - FORGET_GRACE_MS), ...args);
  }
}
