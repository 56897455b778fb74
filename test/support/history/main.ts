/**
 * Jack as server.ts composes it, with an assistant that says what it was shown, and on request a planted bug. One
 * argument: the promise that is to be broken, or nothing. Run by startJack(env, tellingJack(plant)).
 */
import { setTimeout as pause } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import { createApp } from '../../../routes/index.js';
import type { Assistant } from '../../../services/assistant/types.js';
import { loadConfig } from '../../../services/config.js';
import { createContext } from '../../../services/context.js';
import { listen } from '../../../services/http.js';
import { createLogger } from '../../../services/logger.js';
import { announce } from '../../../services/startUp.js';
import { type Plant, plant } from './plants.js';
import { tell } from './telling.js';

const planted = plant((process.argv[2] || undefined) as Plant | undefined);
const config = loadConfig(process.env);
const logger = createLogger({ level: config.logLevel, format: 'json' });
const telling: Assistant = {
  name: 'telling',
  reply: async (request) => {
    // A model that is sometimes slow.
    await pause(Math.random() < 0.1 ? 400 * Math.random() : 5, undefined, { signal: request.signal });
    const { organizationId, summary, slots } = request.conversation;
    return { body: tell(organizationId, request.conversation.messages), slots, summary };
  },
};
const context = await createContext(config, {
  logger,
  around: planted.around,
  assistant: planted.assistant(telling),
});
const http = await listen(createApp(context), config.host, config.port);
await context.start(http.url);
announce(context, http.url);
closeWithGrace({ delay: 10_000, logger: false }, async () => {
  context.beginStop();
  await http.drain();
  await context.close();
});
