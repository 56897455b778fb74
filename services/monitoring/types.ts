/** What monitoring sees, and what it says. */
import type { StateReport } from '../../redis-migration.js';
import type { RedisInspection, ServerInfo } from '../tower.js';

export type { RedisInspection, ServerInfo };
export type CacheMode = StateReport['mode'];

export type Severity = 'info' | 'warning' | 'critical';

export interface Recommendation {
  /** Stable: alerts and metrics carry it. */
  readonly code: string;
  readonly severity: Severity;
  /** What was measured. */
  readonly message: string;
  /** What to do about it. */
  readonly action: string;
}

/** One look at the tower. Counts are since the start of the process, or of the server. */
export interface Sample {
  /** Of a clock that never goes back. */
  readonly atMs: number;
  readonly mode: CacheMode;
  readonly kinds: Readonly<Record<string, { readonly hits: number; readonly misses: number }>>;
  readonly fallbackEvictions: number;
  /** Of all servers together; null when none answered. */
  readonly redisEvictions: number | null;
  /** How long some round trips took that were made for this look. */
  readonly roundTripsMs: readonly number[];
}

/** What recommendations are made of. */
export interface Observed {
  readonly isProduction: boolean;
  /** Null when no Redis is configured. */
  readonly redis: RedisInspection | null;
  readonly fallbackMaxBytes: number;
  /** Made for this look; empty without an answer. */
  readonly roundTripsMs: readonly number[];
  /** Since the oldest sample that counts. */
  readonly recent: Recent;
  /** What was said before and holds: it is taken back a little below where it is said. */
  readonly raised: ReadonlySet<string>;
}

export interface Recent {
  readonly spanMs: number;
  readonly kinds: Sample['kinds'];
  readonly fallbackEvictions: number;
  /** Null when it cannot be known: the server was away. */
  readonly redisEvictions: number | null;
  /** Over all recent looks; null when none was answered. */
  readonly roundTrips: { readonly count: number; readonly p99Ms: number } | null;
}
