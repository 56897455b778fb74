/** `npm run simulator -- …`: see `--help`, and docs/SIMULATOR.md. */
import dotenv from 'dotenv';
import { EXIT, runProgram } from '../simulator/cli/program.js';
import { runSimulator } from '../simulator/cli/run.js';

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second one ends the process at once.
  process.once(name, () => stopping.abort());
}
dotenv.config({ quiet: true });

try {
  process.exitCode = await runProgram(process.argv.slice(2), (flags) =>
    runSimulator(flags, {
      input: process.stdin,
      print: (line) => console.log(line),
      tell: (line) => console.error(line),
      signal: stopping.signal,
      adminKey: process.env.ADMIN_API_KEY,
    }),
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = EXIT.usage;
}
