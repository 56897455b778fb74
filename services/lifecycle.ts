/** Closers run last-in first-out, all of them even when one fails. */
import { asError } from './errors.js';

export interface Closers {
  add(name: string, close: () => Promise<void> | void): void;
  /** @throws AggregateError when some failed, after all have run. Safe to call twice. */
  closeAll(): Promise<void>;
}

export function createClosers(): Closers {
  const closers: { name: string; close: () => Promise<void> | void }[] = [];
  return {
    add: (name, close) => {
      closers.push({ name, close });
    },
    closeAll: async () => {
      const failures: Error[] = [];
      for (let closer = closers.pop(); closer; closer = closers.pop()) {
        try {
          await closer.close();
        } catch (error) {
          failures.push(new Error(`${closer.name} did not close`, { cause: asError(error) }));
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'Not everything closed.');
    },
  };
}
