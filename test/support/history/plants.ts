/** Bugs that a process can be started with, one for each promise, to see that the checker finds them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Assistant, AssistantReply } from '../../../services/assistant/types.js';
import type { Around } from '../../../services/path.js';

export const PLANTS = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6'] as const;
export type Plant = (typeof PLANTS)[number];

interface Planted {
  readonly around: Around;
  assistant(inner: Assistant): Assistant;
}

const asItIs = (inner: Assistant): Assistant => inner;

/** One in so many is enough to be found in some seconds. */
const SOMETIMES = 5;

export function plant(promise: Plant | undefined): Planted {
  let count = 0;
  const isNow = () => ++count % SOMETIMES === 0;
  switch (promise) {
    case undefined:
      return { around: {}, assistant: asItIs };
    // A text is acknowledged that nobody has stored.
    case 'P1':
      return {
        around: {
          receiver: (inner) => ({
            ...inner,
            receive: async (text) => (isNow() ? { outcome: 'duplicate' } : await inner.receive(text)),
          }),
        },
        assistant: asItIs,
      };
    // What the carrier has taken is sent once more.
    case 'P2':
      return {
        around: {
          transport: (inner) => ({
            name: inner.name,
            find: inner.find.bind(inner),
            start: async () => inner.start?.(),
            stop: async () => inner.stop?.(),
            send: async (...args) => {
              const result = await inner.send(...args);
              return isNow() ? await inner.send(...args) : result;
            },
          }),
        },
        assistant: asItIs,
      };
    // An answer that was made for somebody else's shopper is kept and used again.
    case 'P3': {
      let kept: AssistantReply | undefined;
      return {
        around: {},
        assistant: (inner) => ({
          ...inner,
          reply: async (request) => {
            const reply = await inner.reply(request);
            const other = kept;
            kept = reply;
            return other && isNow() ? { ...reply, body: other.body } : reply;
          },
        }),
      };
    }
    // A text is on its way while the next one is sent.
    case 'P4':
      return {
        around: {
          transport: (inner) => ({
            name: inner.name,
            find: inner.find.bind(inner),
            start: async () => inner.start?.(),
            stop: async () => inner.stop?.(),
            send: async (...args) => {
              if (!isNow()) return await inner.send(...args);
              const sending = pause(1_500).then(() => inner.send(...args));
              sending.catch(() => undefined);
              return {
                outcome: 'accepted',
                providerSid: `SM${String(count).padStart(32, '0')}`,
                status: 'queued',
                segments: 1,
              };
            },
          }),
        },
        assistant: asItIs,
      };
    // STOP is taken for a text like any other.
    case 'P5':
      return {
        around: {
          receiver: (inner) => ({
            ...inner,
            receive: (text) =>
              inner.receive(/^stop$/i.test(text.body) ? { ...text, body: 'stop and go traffic' } : text),
          }),
        },
        assistant: asItIs,
      };
    // The assistant is shown what the conversation was a turn ago.
    case 'P6': {
      const before = new Map<string, Parameters<Assistant['reply']>[0]>();
      return {
        around: {},
        assistant: (inner) => ({
          ...inner,
          reply: async (request) => {
            const { conversationId } = request.conversation;
            const earlier = before.get(conversationId);
            before.set(conversationId, request);
            return await inner.reply(
              earlier && isNow() ? { ...request, conversation: earlier.conversation } : request,
            );
          },
        }),
      };
    }
  }
}
