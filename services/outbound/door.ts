/**
 * The one outbound door. Whoever speaks (assistant, staff) hands the text to `submit`; the gate decides under the
 * conversation's row lock, the decision is stored, and an allowed text becomes a message and an outbox row in the
 * same transaction. So a reply is committed only while it is still right, and after an opt-out nothing is.
 */
import { createBatcher } from '../batcher.js';
import { type Clock, systemClock } from '../clock.js';
import { type Database, isRecordAway } from '../db/client.js';
import { JackError } from '../errors.js';
import type { LiveEvents } from '../events.js';
import type { ConversationId } from '../types.js';
import { commitOutbound } from './commitOutbound.js';
import { MAX_BODY_LENGTH, type OutboundRequest, type OutboundResult } from './types.js';

export interface OutboundDoorDeps {
  readonly database: Database;
  readonly events: LiveEvents;
  /** What hour it is; default: the system's. */
  readonly clock?: Clock;
  /** Whether texts leave through a real carrier, which refuses numbers that are not registered; default: not. */
  readonly isRealCarrier?: boolean;
  /** Told after a commit that put something into the outbox. */
  onQueued(conversationId: ConversationId): void;
}

export interface OutboundDoor {
  /** @throws JackError E_INPUT_INVALID for an empty or overlong body, E_NOT_FOUND for an unknown conversation. */
  submit(request: OutboundRequest): Promise<OutboundResult>;
  idle(): Promise<void>;
}

const MAX_BATCH = 100;

export function createOutboundDoor(deps: OutboundDoorDeps): OutboundDoor {
  const { database, events, clock = systemClock, isRealCarrier = false, onQueued } = deps;
  const batcher = createBatcher<OutboundRequest, OutboundResult | undefined>({
    maxBatch: MAX_BATCH,
    run: (requests) => commitOutbound(database, requests, { nowMs: clock.now(), isRealCarrier }),
    isWorthSplitting: (error) => !isRecordAway(error),
  });
  return {
    submit: async (request) => {
      if (request.body.trim() === '' || request.body.length > MAX_BODY_LENGTH) {
        throw new JackError('E_INPUT_INVALID', `A text has 1 to ${MAX_BODY_LENGTH} characters.`);
      }
      const result = await batcher.add(request);
      if (!result) throw new JackError('E_NOT_FOUND', 'There is no such conversation.');
      if (result.allowed) {
        const { organizationId, conversationId } = request;
        events.publish({ type: 'message.queued', organizationId, conversationId, seq: result.message.seq });
        if (result.scheduledFor === undefined) onQueued(conversationId);
      }
      return result;
    },
    idle: () => batcher.idle(),
  };
}
