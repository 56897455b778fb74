/** Time as a collaborator, so that tests do not sleep. */
export interface Clock {
  /** Milliseconds since the epoch, for timestamps. */
  now(): number;
  /** Milliseconds that never go back, for durations. */
  monotonicMs(): number;
}

/** Milliseconds since the epoch as of now, and from here on what has passed: it goes on evenly when the clock is set. */
export function createSteadyTime(clock: Clock): () => number {
  const startedAtMs = clock.now() - clock.monotonicMs();
  return () => startedAtMs + clock.monotonicMs();
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
};
