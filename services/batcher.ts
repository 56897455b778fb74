/**
 * Group commit: what arrives while one batch is being written goes into the next, so that many callers share one
 * transaction and a lone caller does not wait.
 */
export interface Batcher<Item, Result> {
  add(item: Item): Promise<Result>;
  /** Settles when nothing is queued or running. */
  idle(): Promise<void>;
}

export interface BatcherOptions<Item, Result> {
  readonly maxBatch: number;
  /** Writes all or nothing; returns one result an item, in order. */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** When a batch of several fails with such an error, each item is tried alone, so that one bad item fails only itself. */
  isWorthSplitting?(error: unknown): boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  let queue: Waiting<Item, Result>[] = [];
  let running: Promise<void> | undefined;

  const settle = async (batch: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await options.run(batch.map(({ item }) => item));
      for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result);
    } catch (error) {
      if (batch.length > 1 && (options.isWorthSplitting?.(error) ?? false)) {
        for (const waiting of batch) await settle([waiting]);
      } else {
        for (const waiting of batch) waiting.reject(error);
      }
    }
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.slice(0, options.maxBatch);
      queue = queue.slice(options.maxBatch);
      await settle(batch);
    }
    running = undefined;
  };

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject });
        running ??= Promise.resolve().then(drain);
      }),
    idle: async () => {
      while (running) await running;
    },
  };
}
