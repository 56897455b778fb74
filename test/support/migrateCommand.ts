/** `npm run migrate` as its operator runs it: a process of its own. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JackEnvironment } from './jackProcess.js';

const ROOT = path.resolve(process.cwd());
const TSX = pathToFileURL(createRequire(path.join(ROOT, 'package.json')).resolve('tsx')).href;

export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Largest resident memory, when it was asked for. */
  readonly json: Record<string, never> & { readonly kinds: Record<string, Record<string, number>> };
}

export interface RunningCommand {
  readonly ended: Promise<CommandOutcome>;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
}

export function startMigrate(
  args: readonly string[],
  env: JackEnvironment,
  nodeOptions: readonly string[] = [],
): RunningCommand {
  const child = spawn(
    process.execPath,
    [...nodeOptions, '--import', TSX, path.join(ROOT, 'scripts/migrate.ts'), ...args],
    {
      // Where no .env lies.
      cwd: path.dirname(process.execPath),
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'test', USE_REDIS: 'false', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const ended = new Promise<CommandOutcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('exit', end);
      resolve({ code, stdout, stderr, json: stdout.startsWith('{') ? JSON.parse(stdout) : {} });
    });
  });
  return { ended, stderr: () => stderr, signal: (name) => void child.kill(name) };
}

export const runMigrate = async (
  args: readonly string[],
  env: JackEnvironment,
  nodeOptions?: readonly string[],
): Promise<CommandOutcome> => await startMigrate(args, env, nodeOptions).ended;
