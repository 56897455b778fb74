/** `npm run migrate -- …`: see `--help`, and docs/MIGRATING.md. */
import { runCommand } from './lib/command/run.js';
import { createCommands } from './lib/migrate/commands.js';
import { EXIT, runProgram } from './lib/migrate/program.js';

await runCommand({
  run: (argv, deps) =>
    runProgram(argv, {
      importFile: (...args) => createCommands(deps()).importFile(...args),
      exportFile: (...args) => createCommands(deps()).exportFile(...args),
    }),
  failed: EXIT.failed,
});
