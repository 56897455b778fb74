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
  /** What a report of the carrier on a delivery came to. */
  deliveryReported(outcome: 'changed' | 'kept' | 'unknown'): void;
  /** @param reason a code of services/errors.ts. */
  webhookRejected(reason: string): void;
  /** A text came over the fallback URL. @param code of the carrier's debugger: why the first one failed. */
  fallbackUsed(code: string): void;
  /** A picture or file of a shopper. @param outcome failed: an attempt that is made again. */
  mediaTaken(outcome: 'stored' | 'refused' | 'failed' | 'erased'): void;
  /** @param outcome `abandoned`: the turn was given up while it thought, for a newer text in most cases. */
  assistantAnswered(provider: string, outcome: 'ok' | 'error' | 'abandoned', durationMs: number): void;
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
  const fallbacks = new Counter({
    name: 'jack_webhook_fallbacks_total',
    help: "Texts that came over the fallback URL, by the carrier's code of why the first URL failed.",
    labelNames: ['code'],
    registers,
  });
  const reports = new Counter({
    name: 'jack_delivery_reports_total',
    help: 'Reports of the carrier on deliveries: what they changed, or that the text is not known.',
    labelNames: ['outcome'],
    registers,
  });
  const media = new Counter({
    name: 'jack_media_total',
    help: 'Pictures and files of shoppers by what became of them; failed attempts are made again.',
    labelNames: ['outcome'],
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
    deliveryReported: (outcome) => reports.inc({ outcome }),
    webhookRejected: (reason) => rejections.inc({ reason }),
    fallbackUsed: (code) => fallbacks.inc({ code }),
    mediaTaken: (outcome) => media.inc({ outcome }),
    assistantAnswered: (provider, outcome, durationMs) => {
      requests.inc({ provider, outcome });
      thinking.observe({ provider }, durationMs / 1_000);
    },
  };
}
