/** What the commands that work on Jack's own data are run with. */
import dotenv from 'dotenv';
import { type Config, loadConfig } from '../../../services/config.js';
import { createLogger, type Logger } from '../../../services/logger.js';
import { explain } from './output.js';

export interface CommandDeps {
  readonly config: Config;
  readonly logger: Logger;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  print(text: string): void;
  /** For people, beside the outcome. */
  tell(text: string): void;
}

interface Program {
  /** @param deps reads the environment when a command runs, so that help needs no configuration. */
  run(argv: readonly string[], deps: () => CommandDeps): Promise<number>;
  /** The exit code when something went wrong that the program did not expect. */
  readonly failed: number;
}

/** Sets the process's exit code. The first SIGINT or SIGTERM stops after a batch, a second one at once. */
export async function runCommand({ run, failed }: Program): Promise<void> {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      console.error('\nStopping after this batch; once more ends it at once.');
      stopping.abort();
    });
  }
  const deps = (): CommandDeps => {
    dotenv.config({ quiet: true });
    return {
      config: loadConfig(process.env),
      logger: createLogger({ level: 'warn', format: 'pretty', stream: process.stderr }),
      signal: stopping.signal,
      print: (text) => console.log(text),
      tell: (text) => console.error(text),
    };
  };
  try {
    process.exitCode = await run(process.argv.slice(2), deps);
  } catch (error) {
    console.error(explain(error));
    process.exitCode = failed;
  }
}
