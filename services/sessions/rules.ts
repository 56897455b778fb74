/** How long sessions live and how much they hold, as data. */
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface SessionLifetime {
  /** Without use. */
  readonly idleTtlMs: number;
  /** Whatever the use; null: only idleness ends it. */
  readonly absoluteTtlMs: number | null;
}

export interface SessionRules {
  readonly guest: SessionLifetime;
  readonly staff: SessionLifetime;
  /** How often the use of a session is written at most; an idle end may come earlier by as much. */
  readonly touchEveryMs: number;
  /** How far behind the record a look-up may be. */
  readonly maxLagMs: number;
  /** How old a copy from the tower may be; its lifetime there is the same. */
  readonly maxCopyAgeMs: number;
  /** Of `data`, as JSON. */
  readonly maxDataBytes: number;
  /** Live sessions of one person. */
  readonly maxPerUser: number;
  readonly cleanEveryMs: number;
}

export const DEFAULT_SESSION_RULES: SessionRules = {
  guest: { idleTtlMs: 30 * DAY_MS, absoluteTtlMs: null },
  staff: { idleTtlMs: 12 * HOUR_MS, absoluteTtlMs: 7 * DAY_MS },
  touchEveryMs: MINUTE_MS,
  maxLagMs: 1_000,
  maxCopyAgeMs: 30_000,
  maxDataBytes: 4_096,
  maxPerUser: 50,
  cleanEveryMs: 10 * MINUTE_MS,
};
