/** When a webhook that did not arrive is tried again. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** After the first, second, … failure; about ten tries in a day, most of them early. */
const DELAYS_MS: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
];
/** News of yesterday helps nobody. */
export const MAX_AGE_MS = 24 * HOUR;

/**
 * @param failures 1 after the first one.
 * @param ageMs of the alert.
 * @param random from 0 up to 1: what failed together does not come back together.
 * @returns undefined when it is not tried any more.
 */
export function retryDelayMs(failures: number, ageMs: number, random: number): number | undefined {
  const base = DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1] ?? HOUR;
  const delayMs = Math.round(base * (0.9 + random / 5));
  return ageMs + delayMs > MAX_AGE_MS ? undefined : delayMs;
}
