/** A Jack whose parts a test can watch, call and end: started by jackWorker.ts, with its options in `JACK_WORKER`. */
import { setTimeout as pause } from 'node:timers/promises';
import type { StateDoor } from '../../../redis-migration.js';
import { createApp } from '../../../routes/index.js';
import type { Assistant, AssistantReply } from '../../../services/assistant/types.js';
import { loadConfig } from '../../../services/config.js';
import { type AppContext, createContext } from '../../../services/context.js';
import { sqlState } from '../../../services/db/client.js';
import { asError, JackError } from '../../../services/errors.js';
import { listen } from '../../../services/http.js';
import { createLogger } from '../../../services/logger.js';
import type { OutboundRequest } from '../../../services/outbound/types.js';
import type { InboundSms } from '../../../services/twilio/webhook.js';
import type { OrganizationId } from '../../../services/types.js';
import { seenBy } from '../turnArena/checker.js';
import type { Failure, Request, Said, WorkerOptions } from './protocol.js';

/** Shoppers of tests text at the pace of machines. */
const NO_LOOPS = { repeats: Infinity, dullExchanges: Infinity, quickExchanges: Infinity };

export type WorkerCalls = ReturnType<typeof callsOf>;

const say = (said: Said): void => void process.send?.(said);

/** What the test may ask of it. */
export function callsOf({ receiver, state, door, events }: AppContext) {
  return {
    receive: (text: InboundSms) => receiver.receive(text),
    retractLast: (...args: Parameters<StateDoor['retractLast']>) => state.retractLast(...args),
    resetConversation: (...args: Parameters<StateDoor['resetConversation']>) =>
      state.resetConversation(...args),
    clearOrganization: (organizationId: OrganizationId) => state.clearOrganization(organizationId),
    setForced: (isForced: boolean) => state.setForced(isForced),
    submit: (request: OutboundRequest) => door.submit(request),
    report: async () => state.report(),
    /** From now on it tells of queued texts of these. */
    listen: async (organizationIds: readonly OrganizationId[]) => {
      for (const id of organizationIds) {
        events.subscribe(id, ({ type, conversationId }) => {
          if (type === 'message.queued') say({ what: 'queued', conversationId });
        });
      }
    },
  };
}

function learningAssistant(name: string): Assistant {
  let replies = 0;
  return {
    name: 'learning',
    reply: async (request): Promise<AssistantReply> => {
      say({ what: 'seen', seen: seenBy(name, request) });
      await pause(Math.random() < 0.1 ? 20 * Math.random() : 0);
      replies += 1;
      const mark = `${name}${replies}`;
      return {
        body: `reply ${mark} to ${request.conversation.lastSeq}`,
        slots: { ...request.conversation.slots, name: `name ${mark}` },
        summary: `summary ${mark}`,
      };
    },
  };
}

async function start({ name, env, assistant, localCacheBytes }: WorkerOptions) {
  const context = await createContext(loadConfig(env), {
    logger: createLogger({ level: 'error', format: 'json' }),
    demo: false,
    turnLimits: { loop: NO_LOOPS },
    ...(localCacheBytes === undefined ? {} : { localCacheBytes }),
    ...(assistant ? { assistant: learningAssistant(name) } : {}),
  });
  const http = await listen(createApp(context), '127.0.0.1', 0);
  await context.start(http.url);
  const calls: Record<string, (...args: never[]) => Promise<unknown>> = callsOf(context);
  process.on('message', ({ n, call, args }: Request) => {
    const work = calls[call];
    if (!work) throw new Error(`a worker cannot ${call}`);
    work(...(args as never[])).then(
      (result) => say({ what: 'answer', n, result }),
      (error: unknown) => say({ what: 'answer', n, failure: failureOf(error) }),
    );
  });
  // The test has gone, or wants it to end in order.
  process.once('disconnect', () => {
    void end();
  });
  async function end(): Promise<void> {
    context.beginStop();
    await http.drain();
    await context.close();
    process.exit(0);
  }
  say({ what: 'up', url: http.url });
}

const failureOf = (error: unknown): Failure => ({
  message: asError(error).message,
  code: error instanceof JackError ? error.code : undefined,
  sqlState: sqlState(error),
});

start(JSON.parse(process.env.JACK_WORKER ?? '{}') as WorkerOptions).catch((error: unknown) => {
  say({ what: 'failed', message: asError(error).stack ?? asError(error).message });
  process.exitCode = 1;
  setTimeout(() => process.exit(), 200).unref();
});
