/** REDIS_IMPLEMENTATION_GUIDE.md in parts: its headings, tables and commands. */
import { readFileSync } from 'node:fs';

export const GUIDE = readFileSync('REDIS_IMPLEMENTATION_GUIDE.md', 'utf8');

export interface Section {
  readonly level: number;
  readonly title: string;
  /** Up to the next heading of any level. */
  readonly text: string;
}

const HEADING = /^(#{1,4}) (.+)$/;
const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
/** The first line of a block that test/redis/guide.test.ts runs. */
const MARK = '# tested\n';

export const sections: readonly Section[] = split(GUIDE);

/** @throws Error when there is no such heading. */
export function sectionOf(title: string): Section {
  const found = sections.find((section) => section.title === title);
  if (!found) throw new Error(`The guide has no heading "${title}".`);
  return found;
}

/** Cells of the first table of a section, without the head. */
export function tableOf(title: string): readonly (readonly string[])[] {
  const lines = sectionOf(title).text.split('\n');
  const from = lines.findIndex((line) => line.startsWith('|'));
  const length = lines.slice(from).findIndex((line) => !line.startsWith('|'));
  return lines.slice(from + 2, length === -1 ? undefined : from + length).map(cellsOf);
}

/** What is in backticks, in order. */
export const codesIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code ?? []);

/** What stands in bold code in a section. */
export const termsOf = (title: string): readonly string[] =>
  [...sectionOf(title).text.matchAll(/\*\*`([^`]+)`\*\*/g)].flatMap(([, term]) => term ?? []);

/** Commands that are run, by the heading they stand under and their place there: `Backup 1`. */
export const testedBlocks: ReadonlyMap<string, string> = new Map(
  sections.flatMap(({ title, text }) =>
    [...text.matchAll(FENCE)]
      .filter(([, language, body]) => language === 'sh' && body?.startsWith(MARK))
      .map(([, , body = ''], n) => [`${title} ${n + 1}`, body] as const),
  ),
);

function split(text: string): Section[] {
  const found: { level: number; title: string; lines: string[] }[] = [];
  let isCode = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode;
    const [, marks, title] = (!isCode && HEADING.exec(line)) || [];
    if (marks !== undefined && title !== undefined) found.push({ level: marks.length, title, lines: [] });
    else found.at(-1)?.lines.push(line);
  }
  return found.map(({ lines, ...heading }) => ({ ...heading, text: lines.join('\n') }));
}

const cellsOf = (row: string): readonly string[] =>
  row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
