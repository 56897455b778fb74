/** The Maps of a running server. They may change meanwhile: an entry that comes later is moved by a later run. */
import type { SourceEntry } from './shapeEntry.js';
import type { EntrySource } from './sources.js';
import { type LegacyMaps, MAP_KINDS, type MapKind, type MigrationKind } from './types.js';

export function mapsSource(maps: LegacyMaps): EntrySource {
  return {
    kinds: MAP_KINDS.filter((kind) => maps[kind] !== undefined),
    entries: (kind, skip) => entriesOf(kind, maps[kind as MapKind], skip),
  };
}

async function* entriesOf(
  kind: MigrationKind,
  map: ReadonlyMap<string, unknown> | undefined,
  skip: number,
): AsyncGenerator<SourceEntry> {
  let index = 0;
  for (const [key, value] of map ?? []) {
    index += 1;
    if (index > skip) yield { kind, key: String(key), value };
  }
}
