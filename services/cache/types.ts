import type { OrganizationId } from '../types.js';

/** What values are cleared together: an organization, a lead, a conversation. Made in cacheAdapter/keys.ts. */
export type Tag = string & { readonly __brand: 'Tag' };

/** A typed name of a cached value: the key fixes the value's type, kind and lifetime. Made in cacheAdapter/keys.ts. */
export interface CacheKey<T> {
  readonly name: string;
  /** For statistics: `snapshot`, `agent`, … */
  readonly kind: string;
  readonly organizationId: OrganizationId;
  readonly ttlMs: number;
  /**
   * How the value is kept from being stale. `checked`: readers compare a rev inside. `immutable`: the rev is part of the
   * name. `timed`: nothing but its lifetime and deletes, so after an outage it is dropped, not handed back.
   */
  readonly freshness: 'checked' | 'immutable' | 'timed';
  /** First the organization's. */
  readonly tags: readonly Tag[];
  /** Absent: JSON, deflated where that is smaller. */
  readonly codec?: ValueCodec<T>;
  /**
   * How long one process may load a missing value while the others wait for it; absent: each loads for itself, which is
   * right when that costs no more than asking.
   */
  readonly loadLeaseMs?: number;
  /** From this age on a value is still answered, and loaded anew in the background. Absent: never before it expires. */
  readonly refreshAfterMs?: number;
  /** How long "there is none" (`null`) is kept; absent: as long as a value. */
  readonly negativeTtlMs?: number;
  /** Never set; carries the type. */
  readonly __value?: T;
}

export type Decoded<T = unknown> =
  | { readonly isUsable: true; readonly value: T }
  | { readonly isUsable: false };

/** A value as bytes. Bytes of another version, or damaged ones, are not usable: a miss, never an error. */
export interface ValueCodec<T> {
  encode(value: T): Buffer;
  decode(bytes: Buffer): Decoded<T>;
}

export interface StoredEntry {
  readonly name: string;
  readonly value: Buffer;
  /** 0 and less: expired already, so the value is not stored and what was there is gone. */
  readonly ttlMs: number;
  /** The same whenever this name is stored. */
  readonly tags: readonly Tag[];
}

/**
 * Bytes in, bytes out. Two drivers with one meaning, held together by test/contract. Policy (which driver, when, what
 * an error means) is one floor up, in cache.ts.
 */
export interface CacheDriver {
  readonly name: 'redis' | 'memory';
  /** Whom a lease excludes: with `process`, other processes are not. */
  readonly leaseScope: 'process' | 'shared';
  getMany(names: readonly string[]): Promise<(Buffer | undefined)[]>;
  set(entries: readonly StoredEntry[]): Promise<void>;
  /** @returns whether it was absent (an expired value is absent). */
  setIfAbsent(entry: StoredEntry): Promise<boolean>;
  /** @returns how many there were. */
  delete(names: readonly string[]): Promise<number>;
  /** @returns whether `token` now holds the lease. */
  acquireLease(name: string, token: string, ttlMs: number): Promise<boolean>;
  /** @returns whether `token` held it; the lease of another holder is left alone. */
  releaseLease(name: string, token: string): Promise<boolean>;
  /** Removes the values of a tag, in proportion to their number. @returns how many there were. */
  clearTag(tag: Tag): Promise<number>;
}

/** How processes tell each other what was cleared; nothing that is missed may matter beyond a lifetime or a failed check. */
export interface CacheBus {
  publish(message: string): void;
  subscribe(listener: (message: string) => void): void;
  /** From here until it listens again, what is said is lost. */
  onBreak(listener: () => void): void;
  isListening(): boolean;
}
