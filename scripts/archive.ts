/** `npm run archive -- …`: see `--help`. */
import { createCommands } from './lib/archive/commands.js';
import { EXIT, runProgram } from './lib/archive/program.js';
import { runCommand } from './lib/command/run.js';

await runCommand({
  run: (argv, deps) =>
    runProgram(argv, {
      run: (flags) => createCommands(deps()).run(flags),
      export: (flags) => createCommands(deps()).export(flags),
    }),
  failed: EXIT.failed,
});
