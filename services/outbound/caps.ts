/** How often we may text somebody first: pure, over the moments at which we did. */
import { FREQUENCY_CAPS } from './rules/frequencyCaps.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** @param regions ISO 3166-2, where the recipient may be. @param ownLimit what the organization wants at most. */
export function startedTextsPerDay(regions: readonly string[], ownLimit: number | undefined): number {
  const lawful = FREQUENCY_CAPS.filter((cap) =>
    cap.regions.some((region) => region === '*' || regions.includes(region)),
  ).map(({ textsPerDay }) => textsPerDay);
  return Math.min(...lawful, ownLimit ?? Number.POSITIVE_INFINITY);
}

/**
 * @param startedAtMs when texts that we started left or are to leave.
 * @returns whether one more at `atMs` keeps every 24 hours that it falls into within `most`.
 */
export function isWithinCap(startedAtMs: readonly number[], atMs: number, most: number): boolean {
  if (most <= 0) return false;
  const all = [...startedAtMs, atMs].sort((a, b) => a - b);
  const windows = all
    .slice(0, all.length - most)
    .map((first, index) => [first, all[index + most] ?? 0] as const);
  return windows.every(([first, last]) => last - first >= DAY_MS || atMs < first || atMs > last);
}
