/** Counters of one run or of a process. Bounded: a hostile file cannot make names without end. */
import type { Applied, KindCounts, MigrationKind, RejectedEntry } from './types.js';

const MAX_NAMES = 100;
const MAX_REJECTED = 100;
const OTHERS = 'others';

export class MigrationCounts {
  readonly kinds: Partial<Record<MigrationKind, KindCounts>> = {};
  readonly reasons: Record<string, number> = {};
  readonly notes: Record<string, number> = {};
  readonly rejected: RejectedEntry[] = [];

  seen(kind: MigrationKind): void {
    this.of(kind).read += 1;
  }

  /** @param maskedKey names the entry for the operator when it was rejected. */
  applied(kind: MigrationKind, applied: Applied, maskedKey: string): void {
    for (const note of applied.notes ?? []) add(this.notes, note);
    if (applied.outcome === 'invalid') this.reject(kind, maskedKey, applied.reason ?? 'invalid');
    else this.of(kind)[applied.outcome] += 1;
  }

  reject(kind: MigrationKind, maskedKey: string, reason: string): void {
    this.of(kind)[reason === 'needs_organization' ? 'needsOrganization' : 'invalid'] += 1;
    add(this.reasons, reason);
    if (this.rejected.length < MAX_REJECTED) this.rejected.push({ kind, key: maskedKey, reason });
  }

  /** Adds what another counted. */
  include(other: Pick<MigrationCounts, 'kinds' | 'reasons' | 'notes' | 'rejected'>): void {
    for (const [kind, counts] of Object.entries(other.kinds) as [MigrationKind, KindCounts][]) {
      const mine = this.of(kind);
      for (const name of Object.keys(mine) as (keyof KindCounts)[]) mine[name] += counts[name];
    }
    for (const [name, count] of Object.entries(other.reasons)) add(this.reasons, name, count);
    for (const [name, count] of Object.entries(other.notes)) add(this.notes, name, count);
    this.rejected.push(...other.rejected.slice(0, MAX_REJECTED - this.rejected.length));
  }

  hasRejected(): boolean {
    return Object.values(this.kinds).some(
      ({ invalid, needsOrganization }) => invalid + needsOrganization > 0,
    );
  }

  of(kind: MigrationKind): KindCounts {
    this.kinds[kind] ??= { read: 0, written: 0, skipped: 0, differs: 0, needsOrganization: 0, invalid: 0 };
    return this.kinds[kind];
  }
}

function add(counts: Record<string, number>, name: string, by = 1): void {
  const isFull = counts[name] === undefined && Object.keys(counts).length >= MAX_NAMES;
  const slot = isFull ? OTHERS : name;
  counts[slot] = (counts[slot] ?? 0) + by;
}
