/** Timers for due replies, rounded up so that a burst of texts shares a few of them. What is due already is told at once. */
const GRAIN_MS = 10;

export interface WakeUps {
  add(delayMs: number): void;
  clear(): void;
}

export function createWakeUps(onDue: () => void): WakeUps {
  const timers = new Map<number, NodeJS.Timeout>();
  return {
    add: (delayMs) => {
      // By the record's clock, which has gone on since.
      if (delayMs <= 0) return onDue();
      // One grain later than due: the record's clock decides, and must be past the moment when it is asked.
      const at = Math.ceil((performance.now() + delayMs) / GRAIN_MS + 1) * GRAIN_MS;
      if (timers.has(at)) return;
      const fire = () => {
        timers.delete(at);
        onDue();
      };
      timers.set(at, setTimeout(fire, at - performance.now()));
    },
    clear: () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
