/** One run over a source: a pass that checks everything and writes nothing, then one that moves. */
import type { OrganizationId } from '../types.js';
import { MigrationCounts } from './counts.js';
import type { MigrationDeps, MigrationOptions, MigrationProgress } from './runTypes.js';
import { type ShapedEntry, type ShapeOptions, shapeEntry } from './shapeEntry.js';
import { type EntrySource, inBatches, inParallel } from './sources.js';
import type { Applied, ImportItem, MigrationKind } from './types.js';
import { WarmList } from './warmList.js';

const BATCH_SIZE = 200;
/** Transactions at once: enough to hide a round trip to PostgreSQL, few enough to leave its connections to texts. */
const PARALLEL = 4;
const MAX_TRANSCRIPTS = 5_000;

type Good = Extract<ShapedEntry, { item: ImportItem }>;

export class Run {
  readonly counts = new MigrationCounts();
  readonly warmList = new WarmList();
  readonly #deps: MigrationDeps;
  readonly #source: EntrySource;
  readonly #options: MigrationOptions;
  readonly #shape: ShapeOptions;
  readonly #settled: Partial<Record<MigrationKind, number>>;
  /** Organizations that a dry run would have made: their entries cannot be tried, only counted. */
  readonly #planned = new Set<OrganizationId>();
  #transcripts = 0;
  #done = 0;
  #total: number | undefined;

  constructor(deps: MigrationDeps, source: EntrySource, options: MigrationOptions) {
    this.#deps = deps;
    this.#source = source;
    this.#options = options;
    this.#settled = { ...options.settled };
    this.#shape = {
      organizationOf: options.organizationOf ?? (() => options.organizationId),
      organizationId: options.organizationId,
      timezone: options.timezone,
    };
  }

  async go(): Promise<boolean> {
    if (!(await this.#check())) return false;
    for (const kind of this.#source.kinds) {
      if (!(await this.#move(kind))) return false;
    }
    return true;
  }

  /** Reads and checks everything, writes nothing. @returns false when it was stopped, or rejected entries forbid more. */
  async #check(): Promise<boolean> {
    const found = new MigrationCounts();
    for (const kind of this.#source.kinds) {
      for await (const batch of inBatches(this.#source.entries(kind, 0), this.#batchSize)) {
        for (const entry of batch) {
          found.seen(kind);
          const shaped = shapeEntry(entry, this.#shape);
          if ('reason' in shaped) found.reject(kind, shaped.key, shaped.reason);
        }
        this.#done += batch.length;
        await this.#tell('checking', kind);
        if (this.#options.signal?.aborted) return false;
      }
    }
    this.#total = this.#done;
    this.#done = 0;
    if (!this.#options.isStrict || !found.hasRejected()) return true;
    this.counts.include(found);
    return false;
  }

  async #move(kind: MigrationKind): Promise<boolean> {
    const skip = this.#settled[kind] ?? 0;
    this.#done += skip;
    for await (const batch of inBatches(this.#source.entries(kind, skip), this.#batchSize)) {
      if (this.#options.signal?.aborted) return false;
      const good = batch.flatMap((entry) => {
        this.counts.seen(kind);
        const shaped = shapeEntry(entry, this.#shape);
        if ('item' in shaped) return shaped;
        this.counts.reject(kind, shaped.key, shaped.reason);
        return [];
      });
      await this.#apply(good);
      this.#done += batch.length;
      this.#settled[kind] = (this.#settled[kind] ?? 0) + batch.length;
      await this.#tell('moving', kind);
    }
    return true;
  }

  async #apply(good: readonly Good[]): Promise<void> {
    if (good.length === 0) return;
    const known = await this.#deps.record.areKnown(good.map(({ item }) => item));
    await inParallel(good.entries(), PARALLEL, async ([index, entry]) => {
      const { item, notes, key } = entry;
      if (known[index]) return this.counts.applied(item.kind, { outcome: 'skipped' }, key);
      const applied = await this.#applyOne(item);
      this.counts.applied(item.kind, { ...applied, notes: [...notes, ...(applied.notes ?? [])] }, key);
      if (applied.conversation) this.warmList.add(item.organizationId, applied.conversation);
      if (applied.outcome === 'written') await this.#warmTranscript(item);
    });
  }

  /** At once, while the record has its pages at hand; bounded, since Redis is not the place for a whole archive. */
  async #warmTranscript(item: ImportItem): Promise<void> {
    if (item.kind !== 'conversations' || this.#options.isDryRun || this.#transcripts >= MAX_TRANSCRIPTS)
      return;
    this.#transcripts += 1;
    await this.#deps.warmTranscript(item.organizationId, item.value.id);
  }

  async #applyOne(item: ImportItem): Promise<Applied> {
    const isDryRun = this.#options.isDryRun ?? false;
    if (isDryRun && this.#planned.has(item.organizationId)) return { outcome: 'written' };
    const applied = await this.#deps.record.apply(item, { isDryRun });
    if (isDryRun && item.kind === 'organizations') this.#planned.add(item.organizationId);
    return applied;
  }

  async #tell(phase: MigrationProgress['phase'], kind: MigrationKind): Promise<void> {
    await this.#options.onProgress?.({
      phase,
      kind,
      done: this.#done,
      total: this.#total,
      settled: this.#settled,
      counts: this.counts,
    });
  }

  get #batchSize(): number {
    return this.#options.batchSize ?? BATCH_SIZE;
  }
}
