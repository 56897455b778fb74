/** Where a run of a file stopped. It belongs to the file's content and to the organization, so it fits no other run. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { MigrationCounts } from '../../../services/migration/counts.js';
import { CHAT_KINDS, MAP_KINDS, type MigrationKind } from '../../../services/migration/types.js';

const kindSchema = z.enum([...MAP_KINDS, ...CHAT_KINDS]);
const countSchema = z.record(z.string(), z.int().min(0));
const schema = z.object({
  version: z.literal(1),
  settled: z.partialRecord(kindSchema, z.int().min(0)),
  kinds: z.partialRecord(
    kindSchema,
    z.object({
      read: z.int(),
      written: z.int(),
      skipped: z.int(),
      differs: z.int(),
      needsOrganization: z.int(),
      invalid: z.int(),
    }),
  ),
  reasons: countSchema,
  notes: countSchema,
  rejected: z.array(z.object({ kind: kindSchema, key: z.string(), reason: z.string() })),
});

export interface ResumePoint {
  /** Entries settled a kind, and what was counted of them. */
  read():
    | { readonly settled: Partial<Record<MigrationKind, number>>; readonly counts: MigrationCounts }
    | undefined;
  write(settled: Readonly<Partial<Record<MigrationKind, number>>>, counts: MigrationCounts): void;
  remove(): void;
}

export function createResumePoint(dataDir: string, name: string): ResumePoint {
  const directory = path.join(dataDir, 'migrations');
  const file = path.join(directory, `${name}.json`);
  return {
    read: () => {
      const text = readIfThere(file);
      if (text === undefined) return undefined;
      const { settled, kinds, reasons, notes, rejected } = schema.parse(JSON.parse(text));
      const counts = new MigrationCounts();
      counts.include({ kinds, reasons, notes, rejected });
      return { settled, counts };
    },
    write: (settled, { kinds, reasons, notes, rejected }) => {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const unfinished = `${file}.${process.pid}`;
      writeFileSync(unfinished, JSON.stringify({ version: 1, settled, kinds, reasons, notes, rejected }), {
        mode: 0o600,
      });
      renameSync(unfinished, file);
    },
    remove: () => rmSync(file, { force: true }),
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
