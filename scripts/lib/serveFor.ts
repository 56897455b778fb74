import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/**
 * Runs a command with these variables added to its environment; without a command prints them and waits for Ctrl-C.
 * @returns the command's exit code, as a shell would give it.
 */
export async function serveFor(
  command: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<number> {
  const [program, ...args] = command;
  if (program === undefined) {
    for (const [name, value] of Object.entries(variables)) console.log(`${name}=${value}`);
    await untilAskedToStop();
    return 0;
  }
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...variables } });
  // Ctrl-C reaches the command by itself; we only outlive it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}

function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    // Signals alone do not keep a process alive.
    const alive = setInterval(() => undefined, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve();
      });
    }
  });
}
