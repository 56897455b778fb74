/** One Jack of the arena: a context of its own with its own way to the one Redis. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Assistant, AssistantReply, AssistantRequest } from '../../../services/assistant/types.js';
import { loadConfig } from '../../../services/config.js';
import { type AppContext, createContext } from '../../../services/context.js';
import type { Logger } from '../../../services/logger.js';
import { TcpProxy } from '../tcpProxy.js';

export interface ArenaProcess {
  readonly name: string;
  readonly ctx: AppContext;
  readonly proxy: TcpProxy;
  /** How often the store of the state changed. */
  modeChanges(): number;
  close(): Promise<void>;
}

export interface ArenaProcessOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly redisPort: number;
  readonly logger: Logger;
  readonly random: () => number;
  /** As in ContextOptions; absent: the default. */
  readonly localCacheBytes?: number;
  onTurn(process: string, request: AssistantRequest): void;
}

export async function startArenaProcess(options: ArenaProcessOptions): Promise<ArenaProcess> {
  const { name, logger, localCacheBytes } = options;
  const proxy = await TcpProxy.start({ targetPort: options.redisPort });
  const config = loadConfig({
    NODE_ENV: 'test',
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    REPLY_WINDOW_MS: '0',
    WARM_HOURS: '0',
  });
  const ctx = await createContext(config, {
    logger,
    demo: false,
    assistant: watchedAssistant(options),
    ...(localCacheBytes === undefined ? {} : { localCacheBytes }),
  });
  await ctx.start('http://127.0.0.1:0');
  return {
    name,
    ctx,
    proxy,
    modeChanges: () => ctx.state.report().modeChanges,
    close: async () => {
      // The connections must not wait for a fault of the network.
      await proxy.pass();
      ctx.beginStop();
      await ctx.close();
      await proxy.stop();
    },
  };
}

/** Answers after a moment, never the same twice, and learns something each time. */
function watchedAssistant({ name, onTurn, random }: ArenaProcessOptions): Assistant {
  let replies = 0;
  return {
    name: 'arena',
    reply: async (request): Promise<AssistantReply> => {
      onTurn(name, request);
      await pause(random() < 0.1 ? 20 * random() : 0);
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
