/** Lists by keyset: a page begins after the row where the last one ended, whatever came or went in between. */

/** The row after which the next page begins. */
export interface PageEnd {
  /** ISO 8601, with the precision of the column. */
  readonly at: string;
  readonly id: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly after: PageEnd | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Undefined on the last page. */
  readonly end: PageEnd | undefined;
}

/** @param rows one more than `limit` when there is a next page. */
export function toPage<Item>(
  rows: readonly Item[],
  limit: number,
  endOf: (item: Item) => PageEnd,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, end: rows.length > limit && last !== undefined ? endOf(last) : undefined };
}
