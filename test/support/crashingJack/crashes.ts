/** Ends the process with SIGKILL at a point of the path of a text, when its shopper is the one for that. */
import { createScriptedAssistant } from '../../../services/assistant/scripted.js';
import type { Assistant } from '../../../services/assistant/types.js';
import type { Database } from '../../../services/db/client.js';
import type { Around } from '../../../services/path.js';
import { type CrashPoint, phoneFor } from './crashPoints.js';

export interface Crashes {
  readonly around: Around;
  assistant(): Assistant;
  /** So that a transaction can be left before its commit. */
  watch(database: Database): void;
}

/** @param armed points at which it may crash; those it has recovered from are not among them. */
export function createCrashes(armed: readonly CrashPoint[]): Crashes {
  let crashAt: CrashPoint | undefined;
  /** Whose transaction runs. One text at a time is sent to a process that is to crash. */
  let committing: 'text' | 'reply' | undefined;

  function reach(point: CrashPoint): void {
    if (point === crashAt) process.kill(process.pid, 'SIGKILL');
  }

  return {
    around: {
      receiver: (inner) => ({
        ...inner,
        receive: async (text) => {
          crashAt = armed.find((point) => phoneFor(point) === text.from);
          reach('text received');
          committing = 'text';
          const received = await inner.receive(text);
          committing = undefined;
          reach('after the commit of the text');
          return received;
        },
      }),
      door: (inner) => ({
        ...inner,
        submit: async (request) => {
          committing = 'reply';
          const result = await inner.submit(request);
          committing = undefined;
          reach('after the commit of the reply');
          return result;
        },
      }),
      transport: (inner) => ({
        name: inner.name,
        find: (...args) => inner.find(...args),
        start: async () => inner.start?.(),
        stop: async () => inner.stop?.(),
        send: async (...args) => {
          reach('before the send');
          const result = await inner.send(...args);
          reach('after the carrier accepted');
          // Long enough for what it answered to be stored, a batch of one.
          setTimeout(() => reach('after the answer of the carrier is stored'), 500);
          return result;
        },
      }),
    },
    assistant: () => {
      const inner = createScriptedAssistant();
      return {
        ...inner,
        reply: async (request) => {
          reach('before the assistant');
          const reply = await inner.reply(request);
          reach('after the assistant');
          return reply;
        },
      };
    },
    watch: (database) => {
      const transaction = database.transaction.bind(database);
      Object.assign(database, {
        transaction: ((work, ...rest) =>
          transaction(
            async (tx) => {
              const result = await work(tx);
              if (committing) reach(`before the commit of the ${committing}`);
              return result;
            },
            ...rest,
          )) as Database['transaction'],
      });
    },
  };
}
