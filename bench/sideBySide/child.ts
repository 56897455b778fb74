/**
 * One subject in a process of its own, so that none works on the compiled code, the heap or the event loop of another.
 * Started by children.ts; alone, `node --import tsx bench/sideBySide/child.ts jack redis://… 5000` runs it for a profile.
 */
import { quantile } from '../statistics.js';
import { SUBJECTS, type SubjectName } from './subjects.js';
import { CONVERSATIONS, type Subject } from './work.js';

export interface RunResult {
  readonly turnsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of this process, user and system, for one turn. */
  readonly cpuUs: number;
}

export type Request =
  | { readonly what: 'run'; readonly durationMs: number; readonly inFlight: number }
  | { readonly what: 'append'; readonly count: number };
export type Reply = { readonly ready: true } | { readonly result: unknown } | { readonly error: string };

async function run(subject: Subject, durationMs: number, inFlight: number): Promise<RunResult> {
  const times: number[] = [];
  let n = 0;
  const cpuBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  const worker = async () => {
    for (let beganAtMs = performance.now(); beganAtMs - startedAtMs < durationMs; ) {
      await subject.turn(n++ % CONVERSATIONS);
      const endedAtMs = performance.now();
      times.push(endedAtMs - beganAtMs);
      beganAtMs = endedAtMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const sorted = Float64Array.from(times).sort();
  return {
    turnsPerS: times.length / seconds,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    cpuUs: (user + system) / times.length,
  };
}

/** @returns how many of the messages that were added at the same time are there afterwards; null: not its business. */
async function append({ append: add, count }: Subject, messages: number): Promise<number | null> {
  if (!add || !count) return null;
  const before = await count(0);
  await Promise.all(Array.from({ length: messages }, () => add(0)));
  return (await count(0)) - before;
}

const [name, url, durationMs] = process.argv.slice(2);
const subject = await SUBJECTS[name as SubjectName].create(url as string);

if (process.send) {
  const send = (reply: Reply) => process.send?.(reply);
  process.on('message', (request: Request) => {
    const answer =
      request.what === 'run'
        ? run(subject, request.durationMs, request.inFlight)
        : append(subject, request.count);
    answer.then(
      (result) => send({ result }),
      (error: unknown) =>
        send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once('disconnect', () => {
    void subject.close();
  });
  send({ ready: true });
} else {
  for (let n = 0; n < 3; n += 1) console.log(name, await run(subject, Number(durationMs ?? 2_000), 32));
  await subject.close();
}
