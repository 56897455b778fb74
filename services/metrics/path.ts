/** The path of a text: counted where it passes, in memory, with nothing awaited for it. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { MessageId, OrganizationId } from '../types.js';
import { ReplyTimes } from './replyTimes.js';

export interface PathMetrics {
  /** @param failed the record did not take it, and it was not acknowledged. */
  received(outcome: 'stored' | 'duplicate' | 'quarantined' | 'failed'): void;
  /** A text that is to be answered. */
  awaitsReply(organizationId: OrganizationId, phone: string): void;
  /** A message that may go out to this person. */
  committed(message: {
    readonly organizationId: OrganizationId;
    readonly phone: string;
    readonly messageId: MessageId;
    readonly source: 'assistant' | 'staff' | 'system';
  }): void;
  /** What the carrier said of it. */
  sent(messageId: MessageId, outcome: 'accepted' | 'refused' | 'unknown'): void;
  /** @param reason a code of services/errors.ts. */
  webhookRejected(reason: string): void;
  assistantAnswered(provider: string, outcome: 'ok' | 'error', durationMs: number): void;
}

const REPLY_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 30, 60, 300, 1_800];
const ASSISTANT_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30];

export function createPathMetrics(registry: Registry, clock: { monotonicMs(): number }): PathMetrics {
  const registers = [registry];
  const messages = new Counter({
    name: 'jack_messages_total',
    help: 'Texts by what became of them: stored, or handed to the carrier.',
    labelNames: ['direction', 'outcome'],
    registers,
  });
  const rejections = new Counter({
    name: 'jack_webhook_rejections_total',
    help: 'Webhooks that were refused, by the code of the error.',
    labelNames: ['reason'],
    registers,
  });
  const replies = new Histogram({
    name: 'jack_reply_duration_seconds',
    help: 'From the first unanswered text in the record to the reply at the carrier, where one process did both.',
    labelNames: ['source'],
    buckets: REPLY_BUCKETS,
    registers,
  });
  const requests = new Counter({
    name: 'jack_assistant_requests_total',
    help: 'Questions to the assistant.',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const thinking = new Histogram({
    name: 'jack_assistant_request_duration_seconds',
    help: 'How long the assistant took.',
    labelNames: ['provider'],
    buckets: ASSISTANT_BUCKETS,
    registers,
  });
  const times = new ReplyTimes(clock);
  return {
    received: (outcome) => messages.inc({ direction: 'inbound', outcome }),
    awaitsReply: (organizationId, phone) => times.awaits(organizationId, phone),
    committed: ({ organizationId, phone, messageId, source }) =>
      times.committed(organizationId, phone, { messageId, source }),
    sent: (messageId, outcome) => {
      messages.inc({ direction: 'outbound', outcome });
      if (outcome !== 'accepted') return;
      const reply = times.sent(messageId);
      if (reply) replies.observe({ source: reply.source }, reply.durationMs / 1_000);
    },
    webhookRejected: (reason) => rejections.inc({ reason }),
    assistantAnswered: (provider, outcome, durationMs) => {
      requests.inc({ provider, outcome });
      thinking.observe({ provider }, durationMs / 1_000);
    },
  };
}
