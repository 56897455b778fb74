/** What the commands do, with everything that they need handed in. */
import type { Config } from '../../../services/config.js';
import { MigrationCounts } from '../../../services/migration/counts.js';
import { type Section, writeJsonFile } from '../../../services/migration/exportFile.js';
import { type JsonFile, openJsonFile } from '../../../services/migration/jsonFile.js';
import { CHAT_KINDS, MAP_KINDS, type MigrationResult } from '../../../services/migration/types.js';
import { exportChats, exportMap, exportProviderKeys } from '../../../services/record/exports.js';
import type { OrganizationId } from '../../../services/types.js';
import { createBar, tableOf } from '../command/output.js';
import type { CommandDeps } from '../command/run.js';
import { openTarget, type Target } from '../command/target.js';
import { type Commands, EXIT, type ExportFlags, type ImportFlags } from './program.js';
import { createResumePoint, type ResumePoint } from './resumePoint.js';

type Form = 'maps' | 'chat';

export function createCommands(deps: CommandDeps): Commands {
  const onTarget = async (isReadOnly: boolean, work: (target: Target) => Promise<number>) => {
    const target = await openTarget(deps.config, deps.logger, isReadOnly);
    try {
      return await work(target);
    } finally {
      await target.close();
    }
  };
  return {
    importFile: (form, path, flags) =>
      onTarget(flags.dryRun ?? false, (target) => importFile(deps, target, form, path, flags)),
    exportFile: (form, flags) => onTarget(true, (target) => exportFile(deps, target, form, flags)),
  };
}

async function importFile(
  deps: CommandDeps,
  target: Target,
  form: Form,
  path: string,
  flags: ImportFlags,
): Promise<number> {
  const bar = createBar();
  try {
    const file = await openJsonFile(path, form === 'maps' ? MAP_KINDS : CHAT_KINDS, (read, size) =>
      bar.show('reading', read, size),
    );
    bar.stop();
    const point = resumePointOf(deps.config, form, file, flags);
    const before = flags.resume ? point.read() : undefined;
    if (flags.resume && !before)
      deps.tell('No earlier run of this file stopped; beginning at its first entry.');
    const counts = before?.counts ?? new MigrationCounts();
    const result = await target.state.migrateFrom(file, {
      organizationId: flags.organization,
      timezone: flags.timezone,
      isDryRun: flags.dryRun ?? false,
      isStrict: flags.strict ?? false,
      batchSize: flags.batch,
      signal: deps.signal,
      settled: before?.settled ?? {},
      onProgress: ({ phase, kind, done, settled, counts: soFar }) => {
        bar.show(phase === 'checking' ? `checking ${kind}` : kind, done, file.total);
        if (phase === 'moving' && !flags.dryRun) point.write(settled, sumOf(counts, soFar));
      },
    });
    bar.stop();
    return settle(deps, target, { form, path, file, flags, point, result: withCounts(result, counts) });
  } finally {
    bar.stop();
  }
}

function resumePointOf({ dataDir }: Config, form: Form, file: JsonFile, flags: ImportFlags): ResumePoint {
  return createResumePoint(dataDir, `${form}-${file.sha256.slice(0, 20)}-${flags.organization ?? 'all'}`);
}

function sumOf(one: MigrationCounts, other: MigrationCounts): MigrationCounts {
  const sum = new MigrationCounts();
  sum.include(one);
  sum.include(other);
  return sum;
}

function withCounts(result: MigrationResult, before: MigrationCounts): MigrationResult {
  const sum = new MigrationCounts();
  sum.include(before);
  sum.include({ ...result, rejected: [...result.rejected] });
  const { kinds, reasons, notes, rejected } = sum;
  return { ...result, kinds, reasons, notes, rejected };
}

interface Finished {
  readonly form: Form;
  readonly path: string;
  readonly file: JsonFile;
  readonly flags: ImportFlags;
  readonly point: ResumePoint;
  readonly result: MigrationResult;
}

function settle(
  deps: CommandDeps,
  target: Target,
  { form, path, file, flags, point, result }: Finished,
): number {
  const isRejecting = Object.values(result.kinds).some(
    ({ invalid, needsOrganization }) => invalid + needsOrganization > 0,
  );
  const exitCode = result.isComplete ? (isRejecting ? EXIT.rejected : EXIT.ok) : EXIT.failed;
  if (result.isComplete && !flags.dryRun) point.remove();
  const { bytes, total, sha256 } = file;
  const where = { record: target.database.kind, state: target.state.mode() };
  if (flags.json) {
    const source = { bytes, entries: total, sha256 };
    deps.print(JSON.stringify({ command: form, exitCode, source, target: where, ...result }));
  } else deps.print(tableOf(result));
  if (!result.isComplete) {
    const organization = flags.organization === undefined ? '' : ` --organization ${flags.organization}`;
    deps.tell(
      flags.strict && isRejecting && !deps.signal.aborted
        ? 'Nothing was written, because entries were rejected and --strict was given.'
        : `Stopped. To go on: npm run migrate -- ${form} ${path}${organization} --resume`,
    );
  }
  return exitCode;
}

async function exportFile(
  deps: CommandDeps,
  target: Target,
  form: Form,
  flags: ExportFlags,
): Promise<number> {
  const sections = form === 'maps' ? mapSections(target, flags) : chatSections(target, flags);
  const counts = await writeJsonFile(flags.out, sections, {
    replaces: flags.force ?? false,
    signal: deps.signal,
  });
  if (form === 'chat' && flags.includeKeys) deps.tell('The file holds API keys in clear.');
  deps.print(
    flags.json
      ? JSON.stringify({ command: `export ${form}`, exitCode: EXIT.ok, written: counts })
      : Object.entries(counts)
          .map(([name, count]) => `${name.padEnd(24)}${count}`)
          .join('\n'),
  );
  return EXIT.ok;
}

const mapSections = ({ database }: Target, { organization }: ExportFlags): Section[] =>
  MAP_KINDS.map((name) => ({ name, entries: exportMap(database, name, { organizationId: organization }) }));

function chatSections({ database, secrets }: Target, flags: ExportFlags): Section[] {
  // The command line makes it mandatory for chats.
  const organizationId = flags.organization as OrganizationId;
  return [
    { name: 'conversations', entries: undefined, items: exportChats(database, organizationId) },
    {
      name: 'keys',
      entries: undefined,
      items: flags.includeKeys ? exportProviderKeys(database, secrets, organizationId) : nothing(),
    },
  ];
}

async function* nothing(): AsyncGenerator<never> {
  // No keys unless they were asked for.
}
