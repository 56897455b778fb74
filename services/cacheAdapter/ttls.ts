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
  liveView: 10_000,
  /** As long as services/pubsub/presence.ts takes somebody to be there. */
  presence: 20_000,
  typing: 6_000,
  modelContext: 2 * MINUTE_MS,
  /** The organization's rev is in the name, so a change of its settings ends them. */
  answer: 24 * HOUR_MS,
  /** As long as a copy of a session may be used: services/sessions/rules.ts. */
  session: MINUTE_MS / 2,
  /** Chats of a chat library, whose own lifetime it is. */
  transcript: 30 * 24 * HOUR_MS,
  /** The keys themselves never expire: they are in the record. This is the longest that a store keeps a copy. */
  providerKey: 31 * 24 * HOUR_MS,
} as const;

export type StateKind = keyof typeof TTLS_MS;
export type Ttls = Readonly<Record<StateKind, number>>;
