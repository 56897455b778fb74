/**
 * The way in: takes a verified text, and returns only when it is in the record (P1). Texts that arrive together
 * share one transaction.
 */
import { type Batcher, createBatcher } from '../batcher.js';
import { type Clock, systemClock } from '../clock.js';
import { type Database, isRecordAway, sqlState } from '../db/client.js';
import { asError, JackError } from '../errors.js';
import type { LiveEvents } from '../events.js';
import type { Logger } from '../logger.js';
import type { Secrets } from '../secrets.js';
import type { InboundSms } from '../twilio/webhook.js';
import type { ConversationId, OrganizationId } from '../types.js';
import { type StoredText, storeTexts } from './storeTexts.js';

export interface InboundReceiverDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly events: LiveEvents;
  readonly logger: Logger;
  /** The deployment's own account; undefined in a simulated one, where every unknown account stands for it. */
  readonly defaultAccountSid: string | undefined;
  readonly reply: { readonly windowMs: number; readonly maxWaitMs: number };
  /** What hour it is, for the fixed answers; default: the system's. */
  readonly clock?: Clock;
  /** Whether texts leave through a real carrier, which refuses numbers that are not registered; default: not. */
  readonly isRealCarrier?: boolean;
  /** Told after the commit that the conversation has this text. */
  onStored?(conversationId: ConversationId, seq: number): void;
  /** Told after the commit that there are pictures or files to fetch. */
  onMedia?(): void;
  /** Told after the commit that a fixed answer is in the outbox. */
  onAnswered?(conversationId: ConversationId): void;
  /** Told after the commit how long until a turn is due. */
  onReplyDue(delayMs: number): void;
}

export interface Received {
  readonly outcome: StoredText['outcome'];
  /** Of a text that was stored now. */
  readonly organizationId?: OrganizationId;
}

export interface InboundReceiver {
  /** @throws JackError E_DB_UNAVAILABLE when the text could not be stored: it must not be acknowledged then. */
  receive(text: InboundSms): Promise<Received>;
  /** Settles when every text handed in is stored or refused. */
  idle(): Promise<void>;
}

/** Of the order of the texts that arrive during one transaction under load; bounds the time that locks are held. */
const MAX_BATCH = 100;
const DEADLOCK = '40P01';
const SERIALIZATION = '40001';

export function createInboundReceiver(deps: InboundReceiverDeps): InboundReceiver {
  const { clock = systemClock, isRealCarrier = false } = deps;
  const batcher = createBatcher<InboundSms, StoredText>({
    maxBatch: MAX_BATCH,
    run: (texts) => retryOnce(() => storeTexts(deps, texts, { nowMs: clock.now(), isRealCarrier })),
    isWorthSplitting: (error) => !isRecordAway(error),
  });
  return {
    receive: async (text) => {
      const stored = await store(batcher, text);
      announce(deps, stored);
      if (stored.outcome === 'stored' && text.media.length > 0) deps.onMedia?.();
      const { outcome } = stored;
      return outcome === 'stored' ? { outcome, organizationId: stored.organizationId } : { outcome };
    },
    idle: () => batcher.idle(),
  };
}

async function store(batcher: Batcher<InboundSms, StoredText>, text: InboundSms): Promise<StoredText> {
  try {
    return await batcher.add(text);
  } catch (error) {
    // The carrier's retry or fallback brings the text again; deduplication makes that harmless.
    throw new JackError('E_DB_UNAVAILABLE', 'The text could not be stored.', { cause: asError(error) });
  }
}

/** Two processes may lock in an order that no sorting can see; the one the database picks simply tries again. */
async function retryOnce<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const state = sqlState(error);
    if (state !== DEADLOCK && state !== SERIALIZATION) throw error;
    return await work();
  }
}

function announce(deps: InboundReceiverDeps, stored: StoredText): void {
  const { events, logger } = deps;
  if (stored.outcome === 'quarantined') {
    logger.warn('a text to a number of no organization is in quarantine', { messageSid: stored.messageSid });
    return;
  }
  if (stored.outcome === 'duplicate') return;
  const { organizationId, conversationId, leadId, seq } = stored;
  events.publish({ type: 'message.received', organizationId, conversationId, leadId, seq });
  deps.onStored?.(conversationId, seq);
  if (stored.answeredSeq !== undefined) {
    events.publish({
      type: 'message.queued',
      organizationId,
      conversationId,
      leadId,
      seq: stored.answeredSeq,
    });
    deps.onAnswered?.(conversationId);
  }
  if (stored.dueInMs !== undefined) deps.onReplyDue(stored.dueInMs);
}
