import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { OrganizationId } from '../types.js';

/** What pub/sub needs of the connections to Redis; services/redis.ts has it. */
export interface PubSubConnections {
  /** The connection that listens. It reconnects by itself and is not ours to end. */
  subscriber(): Redis;
  groupOf(name: string): number;
  clientOf(group: number): Redis | Cluster;
  /** One exchange behind the guard; rejects when there is no usable answer in time. */
  exchange<T>(work: () => Promise<T>, operation: string, group: number): Promise<T>;
  isReady(): boolean;
  onChange(listener: (isReady: boolean) => void): void;
  /** Tells when exchanges pass again, which is later than the connection. Absent: what waits is tried again after a while. */
  readonly guard?: { onChange(listener: (isOpen: boolean) => void): void };
}

export interface PubSubDeps {
  /** Absent: events reach this process only. */
  readonly connections?: PubSubConnections | undefined;
  /** Why there are no connections, where somebody may wonder: `Redis is reached over REST …`. */
  readonly unavailableReason?: string | undefined;
  /** In front of every channel's name: `jack:production:`. */
  readonly keyPrefix: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly limits?: Partial<PubSubLimits> | undefined;
}

export interface PubSubLimits {
  /** What waits for Redis at most; the oldest is dropped and counted. */
  readonly maxBufferedMessages: number;
  readonly maxBufferedBytes: number;
  /** Of one message, in characters. */
  readonly maxMessageLength: number;
}

export interface Delivery {
  readonly organizationId: OrganizationId;
  readonly channel: string;
  readonly message: string;
  /** Whether this process published it. */
  readonly isOwn: boolean;
}

export type DeliveryListener = (delivery: Delivery) => void;

/** Ends a subscription. Safe to call twice. */
export type Unsubscribe = () => void;

export interface PubSubReport {
  /** `local`: without Redis by choice or because it cannot subscribe. `listening` and `broken`: with it. */
  readonly state: 'local' | 'listening' | 'broken';
  /** Why it is not listening; null when it is. */
  readonly reason: string | null;
  readonly subscriptions: number;
  /** Calls of publish. */
  readonly published: number;
  /** Taken over by Redis. */
  readonly sent: number;
  /** From other processes. */
  readonly received: number;
  /** What came back to its sender, came twice, or was no message of ours. */
  readonly ignored: number;
  /** Waiting for Redis now. */
  readonly buffered: number;
  readonly bufferedBytes: number;
  /** Oldest messages given up because too many waited. */
  readonly dropped: number;
  /** How often the listening connection was lost. */
  readonly breaks: number;
  /** How often a sender's numbers showed that something of it was missed. */
  readonly gaps: number;
}

/** What services/cache.ts needs to tell other processes of what was cleared. */
export interface Bus {
  publish(message: string): void;
  subscribe(listener: (message: string) => void): void;
  onBreak(listener: () => void): void;
  /** Whether what others say is heard now. */
  isListening(): boolean;
}
