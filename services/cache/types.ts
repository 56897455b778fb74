import type { OrganizationId } from '../types.js';

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
  /** Never set; carries the type. */
  readonly __value?: T;
}

export interface StoredEntry {
  readonly name: string;
  readonly value: Buffer;
  /** 0 and less: expired already, so the value is not stored and what was there is gone. */
  readonly ttlMs: number;
  readonly organizationId: OrganizationId;
}

/** Wraps an exchange with a store: a guard, a measurement. */
export type Step = <T>(work: () => Promise<T>) => Promise<T>;

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
  /**
   * Removes what one organization stored, in proportion to that.
   * @param step runs each of the exchanges that a large organization takes, so that a deadline is one of an exchange.
   * @returns how many values there were.
   */
  clearOrganization(organizationId: OrganizationId, step?: Step): Promise<number>;
}
