/** The command line of `npm run migrate`: words, checks and help; what is done is handed in. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { isTimezone } from '../../../services/migration/shapes/organization.js';
import { isOrganizationId, type OrganizationId } from '../../../services/types.js';

export interface ImportFlags {
  readonly organization?: OrganizationId;
  readonly timezone?: string;
  readonly dryRun?: boolean;
  readonly strict?: boolean;
  readonly resume?: boolean;
  readonly batch: number;
  readonly json?: boolean;
}

export interface ExportFlags {
  readonly out: string;
  readonly organization?: OrganizationId;
  readonly includeKeys?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Each answers with the exit code. */
export interface Commands {
  importFile(form: 'maps' | 'chat', file: string, flags: ImportFlags): Promise<number>;
  exportFile(form: 'maps' | 'chat', flags: ExportFlags): Promise<number>;
}

export const EXIT = { ok: 0, failed: 1, usage: 2, rejected: 3 } as const;

const EXAMPLES = `
Examples:
  npm run migrate -- maps state.json --dry-run            what would happen, without writing
  npm run migrate -- maps state.json                      moves the Maps of another server
  npm run migrate -- maps state.json --resume             goes on after Ctrl-C or a failure
  npm run migrate -- maps old.json --organization north-shore   whose the bare phones are
  npm run migrate -- chat db.json --organization north-shore    a chat library's JSON database
  npm run migrate -- export maps --out state.json         the other way

Exit codes: 0 done, 1 failed or stopped, 2 wrong usage, 3 done with rejected entries.
Source and target are checked before the first write. Running it twice changes nothing.`;

/** @returns the exit code. */
export async function runProgram(args: readonly string[], commands: Commands): Promise<number> {
  let exitCode: number = EXIT.ok;
  const settle = async (work: Promise<number>) => {
    exitCode = await work;
  };
  const program = new Command('migrate')
    .description('Moves state of other servers into the record, and out of it.')
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  importCommand(program, 'maps', 'a JSON dump of the Maps of a running server').action(
    (file: string, flags: ImportFlags) => settle(commands.importFile('maps', file, flags)),
  );
  importCommand(program, 'chat', 'the JSON database of a chat library: {conversations, keys}').action(
    (file: string, flags: ImportFlags) => settle(commands.importFile('chat', file, flags)),
  );
  const exporting = program
    .command('export')
    .description('writes the same formats, readable by the owner of the file alone');
  exportCommand(exporting, 'maps', 'leads, conversations and settings as Maps').action((flags: ExportFlags) =>
    settle(commands.exportFile('maps', flags)),
  );
  exportCommand(exporting, 'chat', 'imported chats of one organization').action((flags: ExportFlags) =>
    settle(commands.exportFile('chat', flags)),
  );
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for is no mistake.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

function importCommand(program: Command, name: 'maps' | 'chat', description: string): Command {
  const command = program
    .command(`${name} <file>`)
    .description(description)
    .addOption(
      organizationOption(name === 'chat', name === 'maps' ? 'whose bare phones are' : 'whose chats they are'),
    )
    .option('--dry-run', 'say what would happen and write nothing')
    .option('--strict', 'write nothing when an entry is rejected')
    .option('--resume', 'go on where an earlier run of this file stopped')
    .addOption(
      new Option('--batch <n>', 'entries between two points at which it may stop')
        .default(200)
        .argParser(toBatch),
    )
    .option('--json', 'one JSON object on standard output');
  return name === 'maps'
    ? command.addOption(
        new Option('--timezone <zone>', 'for organizations that name none').argParser(toTimezone),
      )
    : command;
}

function exportCommand(program: Command, name: 'maps' | 'chat', description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .requiredOption('--out <file>', 'where to write; mode 0600')
    .addOption(
      organizationOption(name === 'chat', name === 'chat' ? 'whose chats' : 'only this organization'),
    )
    .option('--force', 'replace the file when it is there')
    .option('--json', 'one JSON object on standard output');
  return name === 'chat' ? command.option('--include-keys', 'write API keys too, in clear') : command;
}

const organizationOption = (isNeeded: boolean, description: string): Option =>
  new Option('--organization <id>', description).argParser(toOrganization).makeOptionMandatory(isNeeded);

function toOrganization(value: string): OrganizationId {
  if (isOrganizationId(value)) return value;
  throw new InvalidArgumentError('An organization id has letters, digits, ".", "_" or "-".');
}

function toBatch(value: string): number {
  const size = Number(value);
  if (Number.isInteger(size) && size >= 1 && size <= 10_000) return size;
  throw new InvalidArgumentError('A batch has 1 to 10000 entries.');
}

function toTimezone(value: string): string {
  if (isTimezone(value)) return value;
  throw new InvalidArgumentError('A time zone is written as America/Vancouver.');
}
