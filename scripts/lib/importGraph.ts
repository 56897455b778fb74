/** The imports between the project's own files, type imports included, read from their text. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface SourceFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface ImportEdge {
  readonly from: string;
  readonly to: string;
  /** Counted from 1. */
  readonly line: number;
}

// The formatter puts every import and export at the beginning of a line, so text in comments does not match.
const STATIC = /^(?:import|export)\b(?:\s*(?:type\s+)?[\w*{][^;'"]*?\bfrom)?\s*['"](\.[^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"](\.[^'"]+)['"]/g;
const SKIPPED = new Set(['node_modules', 'test', 'bench', 'data', 'dist', 'coverage']);

/** @returns every `.ts` file below the root but those of tests and benchmarks. */
export function readSources(root: string): SourceFile[] {
  const read = (folder: string): SourceFile[] =>
    readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return SKIPPED.has(name) || entry.name.startsWith('.') ? [] : read(name);
      return name.endsWith('.ts') ? [{ path: name, text: readFileSync(path.join(root, name), 'utf8') }] : [];
    });
  return read('');
}

/** @returns one edge per import of a relative path, whether or not the file exists. */
export function importEdges(files: readonly SourceFile[]): ImportEdge[] {
  return files.flatMap((file) =>
    [...file.text.matchAll(STATIC), ...file.text.matchAll(DYNAMIC)]
      .filter((match) => !isInComment(file.text, match.index))
      .map((match) => ({
        from: file.path,
        to: resolve(file.path, match[1] ?? ''),
        line: lineOf(file.text, match.index + match[0].length),
      })),
  );
}

const resolve = (from: string, specifier: string): string =>
  path.posix.join(path.posix.dirname(from), specifier).replace(/\.js$/, '.ts');

export const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** True on a line of a comment as the formatter leaves them: `// …`, `/* …`, ` * …`. */
export function isInComment(text: string, index: number): boolean {
  const lineStart = text.lastIndexOf('\n', index - 1) + 1;
  return /^\s*(?:\/\/|\/\*|\*)|\s\/\/\s/.test(text.slice(lineStart, index));
}

/** @returns one closed walk (`a, b, a` as edges) for every group of files that import each other. */
export function importCycles(edges: readonly ImportEdge[]): ImportEdge[][] {
  const outgoing = groupByFrom(edges);
  const seen = new Set<string>();
  const cycles: ImportEdge[][] = [];
  for (const start of outgoing.keys()) {
    if (seen.has(start)) continue;
    const cycle = shortestWalkBack(start, outgoing);
    for (const edge of cycle) seen.add(edge.from);
    if (cycle.length > 0) cycles.push(cycle);
  }
  return cycles;
}

function groupByFrom(edges: readonly ImportEdge[]): Map<string, ImportEdge[]> {
  const groups = new Map<string, ImportEdge[]>();
  for (const edge of edges) groups.set(edge.from, [...(groups.get(edge.from) ?? []), edge]);
  return groups;
}

/** Breadth first, so the walk reported is as short as can be. */
function shortestWalkBack(start: string, outgoing: ReadonlyMap<string, readonly ImportEdge[]>): ImportEdge[] {
  const queue: ImportEdge[][] = [[]];
  const visited = new Set<string>();
  for (let walk = queue.shift(); walk; walk = queue.shift()) {
    for (const edge of outgoing.get(walk.at(-1)?.to ?? start) ?? []) {
      if (edge.to === start) return [...walk, edge];
      if (visited.has(edge.to)) continue;
      visited.add(edge.to);
      queue.push([...walk, edge]);
    }
  }
  return [];
}
