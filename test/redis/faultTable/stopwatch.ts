/** How long callers wait, without the time that this process itself stood still: on a busy machine that is not the tower's. */
export interface Stopwatch {
  /** A rejection is kept in `errors`; the caller goes on with undefined. */
  time<T>(work: () => Promise<T>): Promise<T | undefined>;
  report(): StopwatchReport;
  stop(): void;
}

export interface StopwatchReport {
  readonly calls: number;
  readonly errors: readonly unknown[];
  readonly longestStallMs: number;
  /** Moments (not calls) at which callers waited longer than `STALL_MS`: calls that wait together wait for one thing. */
  readonly stalls: number;
}

/** What one caller may be kept waiting, once. */
export const STALL_MS = 150;

const TICK_MS = 5;

export function startStopwatch(): Stopwatch {
  const errors: unknown[] = [];
  let [calls, stalls, longestStallMs] = [0, 0, 0];
  let lastStallEndMs = Number.NEGATIVE_INFINITY;
  let [stoodStillMs, lastTickMs] = [0, performance.now()];
  const lateMs = () => Math.max(0, performance.now() - lastTickMs - 2 * TICK_MS);
  const ticker = setInterval(() => {
    stoodStillMs += lateMs();
    lastTickMs = performance.now();
  }, TICK_MS);

  function note(startedAtMs: number, waitedMs: number): void {
    calls += 1;
    longestStallMs = Math.max(longestStallMs, waitedMs);
    if (waitedMs <= STALL_MS) return;
    if (startedAtMs > lastStallEndMs) stalls += 1;
    lastStallEndMs = performance.now();
  }

  return {
    time: async (work) => {
      const startedAtMs = performance.now();
      const stillBeforeMs = stoodStillMs + lateMs();
      try {
        return await work();
      } catch (error) {
        errors.push(error);
        return undefined;
      } finally {
        const ownMs = stoodStillMs + lateMs() - stillBeforeMs;
        note(startedAtMs, Math.max(0, performance.now() - startedAtMs - ownMs));
      }
    },
    report: () => ({ calls, errors, longestStallMs, stalls }),
    stop: () => clearInterval(ticker),
  };
}
