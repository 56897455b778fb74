/** One run at a time; calls during a run make one more follow it, however many they were. */
export interface Coalesced {
  run(): void;
  /** Settles when nothing runs. */
  idle(): Promise<void>;
}

/** @param work never rejects: it logs what goes wrong, since nobody waits for it. */
export function coalesce(work: () => Promise<void>): Coalesced {
  let running: Promise<void> | undefined;
  let isAgain = false;
  const run = (): void => {
    if (running) {
      isAgain = true;
      return;
    }
    running = work().finally(() => {
      running = undefined;
      if (!isAgain) return;
      isAgain = false;
      run();
    });
  };
  return {
    run,
    idle: async () => {
      while (running) await running;
    },
  };
}
