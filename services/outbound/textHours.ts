/** When a text that failed goes once more: not at once, and not when people sleep. */

/** Hours of the dealership's day, from the first up to the second; inside the federal 8 to 21 of DOMAIN.md 8.1. */
export const TEXT_HOURS = [9, 20] as const;

const STEP_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/**
 * The first quarter of an hour from `afterMs` on that lies within `TEXT_HOURS` in `timezone`.
 * @returns milliseconds since the epoch.
 */
export function nextTextHour(afterMs: number, timezone: string): number {
  const hourOf = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hour: 'numeric', hourCycle: 'h23' });
  const isOpen = (ms: number): boolean => {
    const hour = Number(hourOf.format(ms));
    return hour >= TEXT_HOURS[0] && hour < TEXT_HOURS[1];
  };
  if (isOpen(afterMs)) return afterMs;
  for (let ms = Math.ceil(afterMs / STEP_MS) * STEP_MS; ms <= afterMs + DAY_MS; ms += STEP_MS) {
    if (isOpen(ms)) return ms;
  }
  return afterMs + DAY_MS;
}
