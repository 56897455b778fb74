/**
 * Changes in the order in which they were asked for. Two requests under way at once may overtake each other, and then a
 * deleted value comes back; so one pipeline is under way at a time, and what is asked for meanwhile is the next one.
 */
import { isOwnFault } from '../redis/guard.js';
import type { PipelineReply, UpstashClient } from './client.js';

export type RestPipeline = ReturnType<UpstashClient['pipeline']>;

export interface Change {
  /** For the measurement: `set`, `delete`, … */
  readonly operation: string;
  /** Roughly what it adds to the body of a request. */
  readonly bytes: number;
  /** Adds its commands, one at least. */
  addTo(pipeline: RestPipeline): void;
}

export interface WriteLaneDeps {
  readonly client: UpstashClient;
  /** One exchange with the server, behind its guard. */
  exchange<T>(work: () => Promise<T>, operation: string): Promise<T>;
}

export interface WriteLane {
  /**
   * @returns the replies of the change's own commands.
   * @throws UpstashReplyError when one of them was refused, RedisAwayError when there was no usable answer.
   */
  run(change: Change): Promise<unknown[]>;
}

/** Upstash refuses bodies over 1 MB on its smallest plans; a larger change goes alone and may be refused. */
const MAX_BYTES = 800_000;
const MAX_CHANGES = 500;

interface Waiting {
  readonly change: Change;
  readonly resolve: (replies: unknown[]) => void;
  readonly reject: (error: unknown) => void;
}

export function createWriteLane({ client, exchange }: WriteLaneDeps): WriteLane {
  const waiting: Waiting[] = [];
  let isUnderWay = false;

  async function drain(): Promise<void> {
    isUnderWay = true;
    while (waiting.length > 0) await send(nextBatch(waiting));
    isUnderWay = false;
  }

  /** Never throws: what happens is told to those who asked. */
  async function send(batch: readonly Waiting[]): Promise<void> {
    try {
      const pipeline = client.pipeline();
      const ends = batch.map(({ change }) => {
        change.addTo(pipeline);
        return pipeline.length();
      });
      const operation = batch[0]?.change.operation ?? 'other';
      const replies = await exchange(() => execute(pipeline), operation);
      for (const [n, each] of batch.entries()) settle(each, replies.slice(ends[n - 1] ?? 0, ends[n]));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return {
    run: (change) =>
      new Promise((resolve, reject) => {
        waiting.push({ change, resolve, reject });
        // After what is asked for in the same moment, which then travels along.
        if (!isUnderWay) {
          isUnderWay = true;
          process.nextTick(() => void drain());
        }
      }),
  };
}

function nextBatch(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { change } of waiting) {
    bytes += change.bytes;
    if (count > 0 && (bytes > MAX_BYTES || count >= MAX_CHANGES)) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

/** @throws what says something of the server, which the guard must hear of; a refusal is left to its own caller. */
async function execute(pipeline: RestPipeline): Promise<readonly PipelineReply[]> {
  // The library's type has the error as text; our requester makes it an error.
  const replies = (await pipeline.exec({ keepErrors: true })) as unknown as readonly PipelineReply[];
  for (const { error } of replies) if (error && !isOwnFault(error)) throw error;
  return replies;
}

function settle({ resolve, reject }: Waiting, replies: readonly PipelineReply[]): void {
  const refused = replies.find(({ error }) => error !== undefined);
  if (refused) reject(refused.error);
  else resolve(replies.map(({ result }) => result));
}
