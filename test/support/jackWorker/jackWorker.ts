/** A Jack in a process of its own that a test can watch, call and end. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { JackError } from '../../../services/errors.js';
import type { Seen } from '../turnArena/checker.js';
import type { Failure, Said, WorkerOptions } from './protocol.js';
import type { WorkerCalls } from './worker.js';

export interface JackWorker {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /**
   * Calls a part of it.
   * @throws JackError when that threw one, else WorkerFailure; WorkerEnded when the process ends before it answers.
   */
  call<Name extends keyof WorkerCalls>(
    name: Name,
    ...args: Parameters<WorkerCalls[Name]>
  ): ReturnType<WorkerCalls[Name]>;
  onSeen(listener: (seen: Seen) => void): void;
  onQueued(listener: (conversationId: string) => void): void;
  isRunning(): boolean;
  /** Settles when the process has ended, however. */
  ended(): Promise<void>;
  /** Lines of its log, errors only. */
  output(): string;
  kill(): Promise<void>;
  /** In order, as after SIGTERM. */
  stop(): Promise<void>;
}

export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded';
}

/** What a part of the worker threw. */
export class WorkerFailure extends Error {
  override readonly name = 'WorkerFailure';
  readonly sqlState: string | undefined;
  constructor({ message, sqlState }: Failure) {
    super(message);
    this.sqlState = sqlState;
  }
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
const TSX = pathToFileURL(
  createRequire(path.join(path.resolve(process.cwd()), 'package.json')).resolve('tsx'),
).href;
const STOP_MS = 15_000;

/** @throws Error when it cannot start. */
export async function startJackWorker(options: WorkerOptions): Promise<JackWorker> {
  const child = spawn(process.execPath, ['--no-warnings', '--import', TSX, WORKER], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, JACK_WORKER: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const endWithTest = () => child.kill('SIGKILL');
  process.once('exit', endWithTest);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  const seenListeners: ((seen: Seen) => void)[] = [];
  const queuedListeners: ((conversationId: string) => void)[] = [];
  let calls = 0;
  let isRunning = true;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', endWithTest);
      isRunning = false;
      for (const { reject } of waiting.values()) reject(new WorkerEnded(`${options.name} has ended`));
      waiting.clear();
      resolve();
    });
  });

  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (said: Said) => {
      if (said.what === 'up') resolve(said.url);
      else if (said.what === 'failed') reject(new Error(said.message));
      else if (said.what === 'seen') for (const listener of seenListeners) listener(said.seen);
      else if (said.what === 'queued') for (const listener of queuedListeners) listener(said.conversationId);
      else {
        const call = waiting.get(said.n);
        waiting.delete(said.n);
        if (said.failure) call?.reject(errorOf(said.failure));
        else call?.resolve(said.result as never);
      }
    });
    ended.then(
      () => reject(new Error(`${options.name} ended before it was up:\n${output}`)),
      () => undefined,
    );
  });

  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    name: options.name,
    url,
    pid: child.pid ?? 0,
    call: ((name: string, ...args: unknown[]) =>
      new Promise((resolve, reject) => {
        if (!isRunning) return reject(new WorkerEnded(`${options.name} has ended`));
        calls += 1;
        waiting.set(calls, { resolve, reject });
        child.send({ n: calls, call: name, args });
      })) as JackWorker['call'],
    onSeen: (listener) => void seenListeners.push(listener),
    onQueued: (listener) => void queuedListeners.push(listener),
    isRunning: () => isRunning,
    ended: () => ended,
    output: () => output,
    kill,
    stop: async () => {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

const errorOf = (failure: Failure): Error =>
  failure.code ? new JackError(failure.code as never, failure.message) : new WorkerFailure(failure);
