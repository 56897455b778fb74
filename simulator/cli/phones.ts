/** Numbers for shoppers: 555-0100 to 555-0199 of real area codes, which are kept for fiction. */
const AREA_CODES =
  '604 778 236 250 672 416 647 437 514 438 403 587 780 825 306 204 206 253 360 425 503 512 305 213 312 702'.split(
    ' ',
  );
const PER_AREA = 100;

export const MAX_SHOPPERS = AREA_CODES.length * PER_AREA - 1;

/** @returns `count` different numbers, none of them `without`. */
export function shopperPhones(count: number, without: string): string[] {
  const all = AREA_CODES.flatMap((area) =>
    Array.from({ length: PER_AREA }, (_, n) => `+1${area}555${String(100 + n).padStart(4, '0')}`),
  );
  return all.filter((phone) => phone !== without).slice(0, count);
}
