/** What happened, told to whoever listens in this process. Every event carries its organization. */
import { EventEmitter } from 'node:events';
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

export function createLiveEvents(): LiveEvents {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    publish: (event) => {
      emitter.emit(event.organizationId, event);
    },
    subscribe: (organizationId, listener) => {
      emitter.on(organizationId, listener);
      return () => emitter.off(organizationId, listener);
    },
  };
}
