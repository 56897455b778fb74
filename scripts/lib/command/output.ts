/** What the operator sees: a bar on standard error, the outcome on standard output. */
import { Presets, SingleBar } from 'cli-progress';
import { maskPhones } from '../../../services/logger.js';
import type { KindCounts, MigrationResult } from '../../../services/migration/types.js';

export interface Bar {
  show(label: string, done: number, total: number): void;
  stop(): void;
}

/** In a file or a pipe it is a line every few seconds. */
export function createBar(): Bar {
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: '{label} {bar} {percentage}% {value}/{total}',
      noTTYOutput: true,
      notTTYSchedule: 5_000,
      hideCursor: true,
      // Ctrl-C is ours: it stops between two batches.
      gracefulExit: false,
    },
    Presets.shades_grey,
  );
  let label: string | undefined;
  return {
    show: (next, done, total) => {
      if (label === undefined) bar.start(total, done, { label: next });
      label = next;
      bar.setTotal(total);
      bar.update(done, { label: next });
    },
    stop: () => {
      if (label !== undefined) bar.stop();
      label = undefined;
    },
  };
}

const COLUMNS: readonly (readonly [keyof KindCounts, string])[] = [
  ['read', 'read'],
  ['written', 'written'],
  ['skipped', 'skipped'],
  ['differs', 'differ'],
  ['needsOrganization', 'no organization'],
  ['invalid', 'invalid'],
];

export function tableOf({
  kinds,
  reasons,
  notes,
  rejected,
  isDryRun,
  warmed,
  durationMs,
}: MigrationResult): string {
  const rows = Object.entries(kinds).map(
    ([kind, counts]) =>
      `${kind.padEnd(24)}${COLUMNS.map(([name, title]) => String(counts[name]).padStart(title.length + 2)).join('')}`,
  );
  const list = (title: string, counts: Readonly<Record<string, number>>) =>
    Object.keys(counts).length === 0
      ? []
      : [title, ...Object.entries(counts).map(([name, count]) => `  ${String(count).padStart(8)}  ${name}`)];
  return [
    `${' '.repeat(24)}${COLUMNS.map(([, title]) => `  ${title}`).join('')}`,
    ...rows,
    ...list('Rejected because:', reasons),
    ...list('Worth knowing:', notes),
    ...rejected.slice(0, 20).map(({ kind, key, reason }) => `  ${kind} ${key}: ${reason}`),
    isDryRun
      ? 'Dry run: nothing was written.'
      : `${warmed} conversations are ready in the cache. ${(durationMs / 1000).toFixed(1)} s.`,
  ].join('\n');
}

/** What went wrong and why, without queries, parameters or addresses with passwords. */
export function explain(error: unknown): string {
  const lines: string[] = [];
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    const line = current instanceof AggregateError ? '' : (current.message.split('\n')[0] ?? '');
    if (line !== '' && !line.startsWith('Failed query')) lines.push(line);
  }
  return maskPhones([...new Set(lines)].join(' ').replace(/\/\/[^@\s/]*@/g, '//')) || 'Something went wrong.';
}
