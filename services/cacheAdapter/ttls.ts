/** How long each kind of state lives, in milliseconds. What no rev protects lives a minute at most, or minutes where a stale answer does no harm. */
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const TTLS_MS = {
  /** Sliding: stored anew after every reply. */
  snapshot: 2 * HOUR_MS,
  history: 2 * MINUTE_MS,
  phoneToLead: 5 * MINUTE_MS,
  leadToPhone: 5 * MINUTE_MS,
  organization: 2 * MINUTE_MS,
  /** No rev in its name, so it obeys the bound for such settings. */
  organizationByNumber: MINUTE_MS,
  agent: HOUR_MS,
} as const;

export type StateKind = keyof typeof TTLS_MS;
export type Ttls = Readonly<Record<StateKind, number>>;
