/**
 * Gradual migration: a read that finds nothing newer asks the Map of the old server, moves that entry into the record,
 * once, and is then answered from there. Nothing has to stop, and what nobody reads is left to a bulk run.
 */

import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { E164, LeadId, OrganizationId } from '../types.js';
import type { MigrationCounts } from './counts.js';
import type { OrganizationOf } from './entryKey.js';
import { shapeEntry } from './shapeEntry.js';
import type { ImportRecord, MapKind } from './types.js';

export interface ReadThroughOptions {
  readonly map: ReadonlyMap<string, unknown>;
  readonly kind: MapKind;
  /** Whose a bare phone or lead id is; absent when all keys name their organization. */
  readonly organizationOf?: OrganizationOf;
  /** For organizations that name none. */
  readonly timezone?: string;
}

/** Of whom something is read. */
export interface Subject {
  readonly phone?: E164 | undefined;
  readonly leadId?: LeadId | string | undefined;
}

export interface LegacyReadThrough {
  readonly kind: MapKind;
  /** @returns whether the record changed, so that it is worth reading again. Never throws: the record still answers. */
  pull(organizationId: OrganizationId, subject: Subject): Promise<boolean>;
  /** Whether the Map may still have something of the subject. */
  has(organizationId: OrganizationId, subject: Subject): boolean;
  report(): { readonly asked: number; readonly moved: number; readonly failed: number };
  /** From here on the Map is not asked. */
  stop(): void;
}

interface ReadThroughDeps {
  readonly record: ImportRecord;
  readonly counts: MigrationCounts;
  readonly logger: Logger;
  onStop(readThrough: LegacyReadThrough): void;
}

export function createLegacyReadThrough(
  deps: ReadThroughDeps,
  options: ReadThroughOptions,
): LegacyReadThrough {
  const { map, kind } = options;
  const organizationOf = options.organizationOf ?? (() => undefined);
  const report = { asked: 0, moved: 0, failed: 0 };
  /** Settled keys; one a key of the Map at most. */
  const settled = new Set<string>();
  const underWay = new Map<string, Promise<boolean>>();
  let isStopped = false;

  const keyOf = (organizationId: OrganizationId, subject: Subject): string | undefined => {
    if (isStopped) return undefined;
    const key = namesOf(kind, subject)
      .flatMap((name) => [name === '' ? organizationId : `${organizationId}:${name}`, name])
      .find((name) => map.has(name) && (name === organizationId || belongs(name, organizationId)));
    return key === undefined || settled.has(key) ? undefined : key;
  };
  const belongs = (name: string, organizationId: OrganizationId) =>
    name.startsWith(`${organizationId}:`) || organizationOf(name) === organizationId;

  const move = async (key: string, organizationId: OrganizationId): Promise<boolean> => {
    deps.counts.seen(kind);
    const entry = { kind, key, value: map.get(key) };
    const shaped = shapeEntry(entry, { organizationOf, organizationId, timezone: options.timezone });
    if ('reason' in shaped) {
      settled.add(key);
      deps.counts.reject(kind, shaped.key, shaped.reason);
      return false;
    }
    try {
      const applied = await deps.record.apply(shaped.item, { isDryRun: false });
      settled.add(key);
      deps.counts.applied(kind, applied, shaped.key);
      if (applied.outcome === 'written') report.moved += 1;
      return applied.outcome === 'written';
    } catch (error) {
      // The record answers with what it has; the next read of this key tries again.
      report.failed += 1;
      deps.logger.warn('an entry of the old server could not be moved', {
        organizationId,
        kind,
        error: asError(error),
      });
      return false;
    }
  };

  const readThrough: LegacyReadThrough = {
    kind,
    has: (organizationId, subject) => keyOf(organizationId, subject) !== undefined,
    pull: async (organizationId, subject) => {
      report.asked += 1;
      const key = keyOf(organizationId, subject);
      if (key === undefined) return false;
      const moving = underWay.get(key) ?? move(key, organizationId).finally(() => underWay.delete(key));
      underWay.set(key, moving);
      return await moving;
    },
    report: () => ({ ...report }),
    stop: () => {
      isStopped = true;
      deps.onStop(readThrough);
    },
  };
  return readThrough;
}

/** What follows the organization in a key of this kind; the empty name is the organization itself. */
function namesOf(kind: MapKind, { phone, leadId }: Subject): string[] {
  if (kind === 'organizations' || kind === 'agentConfigs') return [''];
  const name = kind === 'leadToPhone' ? leadId : phone;
  return name === undefined ? [] : [name];
}
