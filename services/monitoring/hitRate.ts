export interface Reads {
  readonly hits: number;
  readonly misses: number;
}

/** Of many kinds together. */
export function allReads(kinds: Readonly<Record<string, Reads>>): Reads {
  const all = { hits: 0, misses: 0 };
  for (const { hits, misses } of Object.values(kinds)) {
    all.hits += hits;
    all.misses += misses;
  }
  return all;
}

/** 0 to 1; null before the first read. */
export const hitRateOf = ({ hits, misses }: Reads): number | null =>
  hits + misses === 0 ? null : hits / (hits + misses);
