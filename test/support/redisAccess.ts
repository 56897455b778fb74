/** A way to the server without connections of our own: for a client that a test made, a mock among them. */
import type { Redis } from 'ioredis';
import type { RedisAccess } from '../../services/redis/access.js';
import type { Breaker } from '../../services/redis/guard.js';

export interface AccessOptions {
  readonly breaker?: Breaker;
  /** Told of every exchange. */
  onExchange?(operation: string): void;
}

export function accessTo(redis: Redis, { breaker, onExchange }: AccessOptions = {}): RedisAccess {
  return {
    groupOf: () => 0,
    clientOf: () => redis,
    exchange: (work, operation) => {
      onExchange?.(operation);
      return breaker ? breaker.run(work) : work();
    },
  };
}
