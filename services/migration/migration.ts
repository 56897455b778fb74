/**
 * Moves what a legacy server holds in Maps, or wrote to a file, into the record. Every entry is checked before the first
 * one is written; batches can be stopped between, and running twice changes nothing.
 */
import { MigrationCounts } from './counts.js';
import { mapsSource } from './mapsSource.js';
import { createLegacyReadThrough, type LegacyReadThrough, type ReadThroughOptions } from './readThrough.js';
import { Run } from './run.js';
import type { MigrationDeps, MigrationOptions } from './runTypes.js';
import type { EntrySource } from './sources.js';
import type { KindCounts, LegacyMaps, MigrationKind, MigrationResult } from './types.js';

/** Numbers only: it is shown to everybody who may see statistics. */
export interface MigrationReport {
  readonly runs: number;
  /** ISO 8601. */
  readonly lastRunAt: string | null;
  readonly lastDurationMs: number | null;
  readonly kinds: Readonly<Partial<Record<MigrationKind, KindCounts>>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly readThrough: { readonly asked: number; readonly moved: number; readonly failed: number };
}

export class Migration {
  readonly #deps: MigrationDeps;
  readonly #counts = new MigrationCounts();
  readonly #readThroughs: LegacyReadThrough[] = [];
  #runs = 0;
  #lastRunAtMs: number | undefined;
  #lastDurationMs: number | null = null;

  private constructor(deps: MigrationDeps) {
    this.#deps = deps;
  }

  static create(deps: MigrationDeps): Migration {
    return new Migration(deps);
  }

  async migrateMaps(maps: LegacyMaps, options: MigrationOptions = {}): Promise<MigrationResult> {
    return await this.migrate(mapsSource(maps), options);
  }

  /** @throws JackError E_DB_UNAVAILABLE; what was settled until then is in the last progress. */
  async migrate(source: EntrySource, options: MigrationOptions = {}): Promise<MigrationResult> {
    const startedAtMs = this.#deps.clock.monotonicMs();
    const run = new Run(this.#deps, source, options);
    try {
      const isComplete = await run.go();
      const warmed = options.isDryRun ? 0 : await run.warmList.warm(this.#deps, options.signal);
      const { kinds, reasons, notes, rejected } = run.counts;
      const durationMs = Math.round(this.#deps.clock.monotonicMs() - startedAtMs);
      this.#lastDurationMs = durationMs;
      return {
        isDryRun: options.isDryRun ?? false,
        isComplete,
        durationMs,
        kinds,
        reasons,
        notes,
        rejected,
        warmed,
      };
    } finally {
      this.#runs += 1;
      this.#lastRunAtMs = this.#deps.clock.now();
      if (!options.isDryRun) this.#counts.include(run.counts);
    }
  }

  createLegacyReadThrough(options: ReadThroughOptions): LegacyReadThrough {
    const readThrough = createLegacyReadThrough(
      { ...this.#deps, counts: this.#counts, onStop: (gone) => this.#forget(gone) },
      options,
    );
    this.#readThroughs.push(readThrough);
    return readThrough;
  }

  get readThroughs(): readonly LegacyReadThrough[] {
    return this.#readThroughs;
  }

  report(): MigrationReport {
    const sum = (name: 'asked' | 'moved' | 'failed') =>
      this.#readThroughs.reduce(
        (total, readThrough) => total + readThrough.report()[name],
        this.#ended[name],
      );
    return {
      runs: this.#runs,
      lastRunAt: this.#lastRunAtMs === undefined ? null : new Date(this.#lastRunAtMs).toISOString(),
      lastDurationMs: this.#lastDurationMs,
      kinds: this.#counts.kinds,
      reasons: this.#counts.reasons,
      readThrough: { asked: sum('asked'), moved: sum('moved'), failed: sum('failed') },
    };
  }

  /** What read-throughs did that have been stopped. */
  readonly #ended = { asked: 0, moved: 0, failed: 0 };

  #forget(readThrough: LegacyReadThrough): void {
    const index = this.#readThroughs.indexOf(readThrough);
    if (index === -1) return;
    this.#readThroughs.splice(index, 1);
    const report = readThrough.report();
    for (const name of ['asked', 'moved', 'failed'] as const) this.#ended[name] += report[name];
  }
}
