export type Cell = string | number;

/** A Markdown table with a heading above it, on standard output. */
export function printTable(
  title: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
): void {
  const line = (cells: readonly Cell[]) => `| ${cells.join(' | ')} |`;
  console.log([`\n${title}\n`, line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n'));
}

/** `12,345`, or with digits after the point. */
export const figure = (value: number, digits = 0): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** What is under way, on standard error, so that the tables can be redirected. */
export const say = (text: string): void => console.error(text);
