/**
 * Telling other processes. Messages reach listeners of this process at once and those of others through Redis, each at
 * most once and in the order of their sender. Without Redis they reach this process only. Nothing that is published
 * here may be the only word of something: what must not be missed is in the feed (services/record/feed.ts), and a
 * message only says "look".
 */
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { asError, JackError } from './errors.js';
import { checkChannel, matcherOf, redisChannel, SYSTEM } from './pubsub/channels.js';
import { decodeEnvelope, encodeEnvelope } from './pubsub/envelope.js';
import { Listening } from './pubsub/listening.js';
import { SeenNumbers } from './pubsub/seenNumbers.js';
import { SendQueue } from './pubsub/sendQueue.js';
import type {
  Bus,
  Delivery,
  DeliveryListener,
  PubSubDeps,
  PubSubLimits,
  PubSubReport,
  Unsubscribe,
} from './pubsub/types.js';
import type { OrganizationId } from './types.js';

export type { Delivery, PubSubConnections, PubSubReport, Unsubscribe } from './pubsub/types.js';

/** Some thousand wake-ups and presences are seconds of a large deployment; older ones are worth nothing to anybody. */
const LIMITS: PubSubLimits = {
  maxBufferedMessages: 5_000,
  maxBufferedBytes: 1024 * 1024,
  maxMessageLength: 64 * 1024,
};
/** Organizations of which the number of the last message is known; of one forgotten a gap goes unnoticed once. */
const MAX_NUMBERED = 10_000;
const BUS_CHANNEL = 'cache';

/** What the listeners of one organization are told of. */
interface Group {
  readonly organizationId: OrganizationId;
  readonly listeners: Set<{
    readonly accepts: (channel: string) => boolean;
    readonly tell: DeliveryListener;
  }>;
  readonly seen: SeenNumbers;
}

export class PubSub {
  readonly #deps: PubSubDeps;
  readonly #limits: PubSubLimits;
  readonly #origin = randomBytes(9).toString('base64url');
  /** By the name that Redis knows. */
  readonly #groups = new Map<string, Group>();
  readonly #breakListeners = new Set<() => void>();
  readonly #previous = new LRUCache<string, number>({ max: MAX_NUMBERED });
  readonly #queue: SendQueue | undefined;
  readonly #listening: Listening | undefined;
  #number = 0;
  #received = 0;
  #ignored = 0;
  #gaps = 0;
  #isStopped = false;

  private constructor(deps: PubSubDeps) {
    this.#deps = deps;
    this.#limits = { ...LIMITS, ...deps.limits };
    const { connections, random, logger } = deps;
    if (!connections) return;
    this.#queue = new SendQueue({ connections, limits: this.#limits, random, logger });
    this.#listening = new Listening({
      connections,
      random,
      logger,
      onMessage: (channel, text) => this.#heard(channel, text),
      onBreak: () => this.#tellBreak(),
    });
  }

  static create(deps: PubSubDeps): PubSub {
    return new PubSub(deps);
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#listening?.stop();
    await this.#queue?.stop();
    this.#groups.clear();
    this.#breakListeners.clear();
  }

  /**
   * Listeners of this process are called before it returns. Never throws for Redis.
   * @throws JackError E_INPUT_INVALID for a bad channel or a message that is too long.
   */
  publish(organizationId: OrganizationId, channel: string, message: string): void {
    checkChannel(channel);
    if (message.length > this.#limits.maxMessageLength) {
      throw new JackError(
        'E_INPUT_INVALID',
        `A message has ${this.#limits.maxMessageLength} characters at most.`,
      );
    }
    const name = redisChannel(this.#deps.keyPrefix, organizationId);
    if (this.#isStopped) return;
    this.#number += 1;
    this.#send(name, channel, message);
    const group = this.#groups.get(name);
    if (group) this.#deliver(group, { organizationId, channel, message, isOwn: true });
  }

  /** @throws JackError E_INPUT_INVALID for a bad channel. */
  subscribe(organizationId: OrganizationId, channel: string, listener: DeliveryListener): Unsubscribe {
    checkChannel(channel);
    return this.#listen(organizationId, (candidate) => candidate === channel, listener);
  }

  /**
   * @param pattern `presence:*`; a star stands for any part of one word.
   * @throws JackError E_INPUT_INVALID for a bad pattern.
   */
  subscribePattern(organizationId: OrganizationId, pattern: string, listener: DeliveryListener): Unsubscribe {
    return this.#listen(organizationId, matcherOf(pattern), listener);
  }

  /**
   * Called when messages of other processes may have been missed: when the listening connection breaks, again when
   * everything is listened to again, and when a sender's numbers show a gap. Never called without Redis.
   */
  onBreak(listener: () => void): Unsubscribe {
    this.#breakListeners.add(listener);
    return () => this.#breakListeners.delete(listener);
  }

  /** Between the processes of this deployment; belongs to no organization and carries ids and tags only. */
  bus(): Bus {
    const name = redisChannel(this.#deps.keyPrefix, SYSTEM);
    return {
      publish: (message) => this.publish(SYSTEM, BUS_CHANNEL, message),
      subscribe: (listener) => {
        this.subscribe(SYSTEM, BUS_CHANNEL, ({ message }) => listener(message));
      },
      onBreak: (listener) => {
        this.onBreak(listener);
      },
      isListening: () => this.#listening?.hears(name) ?? false,
    };
  }

  report(): PubSubReport {
    const { connections, unavailableReason } = this.#deps;
    const isListening = this.#listening?.isListening ?? false;
    const state = connections ? (isListening ? 'listening' : 'broken') : 'local';
    let subscriptions = 0;
    for (const { listeners } of this.#groups.values()) subscriptions += listeners.size;
    return {
      state,
      reason:
        state === 'listening'
          ? null
          : connections
            ? 'the listening connection to Redis is lost'
            : (unavailableReason ?? 'there is no Redis: events reach this process only'),
      subscriptions,
      published: this.#number,
      received: this.#received,
      ignored: this.#ignored,
      breaks: this.#listening?.breaks ?? 0,
      gaps: this.#gaps,
      ...(this.#queue?.stats() ?? { sent: 0, buffered: 0, bufferedBytes: 0, dropped: 0 }),
    };
  }

  #send(name: string, channel: string, message: string): void {
    if (!this.#queue) return;
    const number = this.#number;
    const previous = this.#previous.get(name) ?? 0;
    this.#previous.set(name, number);
    this.#queue.add(name, encodeEnvelope({ origin: this.#origin, number, previous, channel, message }));
  }

  #listen(
    organizationId: OrganizationId,
    accepts: (channel: string) => boolean,
    tell: DeliveryListener,
  ): Unsubscribe {
    const name = redisChannel(this.#deps.keyPrefix, organizationId);
    let group = this.#groups.get(name);
    if (!group) {
      group = { organizationId, listeners: new Set(), seen: new SeenNumbers() };
      this.#groups.set(name, group);
      this.#listening?.want(name);
    }
    const { listeners } = group;
    const listener = { accepts, tell };
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#groups.delete(name);
      this.#listening?.unwant(name);
    };
  }

  #heard(name: string, text: string): void {
    const group = this.#groups.get(name);
    const envelope = group && decodeEnvelope(text);
    if (!envelope || envelope.origin === this.#origin) {
      this.#ignored += 1;
      return;
    }
    const news = group.seen.note(envelope);
    if (news === 'double') {
      this.#ignored += 1;
      return;
    }
    this.#received += 1;
    if (news === 'gap') {
      this.#gaps += 1;
      this.#tellBreak();
    }
    const { organizationId } = group;
    const { channel, message } = envelope;
    this.#deliver(group, { organizationId, channel, message, isOwn: false });
  }

  #deliver(group: Group, delivery: Delivery): void {
    for (const { accepts, tell } of [...group.listeners]) {
      if (!accepts(delivery.channel)) continue;
      try {
        tell(delivery);
      } catch (error) {
        // Whoever published is not to blame, and the other listeners are still to be told.
        this.#deps.logger.error('a listener failed', {
          organizationId: delivery.organizationId,
          channel: delivery.channel,
          error: asError(error),
        });
      }
    }
  }

  #tellBreak(): void {
    for (const listener of [...this.#breakListeners]) {
      try {
        listener();
      } catch (error) {
        this.#deps.logger.error('a listener of breaks failed', { error: asError(error) });
      }
    }
  }
}
