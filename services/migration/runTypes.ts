/** What a run needs, may be told, and tells. */
import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { OrganizationId } from '../types.js';
import type { MigrationCounts } from './counts.js';
import type { ShapeOptions } from './shapeEntry.js';
import type { ImportRecord, MigrationKind } from './types.js';
import type { Warm } from './warmList.js';

export interface MigrationDeps {
  readonly record: ImportRecord;
  readonly warm: Warm;
  /** The same for a transcript. */
  warmTranscript(organizationId: OrganizationId, id: string): Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface MigrationOptions extends Partial<ShapeOptions> {
  readonly isDryRun?: boolean;
  /** Entries between two points at which it may stop; 200. */
  readonly batchSize?: number;
  /** Aborted: it stops after the batch under way. */
  readonly signal?: AbortSignal;
  /** How many entries of each kind an earlier run has settled. */
  readonly settled?: Readonly<Partial<Record<MigrationKind, number>>>;
  /** Rejected entries stop it before anything is written. */
  readonly isStrict?: boolean;
  onProgress?(progress: MigrationProgress): void | Promise<void>;
}

export interface MigrationProgress {
  readonly phase: 'checking' | 'moving';
  readonly kind: MigrationKind;
  /** Of this phase, over all kinds. */
  readonly done: number;
  /** Known when everything was checked. */
  readonly total: number | undefined;
  /** What a later run may leave out: entries settled a kind. */
  readonly settled: Readonly<Partial<Record<MigrationKind, number>>>;
  readonly counts: MigrationCounts;
}
