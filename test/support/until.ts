export interface UntilOptions {
  /** What is awaited, for the error: `the reply to arrive`; a function is asked when it did not come. */
  readonly what?: string | (() => string);
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;

/**
 * Polls until `check` gives something truthy, and returns that. A check that throws counts as "not yet".
 * @throws Error naming what was awaited, with the last value or the last error, after `timeoutMs` (5000).
 */
export async function until<T>(check: () => T | Promise<T>, options: UntilOptions = {}): Promise<Truthy<T>> {
  const { what = 'the condition', timeoutMs = 5000, everyMs = 20 } = options;
  const deadlineAt = Date.now() + timeoutMs;
  let last: unknown;
  let thrown: unknown;
  do {
    try {
      thrown = undefined;
      const value = await check();
      if (value) return value as Truthy<T>;
      last = value;
    } catch (error) {
      thrown = error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  } while (Date.now() < deadlineAt);
  const reason = thrown instanceof Error ? `it threw: ${thrown.message}` : `last value: ${String(last)}`;
  throw new Error(
    `waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}; ${reason}`,
    thrown === undefined ? undefined : { cause: thrown },
  );
}
