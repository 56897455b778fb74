/**
 * Jack as server.ts composes it, but that it ends itself with SIGKILL at some points of the path. One argument: the points
 * as JSON. Run by startJack(env, crashingJack(points)).
 */
import { createApp } from '../../../routes/index.js';
import { loadConfig } from '../../../services/config.js';
import { createContext } from '../../../services/context.js';
import { listen } from '../../../services/http.js';
import { createLogger } from '../../../services/logger.js';
import { announce } from '../../../services/startUp.js';
import { createCrashes } from './crashes.js';
import type { CrashPoint } from './crashPoints.js';

const crashes = createCrashes(JSON.parse(process.argv[2] ?? '[]') as CrashPoint[]);
const config = loadConfig(process.env);
const logger = createLogger({ level: config.logLevel, format: 'json' });
const context = await createContext(config, {
  logger,
  around: crashes.around,
  assistant: crashes.assistant(),
});
crashes.watch(context.database);
const http = await listen(createApp(context), config.host, config.port);
await context.start(http.url);
announce(context, http.url);
