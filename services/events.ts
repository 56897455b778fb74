/**
 * What happened, told to whoever listens, in this process at once and in the others by pub/sub. Every event carries its
 * organization. An event only says "look": what must not be missed is read from the feed (services/feed).
 */
import { EventEmitter } from 'node:events';
import type { PubSub } from './pubsub.js';
import type { ConversationId, LeadId, OrganizationId } from './types.js';

export interface LiveEvent {
  readonly type:
    | 'message.received'
    | 'message.queued'
    | 'message.status'
    | 'conversation.changed'
    | 'handoff.requested';
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  /** Absent where only the conversation is known. */
  readonly leadId?: LeadId;
  readonly seq?: number;
}

export interface LiveEvents {
  publish(event: LiveEvent): void;
  /** @returns a function that ends the subscription. */
  subscribe(organizationId: OrganizationId, listener: (event: LiveEvent) => void): () => void;
}

const CHANNEL = 'live';

/** @param pubsub absent: events of other processes are not heard. */
export function createLiveEvents(pubsub?: PubSub): LiveEvents {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    publish: (event) => {
      emitter.emit(event.organizationId, event);
      pubsub?.publish(event.organizationId, CHANNEL, JSON.stringify(event));
    },
    subscribe: (organizationId, listener) => {
      emitter.on(organizationId, listener);
      const end = pubsub?.subscribe(organizationId, CHANNEL, ({ message, isOwn }) => {
        if (!isOwn) listener({ ...(JSON.parse(message) as LiveEvent), organizationId });
      });
      return () => {
        emitter.off(organizationId, listener);
        end?.();
      };
    },
  };
}
