/** Time for the simulator: the carrier's own delays run on it, so that "hours later" takes a test no time. */
export interface SimulatorClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `work` once, `delayMs` from now. @returns what takes it back. */
  after(delayMs: number, work: () => void): () => void;
}

export const createSystemClock = (): SimulatorClock => ({
  now: () => Date.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
});

export interface ManualClock extends SimulatorClock {
  /** Goes on by `ms`; what falls due runs in the order of its time. */
  advance(ms: number): void;
}

/** A clock that stands still until it is told. */
export function createManualClock(startMs = Date.UTC(2026, 0, 15, 18)): ManualClock {
  let nowMs = startMs;
  let waiting: { readonly atMs: number; readonly work: () => void }[] = [];
  const nextDue = (untilMs: number) =>
    waiting
      .filter(({ atMs }) => atMs <= untilMs)
      .reduce<(typeof waiting)[number] | undefined>((a, b) => (a && a.atMs <= b.atMs ? a : b), undefined);
  return {
    now: () => nowMs,
    after: (delayMs, work) => {
      const entry = { atMs: nowMs + delayMs, work };
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((each) => each !== entry);
      };
    },
    advance: (ms) => {
      const untilMs = nowMs + ms;
      for (let due = nextDue(untilMs); due; due = nextDue(untilMs)) {
        const { atMs, work } = due;
        waiting = waiting.filter((each) => each !== due);
        nowMs = Math.max(nowMs, atMs);
        work();
      }
      nowMs = untilMs;
    },
  };
}
