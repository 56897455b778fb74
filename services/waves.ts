/**
 * Calls of one moment travel together: what many turns ask for in the same turn of the event loop is one command to the
 * server. Nobody waits for company: a wave leaves as soon as the work at hand has been done, or when it is large enough
 * that the server had better begin.
 */
export interface Wave<Item, Answer> {
  add(group: number, items: readonly Item[]): Promise<Answer[]>;
  /** Sends what has gathered for the group, so that a command sent next comes after it. */
  flush(group: number): void;
}

export interface WaveOptions<Item, Answer> {
  /** A wave leaves at once with this many calls, so that the server works while this process goes on; absent: it waits for all. */
  readonly enoughCalls?: number;
  /** More than this many items leave in several commands, so that none keeps the server for long. */
  readonly maxItems: number;
  /** @returns one answer for each item; an Error among them is one caller's, a rejection is everybody's. */
  send(group: number, items: readonly Item[]): Promise<readonly (Answer | Error)[]>;
}

interface Waiting<Item, Answer> {
  readonly items: readonly Item[];
  readonly resolve: (answers: Answer[]) => void;
  readonly reject: (error: unknown) => void;
}

export function createWave<Item, Answer>(options: WaveOptions<Item, Answer>): Wave<Item, Answer> {
  const waiting = new Map<number, Waiting<Item, Answer>[]>();
  let isScheduled = false;

  function flushAll(): void {
    isScheduled = false;
    for (const group of [...waiting.keys()]) flush(group);
  }

  function flush(group: number): void {
    const all = waiting.get(group);
    if (!all) return;
    waiting.delete(group);
    for (const calls of inBatches(all, options.maxItems)) sendBatch(group, calls);
  }

  function sendBatch(group: number, calls: readonly Waiting<Item, Answer>[]): void {
    const items =
      calls.length === 1 ? (calls[0] as Waiting<Item, Answer>).items : calls.flatMap((call) => call.items);
    options.send(group, items).then(
      (answers) => share(calls, answers),
      (error: unknown) => {
        for (const call of calls) call.reject(error);
      },
    );
  }

  return {
    add: (group, items) =>
      new Promise((resolve, reject) => {
        const call = { items, resolve, reject };
        const gathered = waiting.get(group);
        if (gathered) {
          gathered.push(call);
          if (gathered.length === options.enoughCalls) flush(group);
          return;
        }
        waiting.set(group, [call]);
        if (isScheduled) return;
        isScheduled = true;
        // After every continuation that is ready to run has run, and before the event loop goes on.
        process.nextTick(flushAll);
      }),
    flush,
  };
}

function share<Item, Answer>(
  calls: readonly Waiting<Item, Answer>[],
  answers: readonly (Answer | Error)[],
): void {
  let at = 0;
  for (const { items, resolve, reject } of calls) {
    const own = answers.slice(at, at + items.length);
    at += items.length;
    const failed = own.find((answer) => answer instanceof Error);
    if (failed) reject(failed);
    else resolve(own as Answer[]);
  }
}

/** Whole calls only; a call that is larger than a batch by itself stays one. */
function inBatches<Item, Answer>(
  calls: readonly Waiting<Item, Answer>[],
  maxItems: number,
): (readonly Waiting<Item, Answer>[])[] {
  const batches: Waiting<Item, Answer>[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const call of calls) {
    if (size + call.items.length > maxItems) {
      batches.push([]);
      size = 0;
    }
    batches.at(-1)?.push(call);
    size += call.items.length;
  }
  return batches;
}
