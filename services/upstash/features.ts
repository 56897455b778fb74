/** What a store can do beside keeping values, as data for pub/sub and health. */
export type FeatureAnswer =
  | { readonly supported: true }
  | { readonly supported: false; readonly reason: string };

export interface StoreFeatures {
  readonly publish: FeatureAnswer;
  readonly subscribe: FeatureAnswer;
  readonly blockingReads: FeatureAnswer;
  /** Rate limits that all processes count together. */
  readonly sharedLimits: FeatureAnswer;
}

export const SOCKET_FEATURES: StoreFeatures = {
  publish: { supported: true },
  subscribe: { supported: true },
  blockingReads: { supported: true },
  sharedLimits: { supported: true },
};

export const UPSTASH_FEATURES: StoreFeatures = {
  publish: { supported: true },
  subscribe: {
    supported: false,
    reason:
      'Redis is reached over REST (UPSTASH_REDIS_REST_URL), where an exchange ends with its answer: events reach this process only. Set REDIS_URL to the rediss:// address of the same database to share them.',
  },
  blockingReads: {
    supported: false,
    reason: 'Redis is reached over REST (UPSTASH_REDIS_REST_URL), which offers no command that waits.',
  },
  sharedLimits: {
    supported: false,
    reason:
      'Redis is reached over REST (UPSTASH_REDIS_REST_URL): each process counts rate limits for itself, so that several processes allow several times as much.',
  },
};
