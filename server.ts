/** Composition root: config, context, app, listen, drain, close. */
import closeWithGrace from 'close-with-grace';
import dotenv from 'dotenv';
import { createApp } from './routes/index.js';
import { loadConfig } from './services/config.js';
import { createContext } from './services/context.js';
import { asError, JackError } from './services/errors.js';
import { listen } from './services/http.js';
import { createLogger } from './services/logger.js';
import { announce } from './services/startUp.js';

/** sysexits.h EX_CONFIG: the configuration is wrong, starting again does not help. */
const EXIT_CONFIG = 78;
const DRAIN_MS = 10_000;

async function main(): Promise<void> {
  dotenv.config({ quiet: true });
  const config = loadConfig(process.env);
  const logger = createLogger({
    level: config.logLevel,
    format: config.nodeEnv === 'production' || !process.stdout.isTTY ? 'json' : 'pretty',
  });
  const context = await createContext(config, { logger });
  const http = await listen(createApp(context), config.host, config.port).catch(async (error: unknown) => {
    await context.close();
    throw error;
  });
  await context.start(http.url);
  announce(context, http.url);

  closeWithGrace({ delay: DRAIN_MS, logger: false }, async ({ signal, err }) => {
    if (err) logger.error('an error reached the top; stopping', { error: err });
    else logger.info('stopping', { signal });
    context.beginStop();
    await http.drain();
    await context.close();
    logger.info('stopped');
  });
}

main().catch((error: unknown) => {
  const code = error instanceof JackError ? error.code : undefined;
  // What the operator can mend is said in plain words; everything else goes to the log with its cause.
  if (code === 'E_CONFIG_INVALID' || code === 'E_DATA_DIR_LOCKED')
    process.stderr.write(`${asError(error).message}\n`);
  else createLogger({ level: 'error', format: 'pretty' }).error('Jack could not start', { error });
  process.exitCode = code === 'E_CONFIG_INVALID' ? EXIT_CONFIG : 1;
  // A half-opened context may hold the event loop; nothing useful is left to wait for.
  setTimeout(() => process.exit(), 500).unref();
});
