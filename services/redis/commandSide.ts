/** The connections that commands go through: a pool to one server, or a client of a cluster. */
import type { Cluster, Redis } from 'ioredis';
import type { Logger } from '../logger.js';
import type { Breaker, GuardedLink, GuardOptions } from './guard.js';
import type { HostAndPort, RedisTarget, Topology } from './options.js';

export interface CommandSideDeps {
  readonly target: RedisTarget;
  /** Key of the probes. */
  readonly probeKey: string;
  readonly logger: Logger;
  readonly random: () => number;
  /** Of every guard; its link is made here. */
  readonly guard?: Partial<Omit<GuardOptions, 'link'>> | undefined;
  onReady(): void;
  /** Ready until now. */
  onDown(): void;
  /** Whatever goes wrong on a connection; called for every attempt. */
  onError(error: unknown): void;
}

/** What health may say of one server: no address in it. */
export interface ServerState {
  readonly state: 'ready' | 'connecting' | 'away';
  /** How many of the hash slots it serves; null without a cluster. */
  readonly slots: number | null;
}

export interface CommandSide {
  readonly topology: Topology;
  readonly breaker: Breaker;
  /** Begins to connect; it goes on trying until `stop`. Resolves when all connections are ready or the first try failed. */
  connect(): Promise<void>;
  stop(): void;
  /** Whether calls can be made; with a cluster, on some shard. */
  isReady(): boolean;
  link(): GuardedLink;
  groupOf(name: string): number;
  clientOf(group: number): Redis | Cluster;
  /** Runs work on the group's server behind the guard of that server. */
  run<T>(group: number, work: () => Promise<T>): Promise<T>;
  /** Connections that are usable, and how many there are to be. */
  connections(): { readonly ready: number; readonly total: number };
  /** Where the nodes of a cluster are that are connected now; empty without one. */
  nodes(): readonly HostAndPort[];
  /** Those that take writes: one, or one for each shard. */
  servers(): readonly { readonly client: Redis | undefined; readonly state: ServerState }[];
}

export const PROBE_TTL_MS = 10_000;
