/** The command line of `npm run archive`: words, checks and help; what is done is handed in. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isOrganizationId, type OrganizationId } from '../../../services/types.js';

export interface RunFlags {
  readonly organization?: OrganizationId;
  /** Instead of ARCHIVE_AFTER_DAYS. */
  readonly afterDays?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export interface ExportFlags {
  readonly organization: OrganizationId;
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Each answers with the exit code. */
export interface Commands {
  run(flags: RunFlags): Promise<number>;
  export(flags: ExportFlags): Promise<number>;
}

export const EXIT = { ok: 0, failed: 1, usage: 2, incomplete: 3 } as const;

const EXAMPLES = `
Examples:
  npm run archive -- run --dry-run                    how much is past retention
  npm run archive -- run                              moves it now instead of with the next sweep
  npm run archive -- run --after-days 30 --organization north-shore
  npm run archive -- export --organization north-shore --out north-shore.jsonl

Exit codes: 0 done, 1 failed or stopped, 2 wrong usage, 3 done except for what standard error names.
With an embedded record (no DATABASE_URL) stop Jack first: its directory serves one process.`;

/** @returns the exit code. */
export async function runProgram(args: readonly string[], commands: Commands): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('archive')
    .description('Moves messages past retention into the archive, and writes out what was said.')
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  program
    .command('run')
    .description('moves what is past retention now')
    .addOption(organizationOption('only this organization'))
    .addOption(
      new Option('--after-days <n>', 'days without a message, instead of ARCHIVE_AFTER_DAYS').argParser(
        toDays,
      ),
    )
    .option('--dry-run', 'say how much that is and move nothing')
    .option('--json', 'one JSON object on standard output')
    .action(async (flags: RunFlags) => {
      exitCode = await commands.run(flags);
    });
  program
    .command('export')
    .description('all conversations of an organization as lines of JSON, hot and archived')
    .addOption(organizationOption('whose conversations').makeOptionMandatory())
    .requiredOption('--out <file>', 'where to write; mode 0600')
    .option('--force', 'replace the file when it is there')
    .option('--json', 'one JSON object on standard output')
    .action(async (flags: ExportFlags) => {
      exitCode = await commands.export(flags);
    });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for is no mistake.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

const organizationOption = (description: string): Option =>
  new Option('--organization <id>', description).argParser(toOrganization);

function toOrganization(value: string): OrganizationId {
  if (isOrganizationId(value)) return value;
  throw new InvalidArgumentError('An organization id has letters, digits, ".", "_" or "-".');
}

function toDays(value: string): number {
  const days = Number(value);
  if (Number.isInteger(days) && days >= 1 && days <= 36_500) return days;
  throw new InvalidArgumentError('It is a whole number of days, 1 to 36500.');
}
