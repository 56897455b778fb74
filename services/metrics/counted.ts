/** The parts of the path with what they do counted. */
import type { Assistant } from '../assistant/types.js';
import type { InboundReceiver } from '../inbound/receiver.js';
import type { OutboundDoor } from '../outbound/door.js';
import { endingOf } from '../turns/endings.js';
import type { PathMetrics } from './path.js';

export const countedReceiver = (receiver: InboundReceiver, metrics: PathMetrics): InboundReceiver => ({
  ...receiver,
  receive: async (text) => {
    try {
      const received = await receiver.receive(text);
      metrics.received(received.outcome);
      if (received.organizationId) metrics.awaitsReply(received.organizationId, text.from);
      return received;
    } catch (error) {
      metrics.received('failed');
      throw error;
    }
  },
});

export const countedDoor = (door: OutboundDoor, metrics: PathMetrics): OutboundDoor => ({
  ...door,
  submit: async (request) => {
    const result = await door.submit(request);
    if (result.allowed) {
      const { message, phone } = result;
      const { organizationId, origin } = request;
      metrics.committed({ organizationId, phone, messageId: message.id, source: origin });
    }
    return result;
  },
});

export const countedAssistant = (
  assistant: Assistant,
  metrics: PathMetrics,
  clock: { monotonicMs(): number },
): Assistant => ({
  name: assistant.name,
  reply: async (request) => {
    const startedAtMs = clock.monotonicMs();
    const done = (outcome: 'ok' | 'error') =>
      metrics.assistantAnswered(
        assistant.name,
        endingOf(request.signal) ? 'abandoned' : outcome,
        clock.monotonicMs() - startedAtMs,
      );
    try {
      const reply = await assistant.reply(request);
      done('ok');
      return reply;
    } catch (error) {
      done('error');
      throw error;
    }
  },
});
