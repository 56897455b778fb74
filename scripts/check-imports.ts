/** `npm run graph`: holds the import graph to the rules of scripts/lib/importRules.ts. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ImportEdge,
  importCycles,
  importEdges,
  isInComment,
  lineOf,
  readSources,
  type SourceFile,
} from './lib/importGraph.js';
import { ENVIRONMENT_READERS, IMPORT_RULES, type ImportRule, matches } from './lib/importRules.js';
import { PROJECT_ROOT } from './lib/programs.js';

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly what: string;
  readonly reason: string;
}

/** @param rootOrFiles a folder to read, or files in memory. @returns every violation; none means clean. */
export function checkImports(rootOrFiles: string | readonly SourceFile[]): Violation[] {
  const files = typeof rootOrFiles === 'string' ? readSources(rootOrFiles) : rootOrFiles;
  const edges = importEdges(files);
  return [
    ...IMPORT_RULES.flatMap((rule) =>
      edges.filter((edge) => breaks(rule, edge)).map((edge) => wrongImport(rule, edge)),
    ),
    ...importCycles(edges).map(cycle),
    ...files.flatMap(environmentReads),
  ];
}

const breaks = (rule: ImportRule, { from, to }: ImportEdge): boolean =>
  matches(from, rule.from) &&
  !matches(from, rule.except ?? []) &&
  matches(to, rule.forbidden) &&
  !matches(to, rule.allowed ?? []);

const wrongImport = (rule: ImportRule, edge: ImportEdge): Violation => ({
  file: edge.from,
  line: edge.line,
  rule: rule.name,
  what: `imports ${edge.to}`,
  reason: rule.reason,
});

const cycle = (edges: readonly ImportEdge[]): Violation => ({
  file: edges[0]?.from ?? '',
  line: edges[0]?.line ?? 0,
  rule: 'no-cycles',
  what: `imports itself: ${[...edges.map((edge) => edge.from), edges[0]?.from].join(' → ')}`,
  reason: 'files of a cycle can only be understood, loaded and tested together',
});

function environmentReads(file: SourceFile): Violation[] {
  if (matches(file.path, ENVIRONMENT_READERS)) return [];
  return [...file.text.matchAll(/\bprocess\s*\.\s*env\b/g)]
    .filter((match) => !isInComment(file.text, match.index))
    .map((match) => ({
      file: file.path,
      line: lineOf(file.text, match.index),
      rule: 'environment-has-one-reader',
      what: 'names process.env',
      reason: 'services/config.ts reads and checks the environment; everything else gets values',
    }));
}

function main(): void {
  const violations = checkImports(PROJECT_ROOT);
  for (const { file, line, rule, what, reason } of violations) {
    console.error(`${file}:${line}  ${rule}: ${what} (${reason})`);
  }
  console.log(
    violations.length === 0 ? 'import graph: clean' : `import graph: ${violations.length} violations`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main();
