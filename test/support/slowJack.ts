/**
 * Jack with an assistant that takes its time, as server.ts composes it. One argument: the options as JSON. Run by
 * startJack(env, slowJack({ … })).
 */
import { setTimeout as pause } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import { createApp } from '../../routes/index.js';
import { createScriptedAssistant } from '../../services/assistant/scripted.js';
import type { Assistant } from '../../services/assistant/types.js';
import { loadConfig } from '../../services/config.js';
import { createContext } from '../../services/context.js';
import { listen } from '../../services/http.js';
import { createLogger } from '../../services/logger.js';
import { announce } from '../../services/startUp.js';
import type { TurnLimits } from '../../services/turns/types.js';

export interface SlowJackOptions {
  /** How long the assistant takes for each reply. */
  readonly thinksMs: number;
  readonly turnLimits?: Partial<TurnLimits>;
}

const options = JSON.parse(process.argv[2] ?? '{"thinksMs":0}') as SlowJackOptions;
const config = loadConfig(process.env);
const logger = createLogger({ level: config.logLevel, format: 'json' });
const scripted = createScriptedAssistant();
const assistant: Assistant = {
  name: 'slow',
  reply: async (request) => {
    logger.info('the assistant is asked');
    await pause(options.thinksMs, undefined, { signal: request.signal });
    return await scripted.reply(request);
  },
};
const context = await createContext(config, {
  logger,
  assistant,
  ...(options.turnLimits ? { turnLimits: options.turnLimits } : {}),
});
const http = await listen(createApp(context), config.host, config.port);
await context.start(http.url);
announce(context, http.url);
closeWithGrace({ delay: 10_000, logger: false }, async () => {
  context.beginStop();
  await http.drain();
  await context.close();
});
