/** `npm run archive -- …`: see `--help`. */
import dotenv from 'dotenv';
import { loadConfig } from '../services/config.js';
import { createLogger } from '../services/logger.js';
import { createCommands } from './lib/archive/commands.js';
import { type Commands, EXIT, runProgram } from './lib/archive/program.js';
import { explain } from './lib/migrate/output.js';

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second one ends the process at once.
  process.once(name, () => {
    console.error('\nStopping after this batch; once more ends it at once.');
    stopping.abort();
  });
}

/** Read when a command runs, so that help needs no configuration. */
function commands(): Commands {
  dotenv.config({ quiet: true });
  return createCommands({
    config: loadConfig(process.env),
    logger: createLogger({ level: 'warn', format: 'pretty', stream: process.stderr }),
    signal: stopping.signal,
    print: (text) => console.log(text),
    tell: (text) => console.error(text),
  });
}

try {
  process.exitCode = await runProgram(process.argv.slice(2), {
    run: (flags) => commands().run(flags),
    export: (flags) => commands().export(flags),
  });
} catch (error) {
  console.error(explain(error));
  process.exitCode = EXIT.failed;
}
