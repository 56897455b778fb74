/** Jack as its operator runs it: a process of its own, in an empty directory, with only the environment given. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CrashPoint } from './crashingJack/crashPoints.js';
import type { SlowJackOptions } from './slowJack.js';
import { until } from './until.js';

export interface JackProcess {
  readonly url: string;
  readonly pid: number;
  /** Everything printed so far. */
  output(): string;
  /** JSON log lines so far. */
  logs(): Record<string, unknown>[];
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. @returns the exit code. */
  terminate(): Promise<number | null>;
  signal(name: NodeJS.Signals): void;
  ended(): Promise<number | null>;
}

const ROOT = path.resolve(process.cwd());
const TSX = pathToFileURL(createRequire(path.join(ROOT, 'package.json')).resolve('tsx')).href;
const START_MS = 30_000;

export interface JackEnvironment {
  readonly [name: string]: string | undefined;
}

/** What is started: a file of this repository and its arguments. */
export interface JackProgram {
  readonly file: string;
  readonly args: readonly string[];
}

const SERVER: JackProgram = { file: 'server.ts', args: [] };

/** See test/support/slowJack.ts. */
export const slowJack = (options: SlowJackOptions): JackProgram => ({
  file: 'test/support/slowJack.ts',
  args: [JSON.stringify(options)],
});

/** See test/support/crashingJack. */
export const crashingJack = (points: readonly CrashPoint[]): JackProgram => ({
  file: 'test/support/crashingJack/main.ts',
  args: [JSON.stringify(points)],
});

const directories: string[] = [];

function removeDirectories(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

/** A directory for DATA_DIR that goes with the process of the test. */
export function temporaryDirectory(): string {
  if (directories.length === 0) process.once('exit', removeDirectories);
  const directory = mkdtempSync(path.join(tmpdir(), 'jack-test-'));
  directories.push(directory);
  return directory;
}

/**
 * A data directory whose record is migrated already, so that a start takes a second instead of four; a first start
 * from nothing has tests of its own.
 */
export function preparedDataDirectory(): string {
  const directory = temporaryDirectory();
  // Read here and not through services.ts, which only jest can load: benches start Jack with this file too.
  const dump = process.env.TEST_PGLITE_DUMP;
  if (!dump) return directory;
  const record = path.join(directory, 'record');
  mkdirSync(record);
  execFileSync('tar', ['-xf', dump, '-C', record], { stdio: ['ignore', 'ignore', 'ignore'] });
  return directory;
}

/** @throws Error with the output when the process ends before it listens. */
export async function startJack(
  env: JackEnvironment = {},
  program: JackProgram = SERVER,
): Promise<JackProcess> {
  const jack = spawnJack(env, program);
  const url = await until(() => jack.url() ?? (jack.hasEnded() ? 'ended' : undefined), {
    timeoutMs: START_MS,
    what: 'Jack to listen',
  });
  if (url === 'ended') throw new Error(`Jack ended before it listened:\n${jack.output()}`);
  return { ...jack, url, pid: jack.child.pid ?? 0 };
}

/** For starts that are meant to fail. */
export function spawnJack(env: JackEnvironment, { file, args }: JackProgram = SERVER) {
  const directory = temporaryDirectory();
  const child = spawn(process.execPath, ['--import', TSX, path.join(ROOT, file), ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', USE_REDIS: 'false', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString('utf8');
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const ended = waitForEnd(child).finally(() => process.off('exit', end));
  const logs = () => output.split('\n').flatMap(parseLine);
  return {
    child,
    output: () => output,
    logs,
    url: () => logs().find(({ message }) => message === 'Jack is up')?.url as string | undefined,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended: () => ended,
    signal: (name: NodeJS.Signals) => void child.kill(name),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    terminate: async () => {
      child.kill('SIGTERM');
      return await ended;
    },
  };
}

async function waitForEnd(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

function parseLine(line: string): Record<string, unknown>[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    // The last line may be half there.
    return [];
  }
}
