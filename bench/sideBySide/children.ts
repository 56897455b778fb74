/** The processes of the subjects, from outside. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Reply, Request, RunResult } from './child.js';
import type { SubjectName } from './subjects.js';

export interface SubjectProcess {
  readonly name: SubjectName;
  run(durationMs: number, inFlight: number): Promise<RunResult>;
  /** @returns how many of so many messages that were added at the same time are kept; null: it adds none there. */
  append(count: number): Promise<number | null>;
  stop(): Promise<void>;
}

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** @throws Error when the subject cannot be made. */
export async function startSubject(name: SubjectName, url: string): Promise<SubjectProcess> {
  const child = fork(CHILD, [name, url]);
  await nextReply(child);
  const ask = async (request: Request) => {
    const reply = nextReply(child);
    child.send(request);
    return await reply;
  };
  return {
    name,
    run: async (durationMs, inFlight) => (await ask({ what: 'run', durationMs, inFlight })) as RunResult,
    append: async (count) => (await ask({ what: 'append', count })) as number | null,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}

function nextReply(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null) => reject(new Error(`a subject's process ended with code ${code}`));
    child.once('exit', end);
    child.once('message', (reply: Reply) => {
      child.off('exit', end);
      if ('error' in reply) reject(new Error(reply.error));
      else resolve('result' in reply ? reply.result : undefined);
    });
  });
}
