import type { Cluster, Redis } from 'ioredis';

/**
 * How a driver reaches the server. Names of one group travel in one command: with a single server one group for each
 * connection of the pool (the same name always takes the same connection, which keeps the order of its writes), with a
 * cluster one for each hash slot.
 */
export interface RedisAccess {
  groupOf(name: string): number;
  clientOf(group: number): Redis | Cluster;
  /**
   * Runs one exchange with the server behind its guard, counted and timed.
   * @throws RedisAwayError when there is no usable answer in time, else the server's own error.
   */
  exchange<T>(work: () => Promise<T>, operation: string, group: number): Promise<T>;
}
